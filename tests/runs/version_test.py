"""A run folder of version 0.2.0, whose data.json had height, width and channels: it opens, looks and goes on."""

import json
import zipfile
from pathlib import Path

import jax
import numpy as np
import pytest

import gengen
from gengen.cli.tasks import main_of
from gengen.data.signature import Signature
from gengen.runs.run import open_run

ROOT = Path(__file__).parents[2]
OLDER = Path(__file__).parent / "older" / "vae-0.2.0.zip"
"""`vae:tiny` on the digits at 8x8, with narrower networks, after 20 steps; what sample and reconstruct wrote of it."""


@pytest.fixture
def folder(tmp_path, data_dir, monkeypatch):
    """The run folder as version 0.2.0 left it."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(data_dir))
    with zipfile.ZipFile(OLDER) as packed:
        packed.extractall(tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture(autouse=True)
def promotion():
    """Optax raises floats to integer powers, which strict promotion refuses."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def written(folder, name):
    with np.load(folder / f"{name}.npz") as arrays:
        return dict(arrays)


def test_its_samples_are_those_of_its_time(folder):
    run = gengen.open_run(folder)
    assert run.step == 20 and run.signature.fields["data"].shape == (8, 8, 1)
    difference = run.sample(4, seed=0).astype(int) - written(folder, "samples")["images"]
    assert np.abs(difference).max() <= 1  # a level of grey: processors differ in the last bit


def test_its_data_are_found_and_what_comes_back_of_them(folder):
    before = written(folder, "reconstructions")
    main_of("reconstruct")(open_run(folder), num=4, seed=0, output=None, source=None, label=None, dark=False)
    after = written(folder, "reconstructions")
    np.testing.assert_array_equal(after["images"], before["images"])
    assert np.abs(after["reconstructions"].astype(int) - before["reconstructions"]).max() <= 1


def test_it_goes_on_and_its_data_are_described_anew(folder):
    config = open_run(folder).config
    config.training.steps = 25
    assert gengen.train(config, folder).step == 25
    signature = json.loads((folder / "data.json").read_text())
    assert "height" not in signature and Signature.from_json(signature).shape == (8, 8, 1)
    config = json.loads((folder / "config.json").read_text())
    assert config["training"]["precision"] == "float32" and "dtype" not in config["networks"]["encoder"]


def test_the_experiment_of_today_goes_on_in_its_folder(folder):
    config = gengen.load_config(str(ROOT / "configs" / "vae.py:tiny"))
    config.data.resolution, config.model.latents = (8,), (2,)
    config.networks.encoder.widths = config.networks.decoder.widths = (16,)
    config.training.steps = 25
    assert gengen.train(config, folder).step == 25
