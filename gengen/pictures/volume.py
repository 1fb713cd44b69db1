"""Volumes: a shaded surface of each, seen from the front, the right and above, and slices through it."""

from typing import TYPE_CHECKING

import numpy as np

from gengen.pictures.grid import WHITE

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SIDE, FINER = 96, 2
"""Pixels of a thumbnail's side, and rays along the side of each pixel."""

CHUNK = 64
"""Volumes drawn at once."""

TURN, LIFT = np.radians(32), np.radians(28)
"""How far the eye stands to the right of the front, and above it."""

LIGHT = np.array([-0.45, -0.75, -0.9]) / np.linalg.norm([-0.45, -0.75, -0.9])
"""Where the light comes from: the left, above, and behind the eye, as right, down and away from it."""

COLOUR, AMBIENT = np.array([132, 178, 236]), 0.34
"""Of the surface, and the part of the light that comes from everywhere."""

EMPTY, FULL = 240, np.array([70, 112, 170])
"""Colours of slices."""

STEP = 0.25
"""Of the rays, in cells: edges that rays graze look torn with longer ones."""

SMOOTH, NEAR = 0.24, 0.5
"""How far the density is smoothed whose gradient is the normal, and that which darkens hollows: standard deviations as
multiples of the square root of the cells along a side, so that small grids look smooth and large ones keep edges."""


def thumbnails(volumes: np.ndarray) -> np.ndarray:
    """Draws the surface of each volume where its density is half, orthographic, with Lambert's shading.

    As in pictures, height goes down and width to the right; depth goes away from the viewer. Normals are the gradient
    of the smoothed density; hollows, where much of the surroundings is filled, are darker.

    Args:
      volumes: uint8 or float [N, D, H, W, C] in 0..255; channels are averaged, and what is no number is empty.

    Returns:
      Pictures, uint8 [N, 96, 96, 3], on white.
    """
    parts = [_surfaces(_density(volumes[start : start + CHUNK])) for start in range(0, len(volumes), CHUNK)]
    return np.concatenate(parts) if parts else np.zeros((0, SIDE, SIDE, 3), np.uint8)


