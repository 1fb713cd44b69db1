"""Photographs: pieces that follow from their places, and of which none for testing touches one for training."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

from gengen.data import photographs
from gengen.data.dataset import load
from gengen.data.random_numbers import uniform


def test_pieces_follow_from_their_places() -> None:
    pieces = photographs.read_photographs("train", 70)
    assert pieces.dtype == np.uint8 and pieces.shape == (70, 64, 64, 3)
    np.testing.assert_array_equal(photographs.read_photographs("train", 9), pieces[:9])
    assert len({piece.tobytes() for piece in pieces}) == 70
    assert (pieces[..., 0] != pieces[..., 2]).mean() > 0.5  # in colour


def test_pieces_for_testing_touch_none_for_training() -> None:
    corners = np.stack(np.meshgrid(*[[0.0, 0.5, 1 - 2**-53]] * 3), -1).reshape(-1, 3)
    numbers = np.concatenate([corners, uniform("a test", 500, 3)])
    for size in ((451, 300), (640, 427), (741, 500)):
        boxes = {split: np.array([photographs.box(size, split, row) for row in numbers]) for split in ("train", "test")}
        assert boxes["train"][:, 2].max() <= boxes["test"][:, 0].min()
        for found in boxes.values():
            assert found.min() >= 0 and (found[:, 2:] <= size).all()
            sides = found[:, 2:] - found[:, :2]
            assert (sides[:, 0] == sides[:, 1]).all() and (sides.min(), sides.max()) == (64, 112)


def test_packages_are_not_imported_for_their_photographs() -> None:
    code = (
        "import sys; from gengen.data.photographs import read_photographs; read_photographs('test', 7);"
        "assert not {'skimage', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_data_set_is_prepared(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, "COUNTS", {"train": 21, "test": 7})
    data = load(name="photographs", data_dir=tmp_path)
    assert data.signature.shape == (64, 64, 3) and data.signature.classes == ()
    assert data.signature.counts == {"train": 21, "test": 7}
    np.testing.assert_array_equal(data.splits["test"]["data"], photographs.read_photographs("test", 7))


def test_numbers_are_even_recorded_and_apart_by_name() -> None:
    numbers = uniform("a test", 20_000, 2)
    assert numbers.min() >= 0 and numbers.max() < 1
    counts = np.histogram(numbers, 10, (0, 1))[0]  # 4,000 each, with a deviation of 60
    assert abs(counts - 4000).max() < 300
    np.testing.assert_array_equal(uniform("a test", 5, 2), numbers[:5])
    assert (uniform("another", 5, 2) != numbers[:5]).all()
    # Recorded: the same on every machine.
    assert uniform("glyphs train", 1)[0] == RECORDED
    with pytest.raises(ValueError, match="16 letters"):
        uniform("seventeen letters", 1)


RECORDED = 0.66361024568132
