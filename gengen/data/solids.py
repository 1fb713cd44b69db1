"""Solids: volumes of spheres, boxes, tori and chairs, drawn at any size."""

from collections.abc import Iterator

import numpy as np

from gengen.data.random_numbers import uniform

SIDE = 16
"""Voxels along each axis where nothing else is asked for."""

COUNTS = {"train": 4_000, "test": 1_000}
"""Solids of each split, as many of each class."""

CLASSES = ("sphere", "box", "torus", "chair")

_SEAT = 0.2
_LEG = 0.22  # a square of this side holds the middle of a voxel at 16 voxels, however it is turned
_GROUND, _TOP = 0.85, -0.85


def read_solids(split: str, side: int = SIDE, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Draws the solids of a split: they follow from their places alone, and a smaller count has the first ones.

    Each lies in a cube from -1 to 1, and a voxel is full where its middle is inside. Spheres have a radius from 0.4 to
    0.75; boxes have half sides from 0.25 to 0.6, and are turned about the vertical; tori have a ring from 0.45 to 0.65
    and a tube from 0.2 to 0.3, and an axis of any direction; chairs have a seat, four legs and a back, and are turned
    about the vertical. All but chairs lie somewhat off the middle.

    Args:
      split: "train" or "test".
      side: voxels along each axis.
      count: how many to draw; `COUNTS[split]` by default.

    Returns:
      Volumes, uint8 [N, side, side, side, 1] of 0 and 255, whose second axis runs downwards, as in pictures, and
      labels, int32 [N], which go round: 0, 1, 2, 3, 0, ...
    """
    volumes, labels = zip(*each_solid(split, side, count), strict=True)
    return np.stack(volumes), np.array(labels, np.int32)


def each_solid(split: str, side: int = SIDE, count: int | None = None) -> Iterator[tuple[np.ndarray, int]]:
    """Yields each volume that `read_solids` draws, and its label, in turn: all of them need not fit in memory."""
    points = middles(side)
    for index, numbers in enumerate(uniform(f"solids {split}", COUNTS[split] if count is None else count, 8)):
        label = index % len(CLASSES)
        inside = _drawn(CLASSES[label], points, numbers)
        yield np.where(inside, 255, 0).astype(np.uint8)[..., None], label


def middles(side: int) -> np.ndarray:
    """The middles of the voxels of a cube from -1 to 1, float64 [side, side, side, 3]: (depth, down, right) of each."""
    along = (2 * np.arange(side) + 1) / side - 1
    return np.stack(np.meshgrid(along, along, along, indexing="ij"), -1)


def sphere(points: np.ndarray, radius: float) -> np.ndarray:
    """Whether points [..., 3] lie in a ball about the middle, bool [...]."""
    inside: np.ndarray = (points**2).sum(-1) <= radius**2
    return inside


def box(points: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Whether points [..., 3] lie between two corners [3], bool [...]."""
    inside: np.ndarray = np.all((points >= low) & (points <= high), axis=-1)
    return inside


def torus(points: np.ndarray, ring: float, tube: float) -> np.ndarray:
    """Whether points [..., 3] lie in a tube of some radius around a ring about the first axis, bool [...]."""
    inside: np.ndarray = (np.hypot(points[..., 1], points[..., 2]) - ring) ** 2 + points[..., 0] ** 2 <= tube**2
    return inside


def chair(points: np.ndarray, half: float, seat: float) -> np.ndarray:
    """Whether points [..., 3] lie in a chair, bool [...].

    Args:
      points: (depth, down, right) of each.
      half: half of the side of its seat.
      seat: how far down the seat begins.

    Returns:
      bool [...]; the back is at the far end of the first axis.
    """
    under = seat + _SEAT
    parts = [([-half, seat, -half], [half, under, half]), ([half - _SEAT, _TOP, -half], [half, seat, half])]
    for depth in (-half, half - _LEG):
        for right in (-half, half - _LEG):
            parts.append(([depth, under, right], [depth + _LEG, _GROUND, right + _LEG]))
    inside: np.ndarray = np.any([box(points, np.array(low), np.array(high)) for low, high in parts], axis=0)
    return inside


def _drawn(name: str, points: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Draws a solid by eight numbers in [0, 1): three for its place, the others for its measures and its turn."""
    off, rest = 2 * numbers[:3] - 1, numbers[3:]
    if name == "sphere":
        radius = 0.4 + 0.35 * rest[0]
        return sphere(points - off * (0.95 - radius), radius)
    if name == "box":
        half = 0.25 + 0.35 * rest[:3]
        return box((points - 0.1 * off) @ _turn(np.pi * rest[3]), -half, half)
    if name == "torus":
        down, angle = 2 * rest[2] - 1, 2 * np.pi * rest[3]
        # Two turns bring the first axis to any direction, evenly over the sphere (Archimedes).
        frame = _turn(angle) @ _tilt(np.arcsin(down))
        return torus((points - 0.05 * off) @ frame, 0.45 + 0.2 * rest[0], 0.2 + 0.1 * rest[1])
    return chair(points @ _turn(2 * np.pi * rest[0]), 0.45 + 0.15 * rest[1], 0.3 * rest[2] - 0.05)


def _turn(angle: float) -> np.ndarray:
    """A rotation about the vertical [3, 3], to be multiplied from the right."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])


def _tilt(angle: float) -> np.ndarray:
    """A rotation of the first axis towards the vertical [3, 3], to be multiplied from the right."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
