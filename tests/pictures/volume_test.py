"""Volumes: rays meet the surface where it is, a sphere is round and shaded by Lambert's law, slices are cells."""

import numpy as np
import pytest

from gengen.pictures import volume
from gengen.pictures.volume import (
    AMBIENT,
    COLOUR,
    EMPTY,
    FULL,
    LIGHT,
    SIDE,
    _first,
    _interpolation,
    _view,
    slices,
    thumbnails,
)


def sphere(size, radius):
    """A ball, its surface smooth between the cells: uint8 [1, size, size, size, 1]."""
    distance = np.linalg.norm(np.indices((size,) * 3) - (size - 1) / 2, axis=0)
    return (255 * np.clip(radius - distance + 0.5, 0, 1)).round().astype(np.uint8)[None, ..., None]


def covered(picture):
    return (picture < 255).any(-1)


def test_the_eye_sees_right_and_down_at_right_angles_from_the_front_the_right_and_above():
    right, down, away = view = np.stack(_view())
    np.testing.assert_allclose(view @ view.T, np.eye(3), atol=1e-12)
    assert right[2] > 0 and right[1] == 0 and down[1] > 0
    assert away[0] > 0 and away[1] > 0 and away[2] < 0


def test_interpolation_is_exact_where_the_density_is_linear():
    rng = np.random.default_rng(0)
    slope, at = rng.normal(size=3), rng.uniform(0, 1, (50, 3)) * [3, 4, 5]
    cells = np.tensordot(slope, np.indices((4, 5, 6)), 1).reshape(-1, 1)
    np.testing.assert_allclose((_interpolation(at, (4, 5, 6)) @ cells)[:, 0], at @ slope, rtol=1e-5)


def test_rays_meet_a_wall_half_a_cell_before_its_first_cells():
    density = np.zeros((2, 18, 40, 40), np.float32)
    density[1, 9:17, 1:-1, 1:-1] = 1
    right, down, away = _view()
    rays = np.array([8.5, 19.5, 19.5]) + np.random.default_rng(0).uniform(-3, 3, (30, 2)) @ np.stack([right, down])
    depth = _first(density, rays, away)
    assert np.isinf(depth[:, 0]).all()
    np.testing.assert_allclose(depth[:, 1], (8.5 - rays[:, 0]) / away[0], atol=1e-4)


@pytest.mark.parametrize("size", [16, 33])
def test_a_sphere_is_round_as_large_as_it_is_and_in_the_middle(size):
    radius = 0.4 * size
    shown = covered(thumbnails(sphere(size, radius))[0])
    right, down, _ = _view()
    scale = SIDE / (size * max(np.abs(right).sum(), np.abs(down).sum()))
    rows, columns = np.nonzero(shown)
    assert len(rows) == pytest.approx(np.pi * (radius * scale + 0.5) ** 2, rel=0.04)
    np.testing.assert_allclose([rows.mean(), columns.mean()], (SIDE - 1) / 2, atol=0.1)
    covariance = np.cov(rows, columns)
    np.testing.assert_allclose(covariance / covariance.trace(), np.eye(2) / 2, atol=0.01)
    assert (shown != shown[::-1, ::-1]).mean() < 0.01


def test_a_sphere_is_shaded_by_lamberts_law():
    size, radius = 32, 13
    picture = thumbnails(sphere(size, radius))[0].astype(float)
    right, down, _ = _view()
    scale = SIDE / (size * max(np.abs(right).sum(), np.abs(down).sum()))
    down, right = (np.indices((SIDE, SIDE)) - (SIDE - 1) / 2) / (scale * radius)
    inner = right**2 + down**2 < 0.9**2
    normals = np.stack([right, down, -np.sqrt(np.maximum(1 - right**2 - down**2, 0))])
    expected = AMBIENT + (1 - AMBIENT) * np.maximum(np.tensordot(LIGHT, normals, 1), 0)
    ratio = (picture / COLOUR).mean(-1)[inner] / expected[inner]
    np.testing.assert_allclose(ratio / np.median(ratio), 1, atol=0.12)
    assert (ratio / np.median(ratio)).std() < 0.03
    rim = covered(picture) & (right**2 + down**2 > 0.85**2) & (right**2 + down**2 < 0.95**2)
    assert picture[SIDE // 2, SIDE // 2].mean() > picture[rim].mean() + 20


def test_what_fills_the_grid_is_closed_and_fits_into_the_picture():
    right, down, _ = _view()
    shown = covered(thumbnails(np.full((1, 16, 16, 16, 1), 255, np.uint8))[0])
    rows, columns = np.nonzero(shown)
    extents = np.abs(down).sum(), np.abs(right).sum()
    assert np.ptp(rows) + 1 == pytest.approx(SIDE * extents[0] / max(extents), abs=3)
    assert np.ptp(columns) + 1 == pytest.approx(SIDE * extents[1] / max(extents), abs=3)


def test_the_top_is_up_and_the_right_is_right():
    volumes = np.zeros((2, 16, 16, 16, 1), np.uint8)
    volumes[0, 6:10, :4, 6:10], volumes[1, 6:10, 6:10, 12:] = 255, 255
    top, right = (np.array(np.nonzero(covered(picture))).mean(1) - (SIDE - 1) / 2 for picture in thumbnails(volumes))
    assert top[0] < -15 and abs(top[1]) < 1
    assert right[1] > 15


def test_thumbnails_do_not_depend_on_those_beside_them_and_channels_are_averaged(monkeypatch):
    monkeypatch.setattr(volume, "CHUNK", 3)
    rng = np.random.default_rng(0)
    volumes = rng.uniform(0, 255, (5, 6, 7, 8, 1))
    order = rng.permutation(5)
    shown = thumbnails(volumes)
    assert shown.shape == (5, SIDE, SIDE, 3)
    assert shown.dtype == np.uint8
    np.testing.assert_array_equal(thumbnails(volumes[order]), shown[order])
    np.testing.assert_array_equal(thumbnails(volumes[:3].repeat(3, -1)), shown[:3])


def test_what_is_empty_or_no_number_is_white():
    assert (thumbnails(np.zeros((1, 8, 8, 8, 1), np.uint8)) == 255).all()
    assert (thumbnails(np.full((1, 8, 8, 8, 1), np.nan)) == 255).all()
    assert thumbnails(np.zeros((0, 8, 8, 8, 1), np.uint8)).shape == (0, SIDE, SIDE, 3)


def test_slices_are_the_cells_at_even_depths_from_the_front_to_the_back():
    volumes = np.random.default_rng(0).integers(0, 2, (2, 15, 6, 8, 1), np.uint8) * 255
    shown = slices(volumes, 3)
    assert shown.shape == (3, 2, SIDE, SIDE, 3)
    cells = shown[:, :, 8::16, 6::12]
    expected = np.where(volumes[:, [2, 7, 12]].swapaxes(0, 1) == 255, FULL, EMPTY)
    np.testing.assert_array_equal(cells, expected)
    np.testing.assert_array_equal(cells.repeat(16, 2).repeat(12, 3), shown)
