"""Runs that an older version began keep their split for testing: they go on, and are judged on what they never saw."""

import json

import jax
import numpy as np
import pytest

from configs import ae
from gengen.api import train
from gengen.core.refusal import Refusal
from gengen.runs.run import open_run

OLDER = "4e9affc30173a807"
"""Digest of the embedded digits as versions before 0.2 split them."""


@pytest.fixture(autouse=True)
def promotion():
    """Optax raises floats to integer powers, which strict promotion refuses."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def tiny(data_dir, steps):
    config = ae.get_config("tiny")
    config.data.data_dir = str(data_dir)
    config.training.update(steps=steps, sample_every=0, checkpoint_every=0)
    return config


@pytest.fixture
def older(data_dir, tmp_path):
    """The folder of a run whose data.json is as versions before 0.2 wrote it."""
    train.run(tiny(data_dir, 2), tmp_path / "run", "position")
    path = tmp_path / "run" / "data.json"
    signature = json.loads(path.read_text())
    assert (signature["digest"], signature.pop("split")) == (OLDER, "position")
    path.write_text(json.dumps(signature))
    return tmp_path / "run"


def test_an_older_run_goes_on_with_its_split(older, data_dir):
    assert open_run(older).data().signature.digest == OLDER
    train.run(tiny(data_dir, 4), older)
    signature = json.loads((older / "data.json").read_text())
    assert (signature["digest"], signature["split"]) == (OLDER, "position")
    train.run(tiny(data_dir, 5), older)  # also now that the rule is written down
    assert open_run(older).data().signature.counts == {"train": 1498, "test": 299}


def test_a_new_run_is_split_by_what_its_pictures_are(data_dir, tmp_path):
    train.run(tiny(data_dir, 2), tmp_path)
    data = open_run(tmp_path).data()
    assert data.signature.counts == {"train": 1497, "test": 300}
    assert json.loads((tmp_path / "data.json").read_text())["split"] == "hash"
    assert np.bincount(data.splits["test"]["label"]).min() >= 29  # a sixth of each class


def test_other_data_stay_another_run(older, data_dir):
    config = tiny(data_dir, 4)
    config.data.resolution = (16,)
    with pytest.raises(Refusal, match=r"data\.resolution"):
        train.run(config, older)
