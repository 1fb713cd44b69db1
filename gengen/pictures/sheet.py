"""Contact sheets: what there is of each of several images stands in one column, as the figures of papers have it."""

from collections.abc import Sequence

import numpy as np

from gengen.pictures.grid import WHITE, grid, without_alpha

GAP = 6
"""Pixels between what belongs to different images."""


def in_rows(rows: Sequence[np.ndarray], columns: int = 16) -> np.ndarray:
    """Lays images out so that what belongs together stands in one column.

    Args:
      rows: what there is of N images, each uint8 [N, H, W, C].
      columns: images beside each other; those that are left over go on below, after a gap.

    Returns:
      One picture, uint8 [H', W', C].
    """
    columns = min(columns, len(rows[0]))
    blocks: list[np.ndarray] = []
    for start in range(0, len(rows[0]), columns):
        parts = [row[start : start + columns] for row in rows]
        white = np.full((columns - len(parts[0]), *parts[0].shape[1:]), WHITE, np.uint8)
        blocks.append(grid(np.concatenate([piece for part in parts for piece in (part, white)]), columns=columns))
    return below(blocks)


def below(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Lays pictures uint8 [H, W, C] of one width below each other, with a gap between them."""
    parts = [pictures[0]]
    for picture in pictures[1:]:
        parts += [np.full((GAP, *picture.shape[1:]), WHITE, np.uint8), picture]
    return np.concatenate(parts)


def alike(rows: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Brings rows of images to one shape: grey is shown as colour, small ones with each pixel repeated, no alpha.

    Args:
      rows: each uint8 [N, H, W, C], C 1 or 3, and one more with an alpha.

    Returns:
      Each uint8 of one shape [N, H', W', C'], of the largest height, width and number of channels.
    """
    rows = [without_alpha(row) for row in rows]
    height, width, channels = (max(row.shape[axis] for row in rows) for axis in (1, 2, 3))

    def shown(row: np.ndarray) -> np.ndarray:
        down, right = (np.arange(size) * row.shape[axis] // size for axis, size in ((1, height), (2, width)))
        return row[:, down][:, :, right].repeat(channels // row.shape[3], axis=3)

    return [shown(row) for row in rows]
