"""Any picture becomes 8-bit grey or RGB of the size that was asked for."""

import io

import numpy as np
import pytest
from PIL import Image

from gengen.data import pixels


def test_transparent_pixels_lie_on_white() -> None:
    ink = np.zeros((2, 2, 4), np.uint8)
    ink[0, 0] = (200, 10, 10, 255)
    image = pixels.plain(Image.fromarray(ink))
    assert image.mode == "RGB"
    assert image.getpixel((0, 0)) == (200, 10, 10)
    assert image.getpixel((1, 1)) == (255, 255, 255)


def test_modes_keep_their_meaning() -> None:
    grey = Image.fromarray(np.array([[0, 255]], np.uint8))
    assert pixels.plain(grey) is grey
    assert pixels.plain(grey.convert("1")).tobytes() == b"\x00\xff"
    assert pixels.plain(grey.convert("LA")).mode == "L"
    colours = Image.new("RGB", (2, 1), (9, 99, 199))
    assert pixels.plain(colours.convert("P", palette=Image.Palette.ADAPTIVE)).getpixel((0, 0)) == (9, 99, 199)
    deep = Image.fromarray(np.array([[0, 65535, 32768]], np.uint16))
    assert list(pixels.plain(deep).tobytes()) == [0, 255, 128]
    with pytest.raises(ValueError, match="32-bit"):
        pixels.plain(Image.fromarray(np.zeros((1, 1), np.float32)))


def test_a_cameras_rotation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((2, 6, 3), np.uint8)).save(buffer, format="jpeg", exif=exif)
    assert pixels.plain(Image.open(buffer)).size == (2, 6)


def test_the_largest_centred_rectangle_is_cut() -> None:
    columns = np.tile(np.arange(10, dtype=np.uint8), (4, 1))
    square = pixels.fit(Image.fromarray(columns), size=(4, 4), channels=1, crop="center")
    np.testing.assert_array_equal(square[..., 0], columns[:, 3:7])
    rows = pixels.fit(Image.fromarray(columns.T.copy()), size=(4, 4), channels=3, crop="center")
    np.testing.assert_array_equal(rows[..., 2], columns.T[3:7])
    with pytest.raises(ValueError, match=r"4x10 .* 4x4"):
        pixels.fit(Image.fromarray(columns), size=(4, 4), channels=1, crop="none")


def test_shrinking_averages_and_keeps_the_size_asked_for() -> None:
    board = (np.indices((16, 16)).sum(0) % 2 * 255).astype(np.uint8)  # every other pixel black
    small = pixels.fit(Image.fromarray(board), size=(4, 4), channels=1, crop="none")
    assert abs(small.astype(int) - 127).max() < 24
    assert pixels.fit(Image.fromarray(board), size=(8, 4), channels=3, crop="center").shape == (8, 4, 3)


def test_colour_becomes_luma() -> None:
    red = pixels.fit(Image.new("RGB", (1, 1), (255, 0, 0)), size=(1, 1), channels=1, crop="none")
    assert red.item() == 76  # 0.299 * 255
