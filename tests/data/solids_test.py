"""Solids: volumes against their closed forms, the same solids at any size, and the same bytes everywhere."""

import hashlib

import numpy as np
import pytest

from gengen.data import solids
from gengen.data.solids import CLASSES, read_solids


def volume(inside: np.ndarray) -> float:
    """The volume of full voxels of a cube from -1 to 1."""
    return float(8 * inside.mean())


SIDE = 96
VOXEL = 2 / SIDE


@pytest.mark.parametrize("radius", [0.4, 0.75])
def test_a_sphere_has_its_volume(radius: float) -> None:
    """Voxels are wrong in a layer of a voxel along the surface, at random to either side."""
    found = volume(solids.sphere(solids.middles(SIDE) - 0.011, radius))
    assert abs(found - 4 / 3 * np.pi * radius**3) < 4 * np.pi * radius**2 * VOXEL / 20


@pytest.mark.parametrize(("ring", "tube"), [(0.45, 0.2), (0.65, 0.3)])
def test_a_torus_has_its_volume_however_it_is_turned(ring: float, tube: float) -> None:
    surface = 4 * np.pi**2 * ring * tube
    for frame in (np.eye(3), solids._turn(0.7) @ solids._tilt(1.1)):
        found = volume(solids.torus(solids.middles(SIDE) @ frame, ring, tube))
        assert abs(found - 2 * np.pi**2 * ring * tube**2) < surface * VOXEL / 20


def test_a_box_and_a_chair_have_their_volumes() -> None:
    points, half = solids.middles(SIDE), np.array([0.3, 0.45, 0.6])
    surface = 8 * (0.3 * 0.45 + 0.45 * 0.6 + 0.3 * 0.6)
    turned = volume(solids.box(points @ solids._turn(0.4) @ solids._tilt(0.3), -half, half))
    assert abs(turned - 8 * np.prod(half)) < surface * VOXEL / 20
    seat, back, legs = 1.2**2 * 0.2, 0.2 * 0.95 * 1.2, 4 * 0.22**2 * (0.85 - 0.3)
    assert abs(volume(solids.chair(points @ solids._turn(0.4), 0.6, 0.1)) - (seat + back + legs)) < 8 * VOXEL / 10


def test_turns_keep_lengths_and_the_axis_of_a_torus_goes_anywhere() -> None:
    for turn in (solids._turn(0.3), solids._tilt(-1.2)):
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(turn) == pytest.approx(1)
    numbers = np.random.default_rng(0).random((20_000, 2))
    axes = np.stack([(solids._turn(2 * np.pi * b) @ solids._tilt(np.arcsin(2 * a - 1)))[:, 0] for a, b in numbers])
    np.testing.assert_allclose(axes.T @ axes / len(axes), np.eye(3) / 3, atol=0.01)  # even over the sphere


@pytest.mark.parametrize("side", [16, 24])
def test_solids_are_whole_and_lie_inside(side: int) -> None:
    from scipy import ndimage

    volumes, labels = read_solids("train", side, 400)
    assert volumes.shape == (400, side, side, side, 1) and volumes.dtype == np.uint8
    assert set(np.unique(volumes)) == {0, 255} and labels.tolist() == [0, 1, 2, 3] * 100
    pieces = [ndimage.label(one[..., 0])[1] for one in volumes]
    assert set(pieces) == {1}
    full = (volumes > 0).mean((1, 2, 3, 4))
    assert full.min() > 0.015 and full.max() < 0.3
    assert len({one.tobytes() for one in volumes}) > 395


def test_a_larger_side_draws_the_same_solids() -> None:
    """Of three times as many voxels, the middle one of each block has the middle of the one that it was."""
    small, large = read_solids("train", 16, 40)[0], read_solids("train", 48, 40)[0]
    np.testing.assert_array_equal(large[:, 1::3, 1::3, 1::3], small)


def test_a_chair_stands_on_four_legs() -> None:
    from scipy import ndimage

    volumes, labels = read_solids("train", 16, 400)
    for one in volumes[labels == CLASSES.index("chair"), ..., 0]:
        feet = one[:, 14]  # near the ground: the second axis runs downwards
        assert ndimage.label(feet)[1] == 4 and not one[:, 15].any()


def test_the_same_bytes_are_drawn_everywhere() -> None:
    drawn, labels = read_solids("train")
    assert len(drawn) == 4000 and np.bincount(labels).tolist() == [1000] * 4
    assert hashlib.sha256(drawn.tobytes()).hexdigest()[:16] == "37623cdb5c4ec4cd"
    np.testing.assert_array_equal(read_solids("train", count=23)[0], drawn[:23])
    test, _ = read_solids("test")
    assert len(test) == 1000 and len({one.tobytes() for one in test} & {one.tobytes() for one in drawn}) < 50  # balls
