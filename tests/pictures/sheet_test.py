"""Contact sheets: what belongs together shares a column, whatever its shape."""

import numpy as np

from gengen.pictures.grid import grid
from gengen.pictures.sheet import alike, below, in_rows


def test_rows_of_one_image_share_a_column_and_images_go_on_below_after_a_gap():
    first, second = np.full((3, 48, 48, 1), 10, np.uint8), np.full((3, 48, 48, 1), 20, np.uint8)
    first[2], second[2] = 30, 40
    picture = in_rows([first, second], columns=2)
    above = grid(np.concatenate([first[:2], second[:2]]), columns=2)
    white = np.full((1, 48, 48, 1), 255, np.uint8)
    rest = grid(np.concatenate([first[2:], white, second[2:], white]), columns=2)
    gap = np.full((6, above.shape[1], 1), 255, np.uint8)
    np.testing.assert_array_equal(picture, np.concatenate([above, gap, rest]))


def test_rows_of_other_shapes_are_brought_to_one():
    grey, small = np.full((2, 4, 4, 1), 7, np.uint8), np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    one, other = alike([grey, small])
    np.testing.assert_array_equal(one, np.full((2, 4, 4, 3), 7))
    np.testing.assert_array_equal(other, small.repeat(2, 1).repeat(2, 2))
    np.testing.assert_array_equal(alike([grey])[0], grey)
    alpha = np.zeros((2, 4, 4, 1), np.uint8)
    for colours in (one, grey):
        np.testing.assert_array_equal(alike([np.concatenate([colours, alpha], -1)])[0], colours)


def test_pictures_of_one_width_stand_below_each_other_after_a_gap():
    first, second = np.zeros((2, 3, 1), np.uint8), np.ones((4, 3, 1), np.uint8)
    joined = below([first, second])
    np.testing.assert_array_equal(joined, np.concatenate([first, np.full((6, 3, 1), 255, np.uint8), second]))
    np.testing.assert_array_equal(below([first]), first)
