"""Series: the band holds what it says, and curves run through their values."""

import numpy as np
import pytest

from gengen.pictures import series as drawing
from gengen.pictures.series import band, lines, thumbnails


def walks(number, steps=20, features=2, seed=0):
    return np.random.default_rng(seed).normal(size=(number, steps, features)).cumsum(1).astype(np.float32)


def test_the_band_holds_nine_tenths_at_each_step_whatever_the_order():
    series = walks(101)
    ordered = np.sort(series, axis=0)
    np.testing.assert_allclose(band(series), ordered[[5, 50, 95]], rtol=1e-6)
    np.testing.assert_array_equal(band(series[::-1]), band(series))


def test_panels_of_a_feature_share_axes_and_show_band_and_median(monkeypatch):
    monkeypatch.setattr(drawing, "drawn", lambda figure: figure)
    groups = {"data": walks(60), "samples": walks(60, seed=1) * [1, 2]}
    groups["samples"][3] = np.nan
    panels = np.reshape(lines(groups).axes, (2, 2))
    finite = {"data": groups["data"], "samples": np.delete(groups["samples"], 3, axis=0)}
    for row, (title, series) in zip(panels, finite.items(), strict=True):
        assert row[0].get_ylabel() == title
        for feature, panel in enumerate(row):
            lower, middle, upper = band(series[:, :, feature].astype(np.float64))
            np.testing.assert_allclose(panel.lines[-1].get_ydata(), middle)
            corners = panel.collections[0].get_paths()[0].vertices
            np.testing.assert_allclose(corners[1:21, 1], lower)
            np.testing.assert_allclose(corners[22:42, 1][::-1], upper)
            np.testing.assert_allclose(
                [line.get_ydata() for line in panel.lines[:-1]], series[: len(panel.lines) - 1, :, feature], rtol=1e-6
            )
    for column in panels.T:
        assert column[0].get_ylim() == column[1].get_ylim()


def test_only_the_first_of_many_features_are_drawn_and_the_title_says_of_how_many():
    assert lines({"data": walks(9, features=12)}).shape == lines({"data": walks(9, features=5)}).shape
    assert lines({"data": walks(9, features=1), "samples": walks(9, features=1)[:0]}).shape[-1] == 3


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_constant_series_is_a_horizontal_line_at_its_value(share):
    (picture,) = thumbnails(np.full((1, 10, 1), 5 + 2 * share), np.array([5.0]), np.array([7.0]))
    assert picture.shape == (64, 96, 3)
    inside = picture[1:-1, 1:-1]
    assert (inside == inside[:, :1]).all()
    ink = 250.0 - inside[:, 0, 0]
    assert (ink * np.arange(1, 63)).sum() / ink.sum() == pytest.approx((1 - (0.1 + share) / 1.2) * 63, abs=0.1)
    assert (ink > 0).sum() <= 3


def test_a_curve_runs_through_its_values_and_between_them_straight():
    (picture,) = thumbnails(np.array([[[0.0], [1.0]]]), np.zeros(1), np.ones(1))
    ink = 250.0 - picture[3:-3, 3:-3, 0]
    heights = (ink * np.arange(3, 61)[:, None]).sum(0) / ink.sum(0)
    expected = (1 - (0.1 + (np.arange(3, 93) + 0.5) / 96) / 1.2) * 63
    np.testing.assert_allclose(heights, expected, atol=0.1)


def test_no_peak_of_a_long_series_is_lost():
    series = np.zeros((1, 5000, 1))
    series[0, 2501] = 1
    (picture,) = thumbnails(series, np.zeros(1), np.ones(1))
    top = (1 - 1.1 / 1.2) * 63
    assert (picture[round(top) : -10, 1:-1, 0] < 128).any(axis=1).all()


def test_thumbnails_do_not_depend_on_those_beside_them_and_nothing_is_drawn_of_what_is_no_number():
    series, order = walks(20), np.random.default_rng(1).permutation(20)
    low, high = series.min((0, 1)), series.max((0, 1))
    shown = thumbnails(series, low, high)
    np.testing.assert_array_equal(thumbnails(series[order], low, high), shown[order])
    assert np.ptp(thumbnails(np.full((1, 9, 2), np.nan), low, high)[0, 1:-1, 1:-1]) == 0
    assert thumbnails(series[:, :1], low, high).shape == (20, 64, 96, 3)
