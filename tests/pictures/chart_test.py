"""The chart of an evaluation: what is written on it stays on it."""

import numpy as np

from gengen.pictures.chart import COLUMNS, Panel, chart

POINTS = [("samples", 2.0, 1.5, 3.0), ("one point", -1.0, -2.0, 4.0)]
PICTURE = np.full((20, 40, 3), 255, np.uint8)


def drawn(title: str, logarithmic: bool = False) -> np.ndarray:
    return chart("a run", [Panel(title, POINTS, logarithmic)] * COLUMNS, None, PICTURE, "samples")


def test_a_long_title_is_not_cut_at_the_edges() -> None:
    made = drawn("copies of training photographs (lower: better)")
    assert (made[:, :2] == 255).all() and (made[:, -2:] == 255).all()


def test_an_axis_is_linear_where_all_would_lie_in_its_linear_part() -> None:
    np.testing.assert_array_equal(drawn("score", logarithmic=True), drawn("score"))
