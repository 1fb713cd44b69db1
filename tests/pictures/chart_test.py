"""The chart of an evaluation: what is written on it stays on it."""

import numpy as np

from gengen.pictures.chart import COLUMNS, Panel, Shares, chart

POINTS = [("samples", 2.0, 1.5, 3.0), ("one point", -1.0, -2.0, 4.0)]
PICTURE = np.full((20, 40, 3), 255, np.uint8)


def drawn(title: str, logarithmic: bool = False) -> np.ndarray:
    return chart("a run", [Panel(title, POINTS, logarithmic)] * COLUMNS, None, PICTURE, "samples")


def test_a_long_title_is_not_cut_at_the_edges() -> None:
    made = drawn("copies of training photographs (lower: better)")
    assert (made[:, :2] == 255).all() and (made[:, -2:] == 255).all()


def test_an_axis_is_linear_where_all_would_lie_in_its_linear_part() -> None:
    np.testing.assert_array_equal(drawn("score", logarithmic=True), drawn("score"))


def test_of_many_classes_only_how_even_their_shares_are_is_drawn() -> None:
    """Bars with a name each would lie on each other: another order of the classes draws the same."""
    names, even = [f"{number:03d}" for number in range(1000)], np.full(1000, 1e-3)
    uneven = np.linspace(0, 2e-3, 1000)

    def shown(samples: np.ndarray) -> np.ndarray:
        return chart("a run", [], Shares(names, samples, samples, samples, even), PICTURE, "samples")

    np.testing.assert_array_equal(shown(uneven), shown(uneven[::-1]))
    assert (shown(uneven) != shown(even)).any()
