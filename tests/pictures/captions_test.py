"""Sheets with captions: every pixel of a picture is there, enlarged as a whole, and captions lie beside it."""

import numpy as np
import pytest

from gengen.pictures.captions import DARK, EDGE, GAP, HEIGHT, LIGHT, WIDTH, Block, captioned, contact


def images(number, side=6, channels=1, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (number, side, side, channels), np.uint8)


def found(sheet, cell, factor):
    """Corners of where a cell, enlarged by a factor, stands in a sheet."""
    shown = cell.repeat(3 // cell.shape[-1], -1).repeat(factor, 0).repeat(factor, 1)
    height, width = shown.shape[:2]
    corners = np.argwhere((sheet[: 1 - height or None, : 1 - width or None] == shown[0, 0]).all(-1))
    return [tuple(at) for at in corners if (sheet[at[0] :, at[1] :][:height, :width] == shown).all()]


@pytest.mark.parametrize(
    ("side", "columns", "factor"),
    [(6, 8, 24), (28, 10, 4), (400, 3, 1), (300, 1, 1)],  # the last: two factors high would be too high
)
def test_pictures_are_enlarged_by_the_least_whole_factor_that_fills_the_width(side, columns, factor):
    cells = images(columns * (1 if side < 300 else 4), side)
    sheet = captioned([Block(cells, columns)])
    assert sheet.shape[1] >= WIDTH
    ((top, left),) = found(sheet, cells[0], factor)
    assert (top, left) == (EDGE, EDGE)
    ((_, second),) = found(sheet, cells[1], factor) if columns > 1 else [(0, EDGE + side * factor + GAP)]
    assert second - left == side * factor + GAP
    if side == 6:  # one factor less would leave room
        assert columns * side * (factor - 1) + (columns - 1) * GAP + 2 * EDGE < WIDTH


def test_no_sheet_is_made_higher_than_fits_by_enlarging():
    cells = images(600, 4)
    assert captioned([Block(cells, 2)]).shape[0] < HEIGHT + 300 * GAP + 3 * EDGE


def test_captions_stand_left_and_above_in_the_ink_of_the_theme_and_margins_fit_them():
    cells = np.zeros((4, 6, 6, 3), np.uint8) + np.array([255, 0, 0], np.uint8)
    for theme in (LIGHT, DARK):
        plain = captioned([Block(cells, 2)], theme=theme)
        named, wider = (
            captioned([Block(cells, 2, "both", (row, "x"), ("left", "right"))], "of a run", theme)
            for row in ("a", "a longer name")
        )
        starts = [np.argwhere((sheet == (255, 0, 0)).all(-1)).min(0) for sheet in (plain, named, wider)]
        assert tuple(starts[0]) == (EDGE, EDGE)
        assert starts[0][1] < starts[1][1] < starts[2][1], "a longer name has a wider margin"
        assert starts[1][0] > EDGE + 3 * 20, "three lines above"
        above = named[: starts[1][0]]
        assert (above == theme.paper).all(-1).mean() > 0.8
        assert (np.abs(above.astype(int) - theme.ink).max(-1) < 9).any()


def test_long_names_of_narrow_columns_are_turned_upright():
    cells = images(32)
    across = [f"class number {index}" for index in range(32)]
    turned, short = (captioned([Block(cells, 32, across=names)]) for names in (across, ["1"] * 32))
    assert turned.shape[1] == short.shape[1]
    assert turned.shape[0] > short.shape[0] + 60


def test_what_there_is_of_an_image_stands_in_one_column_and_images_go_on_below():
    first, second = images(5), images(5, 3, 3, seed=1)
    blocks = contact({"one": first, "two": second}, 3, "both", "abcde")
    assert [(block.title, block.columns, block.rows, block.across) for block in blocks] == [
        ("both", 3, ("one", "two"), "abc"),
        ("", 2, ("one", "two"), "de"),
    ]
    np.testing.assert_array_equal(blocks[1].cells[:2], first[3:].repeat(3, -1))
    np.testing.assert_array_equal(blocks[1].cells[2:], second[3:].repeat(2, 1).repeat(2, 2))


def test_drawings_are_not_enlarged_and_alpha_is_left_out():
    drawing, cells = images(1, 50, 3), images(4, 6, 4)
    sheet = captioned([Block(drawing, 1, pixels=False), Block(cells, 4)])
    assert found(sheet, drawing[0], 1) == [(EDGE, EDGE)]
    assert captioned([Block(cells, 4)]).shape == captioned([Block(cells[..., :3], 4)]).shape


def test_a_drawing_lies_on_the_paper_of_a_dark_sheet_in_its_own_hues():
    drawing = np.array([[255, 255, 255], [0, 0, 0], [29, 63, 114], [128, 128, 128]], np.uint8).reshape(1, 2, 2, 3)
    shown = captioned([Block(drawing, 1, pixels=False)], theme=DARK)[EDGE:][:2, EDGE:][:, :2].reshape(4, 3)
    np.testing.assert_array_equal(shown[0], DARK.paper)
    np.testing.assert_array_equal(shown[1], DARK.ink)
    assert shown[2].argsort().tolist() == [0, 1, 2], "still blue"
    assert shown[2].mean() > 150, "and light"


def test_a_sheet_of_nothing_is_a_mistake():
    with pytest.raises(ValueError, match="at least one picture"):
        captioned([])
