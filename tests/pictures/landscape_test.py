"""Landscapes: dots, arrows and colours lie where the numbers say."""

import numpy as np
import pytest
from PIL import ImageColor

from gengen.pictures.figure import OTHER, REFERENCE
from gengen.pictures.landscape import HALF, INK, LONGEST, SIDE, landscape

pytestmark = pytest.mark.quick

LOW, HIGH = np.array([-1.0, -2.0]), np.array([1.0, 2.0])
NONE = np.zeros((0, 2))


def pixel(picture, x, y):
    """The colour at a point of the plane."""
    share = (np.array([x, y]) - LOW) / (HIGH - LOW)
    column, row = round(share[0] * SIDE - 0.5), round((1 - share[1]) * SIDE - 0.5)
    return tuple(int(value) for value in picture[row, column])


def test_data_and_samples_are_dots_where_they_lie_and_what_is_no_number_is_left_out():
    data, samples = np.array([[-0.5, 1.0], [np.nan, 0]]), np.array([[0.5, -1.0], [np.inf, 0], [9, 9]])
    picture = landscape(data, samples, LOW, HIGH)
    assert pixel(picture, -0.5, 1.0) == pytest.approx(ImageColor.getrgb(REFERENCE), abs=20)
    assert pixel(picture, 0.5, -1.0) == pytest.approx(ImageColor.getrgb(OTHER), abs=20)
    assert pixel(picture, 0, 0) == (255, 255, 255)


def test_the_field_is_blue_where_it_is_high_and_red_where_it_is_low_with_its_first_row_at_the_bottom():
    field = np.linspace(-1, 1, 9)[:, None].repeat(9, 1)
    picture = landscape(NONE, NONE, LOW, HIGH, field=field).astype(int)
    low, middle, high = (pixel(picture, 0, y) for y in (-1.9, 0, 1.9))
    assert low[0] > low[2] + 20
    assert high[2] > high[0] + 20
    assert min(middle) > 250


@pytest.mark.parametrize("field", [np.zeros((4, 4)), np.full((4, 4), np.nan), np.array([[0, np.inf], [-np.inf, 1]])])
def test_a_field_without_heights_is_drawn(field):
    assert landscape(NONE, NONE, LOW, HIGH, field=field).shape == (SIDE, SIDE, 3)


def reach(pull):
    """How many pixels an arrow from the middle reaches along each axis: right and up."""
    drawn = landscape(NONE, NONE, LOW, HIGH, starts=np.zeros((1, 2)), pulls=np.array([pull]))
    rows, columns = np.nonzero(np.abs(drawn.astype(int) - INK).max(-1) < 60)
    if not len(rows):
        return 0, 0
    return columns.max() - SIDE / 2, SIDE / 2 - rows.min()


def test_arrows_point_where_the_pull_does_are_half_as_long_at_half_and_vanish_with_it():
    right, up = reach((HALF, 0.0))
    assert right == pytest.approx(LONGEST * SIDE / 2, abs=4)
    assert up < 6
    assert reach((0.0, 1e9))[1] == pytest.approx(LONGEST * SIDE, abs=4)
    assert reach((1e-3, 1e-3)) == (0, 0)
    assert reach((np.nan, 1.0)) == (0, 0)
