"""Curves: their running mean, and sheets of any of them."""

import numpy as np
import pytest

from gengen.pictures.curves import Curve, Panel, curves, running_mean

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