def slices(volumes: np.ndarray, number: int) -> np.ndarray:
    """Cuts each volume parallel to its front at evenly spaced depths; an odd number of cuts has one in the middle.

    Args:
      volumes: uint8 or float [N, D, H, W, C] in 0..255; channels are averaged, and what is no number is empty.
      number: of slices, from the front to the back.

    Returns:
      Pictures, uint8 [number, N, 96, 96, 3]: light where it is empty, each cell a rectangle.
    """
    density = _density(volumes)[:, 1:-1, 1:-1, 1:-1]
    depth, height, width = density.shape[1:]
    cuts = ((np.arange(number) + 0.5) * depth / number).astype(int)
    down, right = (np.arange(SIDE) * size // SIDE for size in (height, width))
    shares = density[:, cuts][:, :, down][:, :, :, right].swapaxes(0, 1)[..., None]
    bytes_of: np.ndarray = np.rint(EMPTY + shares * (FULL - EMPTY)).astype(np.uint8)
    return bytes_of


def _density(volumes: np.ndarray) -> np.ndarray:
    """Shares of a full cell [N, D + 2, H + 2, W + 2], with empty cells about them, so that every surface is closed."""
    density = np.nan_to_num(np.asarray(volumes, np.float32).mean(-1) / 255).clip(0, 1)
    return np.pad(density, ((0, 0), (1, 1), (1, 1), (1, 1)))


def _surfaces(density: np.ndarray) -> np.ndarray:
    """The pictures of `thumbnails`, of shares of full cells [N, D, H, W] that are empty at the border."""
    number, *shape = density.shape
    right, down, away = _view()
    extent = max(float(np.abs(axis) @ np.subtract(shape, 2)) for axis in (right, down)) / 2
    across = (np.arange(SIDE * FINER) + 0.5) / (SIDE * FINER) * 2 * extent - extent
    middle = (np.array(shape) - 1) / 2
    rays = (middle + across[:, None, None] * down + across[:, None] * right).reshape(-1, 3)
    depth = _first(density, rays, away)
    ray, volume = np.nonzero(np.isfinite(depth))
    shades = _shades(density, volume, rays[ray] + depth[ray, volume, None] * away)
    picture = np.full((number, len(rays), 3), float(WHITE), np.float32)
    picture[volume, ray] = shades[:, None] * COLOUR
    picture = picture.reshape(number, SIDE, FINER, SIDE, FINER, 3).mean((2, 4))
    bytes_of: np.ndarray = np.rint(picture.clip(0, WHITE)).astype(np.uint8)
    return bytes_of


def _view() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right, down and away from the eye, each as depth, height and width."""
    turn, lift = (np.array([np.cos(angle), np.sin(angle)]) for angle in (TURN, LIFT))
    right = np.array([turn[1], 0, turn[0]])
    down = np.array([-lift[1] * turn[0], lift[0], lift[1] * turn[1]])
    away = np.array([lift[0] * turn[0], lift[1], -lift[0] * turn[1]])
    return right, down, away


def _first(density: np.ndarray, rays: np.ndarray, away: np.ndarray) -> np.ndarray:
    """How far from its origin each ray first meets a density of half.

    All volumes have the same rays, so that a step of all of them is one product with a sparse matrix.

    Args:
      density: [N, D, H, W], empty at the border.
      rays: origins [R, 3], in the plane through the middle.
      away: their direction [3].

    Returns:
      Distances [R, N] in cells, infinite where a ray meets nothing.
    """
    cells = np.ascontiguousarray(density.reshape(len(density), -1).T)
    depth = np.full((len(rays), len(density)), np.inf, np.float32)
    before = np.zeros_like(depth)
    reach = np.linalg.norm(density.shape[1:]) / 2
    for distance in np.arange(-reach, reach, STEP):
        at = rays + distance * away
        inside = np.flatnonzero(((at >= 0) & (at < np.array(density.shape[1:]) - 1)).all(-1))
        value = _interpolation(at[inside], density.shape[1:]) @ cells
        last, found = before[inside], depth[inside]
        met = (value > 0.5) & np.isinf(found)
        found[met] = distance - STEP * (value[met] - 0.5) / (value[met] - last[met])
        before[inside], depth[inside] = value, found
    return depth


def _interpolation(at: np.ndarray, shape: tuple[int, ...]) -> "csr_matrix":
    """The matrix [M, cells] that interpolates linearly between cells at points [M, 3]."""
    from scipy.sparse import csr_matrix

    corner = at.astype(int)
    shares = np.stack([1 - (at - corner), at - corner]).astype(np.float32)
    corners = np.indices((2, 2, 2)).reshape(3, 8)
    weights = np.prod([shares[corners[axis], :, axis] for axis in range(3)], axis=0)
    cells = np.ravel_multi_index(tuple(corner.T[..., None] + corners[:, None]), shape)
    return csr_matrix((weights.T.ravel(), cells.ravel(), np.arange(len(at) + 1) * 8), (len(at), np.prod(shape)))


def _shades(density: np.ndarray, volume: np.ndarray, at: np.ndarray) -> np.ndarray:
    """How bright the surfaces are.

    Args:
      density: [N, D, H, W].
      volume: which volume each point lies in [M].
      at: points on the surfaces [M, 3].

    Returns:
      Shares of the colour [M].
    """
    from scipy.ndimage import gaussian_filter, map_coordinates  # as long as Flax, and only who draws volumes needs it

    points = np.concatenate([volume[None], at.T])
    scale = np.sqrt(max(density.shape[1:]))
    smooth, near = (gaussian_filter(density, share * scale, axes=(1, 2, 3)) for share in (SMOOTH, NEAR))
    fall = -np.stack([map_coordinates(slope, points, order=1) for slope in np.gradient(smooth, axis=(1, 2, 3))])
    normals = fall / np.maximum(np.linalg.norm(fall, axis=0), 1e-6)
    light = LIGHT @ np.stack(_view())
    sky = np.clip(1.35 - 0.8 * map_coordinates(near, points, order=1), 0.5, 1.15)  # half is filled at a flat face
    light_of: np.ndarray = sky * (AMBIENT + (1 - AMBIENT) * np.maximum(light @ normals, 0))
    return light_of
