"""Digits made larger: the splits of the small ones, and nearly the ink of each of their cells."""

import numpy as np
import pytest

from gengen.data import digits


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


def test_the_splits_are_those_of_the_small_digits(small: np.ndarray) -> None:
    """The classifier that comes with gengen says of the whole data set what it is."""
    pictures, labels = digits.read_smooth("test")
    np.testing.assert_array_equal(labels, digits.read_digits("test")[1])
    np.testing.assert_array_equal(pictures[:40], digits.smooth(small))
    assert pictures.shape == (300, 28, 28)
