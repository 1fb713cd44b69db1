"""The network that pictures without labels teach: what it is of, when it is taught, and that it is kept."""

import numpy as np
import pytest
from ml_collections import ConfigDict

from gengen.data.signature import DataSet, Signature
from gengen.evaluation import features, trained_network
from gengen.evaluation.features import UnfitDataError, choose, extractors
from gengen.evaluation.judging import Judge
from gengen.evaluation.self_supervised import CHANNELS, NAME, rotations_of, side_of
from gengen.evaluation.trained_network import trained


def settings(asked="auto"):
    return ConfigDict({"features": asked, "inception_weights": None})


def pictures(folder, shape, train=32, test=8):
    """A data set of noise without labels."""
    random = np.random.default_rng(0)
    splits = {
        name: {"data": random.integers(0, 256, (count, *shape), dtype=np.uint8)}
        for name, count in (("train", train), ("test", test))
    }
    return DataSet(Signature.of_pictures("noise", shape, (), {"train": train, "test": test}, "0" * 16), splits, folder)


@pytest.fixture
def untaught(monkeypatch):
    """Gives the network of a step in the place of one that was taught; returns the list of those that were made."""
    made = []

    def once(data, recipe, cache):
        made.append(cache)
        return trained(data, rotations_of(data, 1), cache)

    monkeypatch.setattr(features, "trained", once)
    return made


@pytest.mark.input(
    "Judging",
    "pictures without labels of more than 2,048 numbers",
    "taken",
    "a network that learns how they are turned gives the features, under its name and digest; taught when first needed",
)
def test_pictures_teach_what_judges_samples_of_them_once_and_not_before_it_is_needed(
    untaught, tmp_path, monkeypatch, capsys
):
    data = pictures(tmp_path, (28, 26, 3))
    judge = Judge(data, settings(), num=16)
    assert not untaught
    assert "frechet_distance" in judge.names
    assert not {"inception_score", "class_divergence"} & set(judge.names)
    seen = judge.extractor("frechet_distance")
    assert (seen.name, seen.dimension, seen.classes, seen.resize) == (NAME, CHANNELS, 0, "linear, to 26 x 26")
    assert seen.teacher == "rotations"
    found = judge.scores(judge.floor)
    assert found.keys() == set(judge.names)
    assert untaught == [tmp_path / "rotations.npz"]
    assert "of 32 turns of held-out images right" in capsys.readouterr().err
    monkeypatch.setattr(trained_network, "_train", None)  # nothing is trained again
    again = extractors(data, settings("rotations")).features
    assert again.title == seen.title != NAME
    images = data.splits["test"]["data"]
    np.testing.assert_array_equal(again.extract(images)[0], seen.extract(images)[0])
    assert again.extract(images)[1] is None


def test_two_trainings_on_the_same_pictures_are_the_same(tmp_path, monkeypatch):
    data = pictures(tmp_path, (8, 8, 1))
    first, second = (trained(data, rotations_of(data, 2), tmp_path / name) for name in ("a.npz", "b.npz"))
    assert first.digest == second.digest
    monkeypatch.setattr(trained_network, "SEED", 1)
    assert trained(data, rotations_of(data, 2), tmp_path / "a.npz").digest != first.digest


@pytest.mark.parametrize(("shape", "side"), [((64, 64, 3), 64), ((256, 100, 3), 64), ((28, 20, 1), 20)])
def test_a_network_sees_a_square_of_at_most_64_pixels(shape, side):
    assert side_of(shape) == side


def test_small_pictures_without_labels_keep_their_coordinates_and_may_ask_for_turns(tmp_path):
    small = pictures(tmp_path, (16, 16, 1))
    assert choose(small, settings()).features == "coordinates"
    assert choose(small, settings("rotations")).features == "rotations"
    with pytest.raises(UnfitDataError, match=r"fewer than two classes.*features=rotations, which teaches a network"):
        choose(small, settings("classifier"))
