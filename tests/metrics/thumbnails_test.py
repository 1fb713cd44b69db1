"""Thumbnails: means over blocks."""

import numpy as np
import pytest

from gengen.metrics.thumbnails import thumbnails


def images(height, width, channels=1):
    return np.random.default_rng(0).integers(0, 256, (3, height, width, channels), dtype=np.uint8)


def test_small_images_are_taken_as_they_are():
    given = images(8, 12, 3)
    np.testing.assert_allclose(thumbnails(given), given.reshape(3, -1) / 255, rtol=1e-6)


def test_a_whole_factor_gives_means_of_blocks():
    given = images(32, 64)
    expected = given.reshape(3, 16, 2, 16, 4).mean((2, 4)).reshape(3, -1) / 255
    np.testing.assert_allclose(thumbnails(given), expected, rtol=1e-5)


@pytest.mark.parametrize("size", [17, 28, 45])
def test_any_size_keeps_the_mean(size):
    given = images(size, size)
    assert thumbnails(given).shape == (3, 256)
    np.testing.assert_allclose(thumbnails(given).mean(1), given.mean((1, 2, 3)) / 255, rtol=1e-5)
