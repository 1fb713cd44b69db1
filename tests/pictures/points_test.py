"""Points: each lies where its coordinates say, over the density, and far ones are counted."""

import numpy as np
import pytest

from gengen.pictures import points as drawing
from gengen.pictures.figure import limits
from gengen.pictures.points import pairs, paths, plane, scatter, thumbnails

BOUNDS = np.array([-1.0, 10.0]), np.array([1.0, 30.0])


@pytest.fixture
def figures(monkeypatch):
    """Figures in the place of their pictures."""
    monkeypatch.setattr(drawing, "drawn", lambda figure: figure)


def normal(number, features, seed=0):
    return np.random.default_rng(seed).normal(size=(number, features)).astype(np.float32)


def centre(picture):
    """Row and column of the middle of all ink within the frame."""
    ink = 255.0 - picture[1:-1, 1:-1].mean(-1)
    ink -= ink.min()
    return [(ink * axis).sum() / ink.sum() + 1 for axis in np.indices(ink.shape)]


@pytest.mark.parametrize("share", [(0.0, 0.0), (1.0, 0.0), (0.25, 0.6), (0.5, 0.5)])
def test_a_dot_lies_at_the_pixel_of_its_coordinates(share):
    low, high = BOUNDS
    (picture,) = thumbnails((low + np.array(share) * (high - low))[None], low, high)
    assert picture.shape == (48, 48, 3)
    assert picture.dtype == np.uint8
    right, up = (0.1 + np.array(share)) / 1.2 * 47
    np.testing.assert_allclose(centre(picture), [47 - up, right], atol=0.05)


def test_a_dot_beyond_the_bounds_lies_at_the_frame_and_none_is_drawn_of_what_is_no_number():
    far, none = thumbnails(np.array([[1e9, 20.0], [np.nan, 20.0]]), *BOUNDS)
    row, column = centre(far)
    assert column > 44
    assert row == pytest.approx(23.5, abs=0.05)
    assert np.ptp(none[1:-1, 1:-1]) == 0


def test_many_features_are_bars_of_their_heights():
    low, high = np.zeros(12), np.full(12, 2.0)
    values = np.linspace(0, 2, 12)
    (picture,) = thumbnails(values[None], low, high)
    heights = (picture[1:-1, 2::4].mean(-1) < 128).sum(0)
    np.testing.assert_allclose(heights, (0.1 + values / 2) / 1.2 * 47 - 1, atol=1)
    assert thumbnails(normal(3, 100), -3 * np.ones(100), 3 * np.ones(100)).shape == (3, 48, 48, 3)


@pytest.mark.parametrize("features", [1, 2, 5])
def test_thumbnails_do_not_depend_on_those_beside_them(features):
    points, order = normal(20, features), np.random.default_rng(1).permutation(20)
    shown = thumbnails(points, points.min(0), points.max(0))
    np.testing.assert_array_equal(thumbnails(points[order], points.min(0), points.max(0)), shown[order])


def test_the_plane_is_that_of_the_largest_variance_whatever_the_order_and_the_sign():
    points = normal(500, 3) * [1.0, 4.0, 2.0]
    view = plane(points)
    np.testing.assert_allclose(np.abs(view.axes), [[0, 0], [1, 0], [0, 1]], atol=0.15)
    np.testing.assert_allclose(view.axes.T @ view.axes, np.eye(2), atol=1e-9)
    shown = view(points)
    values = np.linalg.eigvalsh(np.cov(points, rowvar=False, bias=True))
    np.testing.assert_allclose(np.cov(shown, rowvar=False, bias=True), np.diag(values[:0:-1]), atol=1e-6)
    np.testing.assert_allclose(plane(points[::-1]).axes, view.axes, atol=1e-6)
    np.testing.assert_allclose(plane(-points).axes, view.axes, atol=1e-6)
    assert view.labels[0] == f"principal axis 1 of 3 ({values[2] / values.sum():.0%})"


def test_columns_of_other_units_count_alike():
    points = normal(500, 4)
    np.testing.assert_allclose(
        np.abs(plane(points * [1, 10, 100, 0]).axes[:3].T @ np.diag([1, 10, 100])),
        np.abs(plane(points * [1000, 100, 1, 0]).axes[:3].T @ np.diag([1000, 100, 1])),
        rtol=1e-6,
    )


def test_points_that_have_run_away_widen_the_axes_by_half_at_most():
    reference = np.linspace(0, 1, 1001)[:, None]
    low, high = limits([reference, reference + 1e9])
    assert (low, high) == (pytest.approx(0.005 - 0.08 * 1.485), pytest.approx(1.49 + 0.08 * 1.485))
    np.testing.assert_array_equal(limits([reference, np.zeros((0, 1))]), limits([reference]))
    assert limits([np.ones((5, 1))])[0] < limits([np.ones((5, 1))])[1]


