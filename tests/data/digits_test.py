"""Digits made larger: the splits of the small ones, and nearly the ink of each of their cells."""

import pathlib

import numpy as np
import pytest

from gengen.data import digits
from gengen.data.dataset import load


@pytest.fixture(scope="module")
def small() -> np.ndarray:
    return digits.read_digits("test")[0][:40]


def test_cells_keep_their_ink_and_strokes_have_edges(small: np.ndarray) -> None:
    large = digits.smooth(small)
    assert large.dtype == np.uint8 and large.shape == (40, 28, 28)
    cells = large[:, 2:-2, 2:-2].reshape(40, 8, 3, 8, 3).mean((2, 4))
    assert large.sum() == large[:, 2:-2, 2:-2].sum()
    assert abs(cells - small).mean() < 0.025 * 255
    assert ((large > 25) & (large < 230)).sum() < 0.6 * (large > 25).sum()  # 0.88 by linear interpolation
    assert digits.smooth(np.zeros((1, 8, 8), np.uint8)).max() == 0
    assert digits.smooth(np.full((1, 8, 8), 255, np.uint8))[0, 8:-8, 8:-8].min() == 255


def test_no_picture_sees_another(small: np.ndarray) -> None:
    np.testing.assert_array_equal(digits.smooth(small[5:7]), digits.smooth(small)[5:7])


def test_the_data_set_has_the_splits_of_the_small_digits(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digits, "_ROUNDS", 0)
    data = load(name="digits_smooth", data_dir=tmp_path)
    assert data.signature.shape == (28, 28, 1) and data.signature.classes == digits.CLASSES
    for split, count in (("train", 1497), ("test", 300)):
        pictures, labels = digits.read_digits(split)
        assert len(pictures) == count
        np.testing.assert_array_equal(data.splits[split]["label"], labels)
        np.testing.assert_array_equal(data.splits[split]["data"][:3, ..., 0], digits.smooth(pictures[:3]))
