"""Grids pixel by pixel."""

import numpy as np
import pytest
from PIL import Image

from gengen.pictures.grid import grid, save_png, to_pixels


def test_cells_lie_in_rows_with_a_white_margin():
    images = np.stack([np.full((3, 4, 1), value, np.uint8) for value in (10, 20, 30)])
    picture = grid(images, columns=2, margin=1, least=1)
    expected = np.full((9, 11, 1), 255, np.uint8)
    expected[1:4, 1:5], expected[1:4, 6:10], expected[5:8, 1:5] = 10, 20, 30
    np.testing.assert_array_equal(picture, expected[: picture.shape[0], : picture.shape[1]])
    assert picture.shape == (9, 11, 1)


def test_a_grid_is_no_wider_than_its_images():
    images = np.zeros((2, 3, 4, 1), np.uint8)
    np.testing.assert_array_equal(grid(images, columns=9), grid(images, columns=2))


def test_small_images_are_enlarged_by_whole_pixels():
    image = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
    picture = grid(image, margin=0, least=5)
    assert picture.shape == (6, 6, 3)
    np.testing.assert_array_equal(picture[::3, ::3], image[0])
    np.testing.assert_array_equal(picture[:3, :3], np.broadcast_to(image[0, 0, 0], (3, 3, 3)))


def test_an_empty_grid_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        grid(np.zeros((0, 2, 2, 1), np.uint8))


def test_floats_become_the_nearest_pixel():
    np.testing.assert_array_equal(to_pixels(np.asarray([-1, -2, 0, 1, 3, 0.999])), [0, 0, 128, 255, 255, 255])
    pixels = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_pixels(pixels.astype(np.float32) / 127.5 - 1), pixels)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_holds_the_picture(tmp_path, channels):
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, channels), np.uint8)
    save_png(tmp_path / "new" / "a.png", picture)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "new" / "a.png")).reshape(picture.shape), picture)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.png"]