def test_panels_share_axes_of_one_scale_and_count_what_is_outside(figures):
    points = normal(1000, 2) * [1, 2]
    lost = points.copy()
    lost[:7], lost[7:10] = 1e30, np.nan
    first, second = scatter({"data": points.clip(-2, 2), "samples": lost.clip(-2, None)}).axes
    assert first.get_xlim() == second.get_xlim()
    assert first.get_ylim() == second.get_ylim()
    assert np.ptp(first.get_xlim()) == pytest.approx(np.ptp(first.get_ylim()))
    assert [panel.get_title() for panel in (first, second)] == ["data", "samples"]
    shown = np.asarray(second.collections[0].get_offsets())
    np.testing.assert_array_equal(shown, lost[np.isfinite(lost).all(1)].clip(-2, None))
    inside = (np.abs(shown) <= [first.get_xlim()[1], first.get_ylim()[1]]).all(1).sum()
    assert not first.texts
    assert second.texts[0].get_text() == f"{1000 - inside} of 1,000 outside"


def test_the_shading_is_the_exact_density_at_the_middle_of_each_cell(figures):
    def density(points):
        return -((points[:, 0] - 1) ** 2) - 3 * points[:, 1] ** 2 + 5

    panel = scatter({"data": normal(100, 2)}, density=density).axes[0]
    (shade,) = panel.images
    heights = shade.get_array()
    left, right, bottom, top = shade.get_extent()
    across = left + (right - left) * (np.arange(heights.shape[1]) + 0.5) / heights.shape[1]
    up = bottom + (top - bottom) * (np.arange(heights.shape[0]) + 0.5) / heights.shape[0]
    expected = np.exp(-((across - 1) ** 2) - 3 * up[:, None] ** 2)
    np.testing.assert_allclose(heights, expected / expected.max(), atol=1e-6)
    assert shade.origin == "lower"


def test_where_no_density_is_known_the_shading_is_that_of_the_first_group(figures):
    reference = normal(3000, 2) * 0.05 + [1, -1]
    for panel in scatter({"data": reference, "samples": normal(3000, 2)}).axes:
        (shade,) = panel.images
        left, right, bottom, top = shade.get_extent()
        row, column = np.unravel_index(shade.get_array().argmax(), shade.get_array().shape)
        assert left + (right - left) * column / 240 == pytest.approx(1, abs=0.1)
        assert bottom + (top - bottom) * row / 240 == pytest.approx(-1, abs=0.1)


def test_histograms_of_one_feature_are_densities_of_all_points_also_of_those_outside(figures):
    reference = normal(1000, 1)
    apart = np.concatenate([reference[:500], np.full((500, 1), 1e6)])
    figure = scatter({"data": reference, "samples": apart}, density=lambda points: -(points[:, 0] ** 2) / 2)
    areas = []
    for panel in figure.axes:
        steps = panel.patches[-1].get_xy()
        areas.append(np.abs(np.sum(np.diff(steps[:, 0]) * steps[1:, 1])))
    np.testing.assert_allclose(areas, [0.99, 0.495], atol=0.01)


def test_lines_join_points_with_their_reconstructions(figures):
    points, back = normal(9, 2), normal(9, 2, seed=1)
    panel = pairs(points, back).axes[0]
    np.testing.assert_allclose([line.get_xydata() for line in panel.lines], np.stack([points, back], 1))


def test_paths_run_through_their_points_in_the_plane_of_the_data(figures):
    rows, reference = normal(12, 3).reshape(3, 4, 3), normal(100, 3, seed=1)
    panel = paths(rows, reference).axes[0]
    expected = plane(reference.astype(np.float64))(rows)
    np.testing.assert_allclose([line.get_xydata() for line in panel.lines], expected, rtol=1e-5)


@pytest.mark.parametrize("features", [1, 2, 3])
def test_every_figure_is_a_picture(features):
    points = normal(50, features)
    for picture in (scatter({"a": points, "b": points[:0]}), pairs(points, points), paths(points[None], points)):
        assert picture.dtype == np.uint8
        assert picture.ndim == picture.shape[-1] == 3
        assert picture.min() < 100 < 255 == picture.max()


@pytest.mark.parametrize("features", [1, 2])
@pytest.mark.parametrize("extent", [0.01, 30.0])
def test_axes_hold_the_bounds_and_do_not_follow_samples_beyond_half_of_them(figures, features, extent):
    low, high = (end[:features] for end in BOUNDS)
    samples = 0.75 * low + 0.25 * high + extent * (high - low) * normal(100, features)
    (axes,) = scatter({"": samples}, bounds=(low, high)).axes
    for ends, least, most in zip((axes.get_xlim(), axes.get_ylim())[:features], low, high, strict=True):
        assert ends[0] <= least and most <= ends[1]
        assert features == 2 or ends[1] - ends[0] <= 2.4 * (most - least)
    assert bool(axes.texts) == (extent > 1)
