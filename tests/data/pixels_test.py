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
    assert list(pixels.plain(deep, pixels.Range(0, 65535)).tobytes()) == [0, 255, 128]
    with pytest.raises(ValueError, match="their range is unknown"):
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


def test_an_alpha_says_what_is_seen_and_the_rest_has_the_mean_colour_of_it() -> None:
    ink = np.random.default_rng(0).integers(0, 256, (6, 6, 4), np.uint8)
    ink[..., 3] = 255
    ink[1:3, 2:5, 3] = (0, 128, 254)  # transparent, be it in part
    made = pixels.fit_alpha(Image.fromarray(ink), size=(6, 6), channels=4, crop="none")
    hidden = ink[..., 3] < 255
    np.testing.assert_array_equal(made[..., 3], np.where(hidden, 0, 255))
    np.testing.assert_array_equal(made[~hidden], ink[~hidden])
    np.testing.assert_allclose(made[hidden][:, :3], np.tile(ink[~hidden][:, :3].mean(0), (6, 1)), atol=0.5)
    grey = pixels.fit_alpha(Image.fromarray(ink).convert("LA"), size=(6, 6), channels=2, crop="none")
    np.testing.assert_array_equal(grey[..., 1], made[..., 3])
    with pytest.raises(ValueError, match="transparent everywhere"):
        pixels.fit_alpha(Image.new("RGBA", (2, 2)), size=(2, 2), channels=4, crop="none")


def test_of_a_picture_that_is_enlarged_what_a_hole_was_mixed_into_is_not_seen() -> None:
    ink = np.full((4, 4, 4), 90, np.uint8)
    ink[..., 3] = 255
    ink[1, 1] = (0, 0, 0, 0)
    made = pixels.fit_alpha(Image.fromarray(ink), size=(16, 16), channels=4, crop="none")
    assert not made[4:8, 4:8, 3].any()
    np.testing.assert_allclose(made[..., :3], 90, atol=1)
    assert made[12:, 12:, 3].all()
    opaque = pixels.fit_alpha(Image.new("RGB", (4, 4)), size=(2, 2), channels=4, crop="none")
    assert (opaque[..., 3] == 255).all()
