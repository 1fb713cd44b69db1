"""Curves: their running mean, and sheets of any of them."""

import numpy as np
import pytest

from gengen.pictures.curves import Curve, Panel, curves, running_mean
from gengen.pictures.figure import drawn

pytestmark = pytest.mark.quick

STEPS = np.arange(1, 41) * 1000
NONE = np.full(40, np.nan)


def test_the_running_mean_is_over_five_percent_of_the_points_and_cut_at_the_ends():
    values = np.random.default_rng(0).normal(size=60)  # three points
    expected = [values[max(0, index - 1) : index + 2].mean() for index in range(60)]
    np.testing.assert_allclose(running_mean(values), expected, rtol=1e-12)
    np.testing.assert_allclose(running_mean(values[:20]), values[:20])
    np.testing.assert_allclose(running_mean(np.arange(100.0))[3:-3], np.arange(100.0)[3:-3])


def test_a_sheet_is_wide_enough_to_be_projected_and_light_or_dark():
    rate = Panel("rate", [Curve("critic", STEPS, np.full(40, 1e-4), NONE, NONE)], smooth=False)
    norms = Panel("norms", [Curve("critic", STEPS, np.geomspace(1e-3, 10, 40), NONE, NONE)], logarithmic=True)
    gone = Panel("gone", [Curve("x", STEPS, NONE, NONE, NONE), Curve("y", STEPS, 0 * NONE, NONE, NONE)], True)
    score = Panel("score", [Curve("score", STEPS[:1], np.ones(1), np.zeros(1), np.full(1, 2.0))])
    light, dark = (curves([rate, norms, gone, score], "a run", dark=dark) for dark in (False, True))
    assert light.shape == dark.shape and light.shape[1] >= 1_200
    assert (light[:3] == 255).all() and (dark[:3] < 60).all()
    assert curves([rate], "", runs=["critic"]).shape[1] >= 1_200


def test_a_long_title_of_the_last_panel_is_not_cut_at_the_edge_of_the_sheet():
    curve = Curve("rate 0.1", STEPS, np.linspace(0, 1, 40), NONE, NONE)
    first, second, long, *others = (
        Panel(title, [curve])
        for title in ("a", "b", "distances, as the critic estimates them: Jensen-Shannon", "c", "d")
    )
    sheet = curves([first, second, long, *others], "a run", runs=["rate 0.1"])
    assert (sheet[:, -2:] == 255).all()


@pytest.mark.parametrize("panels", [1, 2, 5])
@pytest.mark.parametrize("length", [8, 24, 50])
def test_names_of_runs_stay_on_the_sheet_and_below_its_title(monkeypatch, panels, length):
    figures, names = [], [("generator.rate 0.0001, " * 3)[-length:] + f"{index}" for index in range(6)]
    monkeypatch.setattr("gengen.pictures.curves.drawn", lambda figure: figures.append(figure) or drawn(figure))
    shown = [Curve(name, STEPS, np.linspace(0, 1, 40), NONE, NONE) for name in names]
    curves([Panel(f"{index}", shown) for index in range(panels)], "a run", runs=names)
    (figure,) = figures
    (legend,) = figure.legends
    title, *texts = (text.get_window_extent() for text in (legend.get_title(), *legend.get_texts()))
    assert legend.get_title().get_text() == "a run" and figure.get_suptitle() == ""
    assert all(figure.bbox.x0 <= text.x0 and text.x1 <= figure.bbox.x1 and text.y1 <= title.y0 for text in texts)


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        ((), None),
        ((False,), "95 % intervals"),
        ((True, True), "from the least to the greatest seed"),
        ((True, False), "95 % intervals or from the least to the greatest seed"),
    ],
)
def test_the_foot_of_a_sheet_says_what_its_bands_are(monkeypatch, seeds, said):
    feet = []
    monkeypatch.setattr("matplotlib.figure.Figure.supxlabel", lambda self, text, **_: feet.append(text))
    bare = Panel("rate", [Curve("critic", STEPS[:2], np.ones(2), NONE[:2], NONE[:2])], smooth=False)
    bands = [Curve("loss", STEPS[:2], np.ones(2), np.zeros(2), np.full(2, 2.0), seeds=each) for each in seeds]
    curves([bare, *(Panel("losses", [band], smooth=False) for band in bands)], "a run")
    assert feet == ["steps" if said is None else f"steps · bands: {said}"]
