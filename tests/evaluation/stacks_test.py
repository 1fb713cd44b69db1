"""Stacks judged channel by channel: by the classifier of single digits, whose answers spell the mode."""

import json

import numpy as np
import pytest
from ml_collections import ConfigDict

from gengen.data import stacks
from gengen.data.dataset import load
from gengen.data.selection import Selection
from gengen.evaluation.features import class_extractor
from gengen.evaluation.judging import Judge
from gengen.evaluation.trained_classifier import SHIPPED
from gengen.metrics.modes import mode_divergence

SETTINGS = ConfigDict({"features": "auto", "inception_weights": None})


@pytest.fixture(scope="module")
def data(data_dir):
    """Fewer stacks, of which each kind is still there, judged by what comes with gengen for the digits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stacks, "COUNTS", {"train": 12_000, "test": 200})
        return load(name="stacked_digits", resolution=16, data_dir=data_dir)


def test_the_digits_own_classifier_sees_each_channel_by_itself(data):
    seen, digits = class_extractor(data), class_extractor(data.layers)
    assert (SHIPPED / f"{data.layers.signature.digest}.npz").exists()
    assert (seen.title, seen.accuracy, seen.classes, seen.dimension) == (digits.title, digits.accuracy, 1000, 192)
    images = data.splits["test"]["data"][:20]
    features, joint = seen.extract(images)
    single = [digits.extract(images[..., channel : channel + 1]) for channel in range(3)]
    np.testing.assert_array_equal(features, np.concatenate([part for part, _ in single], 1))
    np.testing.assert_allclose(np.exp(joint).sum(1), 1, rtol=1e-5)
    np.testing.assert_array_equal(joint.argmax(1), [100, 10, 1] @ np.stack([part.argmax(1) for _, part in single]))


def test_modes_of_stacks_are_counted_and_those_of_real_ones_are_what_they_spell(data):
    judge = Judge(data, SETTINGS, num=2_000, scores=("modes_hit", "mode_divergence"))
    assert judge.names == ["modes_hit", "mode_divergence"]
    assert judge.least("modes_hit") == 26_000
    floor = judge.floor
    labels, real = data.splits["train"]["label"][floor.indices], judge.scores(floor)
    assert (floor.modes == labels).mean() > 0.97
    assert real["modes_hit"].value == pytest.approx(len(np.unique(labels)), abs=15)
    assert real["mode_divergence"].value == pytest.approx(mode_divergence(labels, 1000).value, abs=0.03)
    one = data.splits["train"]["data"][:1].repeat(50, 0)
    found = judge.scores(judge.examples(one))
    assert found["modes_hit"].value == 1 and found["mode_divergence"].value == pytest.approx(np.log(1000))
    json.dumps({name: estimate._asdict() for name, estimate in found.items()}, allow_nan=False)


def test_of_some_kinds_alone_no_modes_are_known_and_no_sample_is_of_low_quality(data):
    few = Selection(classes=stacks.CLASSES[:100]).of(data)
    names = set(Judge(data, SETTINGS, num=500).names)
    assert {"modes_hit", "mode_divergence", "class_divergence"} < names and "high_quality" not in names
    assert not {"modes_hit", "mode_divergence"} & set(Judge(few, SETTINGS, num=500).names)
