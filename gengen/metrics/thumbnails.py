"""Means over blocks of pictures, volumes or series: examples that look the same are near each other."""

from collections.abc import Callable

import chex
import numpy as np

SIDE = 16
"""Largest height and width of a thumbnail: what is left of an image when details that make no other one are gone."""

_NUMBERS = 2**24  # of the examples that are converted at a time


def thumbnails(images: np.ndarray, *, side: int = SIDE) -> np.ndarray:
    """Averages images over blocks so that neither side is longer than `side`, and flattens them.

    Two images that look the same are near each other as points [P], which is not so of all their pixels, nor of
    features, which leave out what a network was taught to overlook.

    Args:
      images: uint8 [N, H, W, C].
      side: largest height and width of the thumbnails in pixels.

    Returns:
      Points in [0, 1], float32 [N, P].
    """
    chex.assert_rank(images, 4)
    return block_means(images, lambda chunk: np.asarray(chunk, np.float32) / 255, side)


def block_means(examples: np.ndarray, convert: Callable[[np.ndarray], np.ndarray], side: int) -> np.ndarray:
    """Averages examples over blocks so that no axis but that of the channels is longer than `side`, and flattens them.

    Args:
      examples: [N, *axes, C], with up to three axes.
      convert: `examples [n, *axes, C] -> float32 of the same shape`, before the means.
      side: the most blocks along an axis.

    Returns:
      float32 [N, P].
    """
    axes = "xyz"[: examples.ndim - 2]
    weights = [_blocks(size, side) for size in examples.shape[1:-1]]
    expression = ",".join(["n" + axes + "c", *(axis.upper() + axis for axis in axes)]) + f"->n{axes.upper()}c"
    parts = []
    at_once = max(1, _NUMBERS // int(np.prod(examples.shape[1:])))
    for start in range(0, len(examples), at_once):
        small = np.einsum(expression, convert(examples[start : start + at_once]), *weights, optimize=True)
        parts.append(small.reshape(len(small), -1))
    return np.concatenate(parts)


def _blocks(size: int, side: int) -> np.ndarray:
    """Weights [min(size, side), size] of values in blocks of equal length; one on a border belongs to both in part."""
    number = min(size, side)
    edges = np.arange(number + 1) * (size / number)
    indices = np.arange(size)
    overlap = np.minimum(edges[1:, None], indices + 1) - np.maximum(edges[:-1, None], indices)
    return np.asarray(np.clip(overlap, 0, None) * (number / size), np.float32)
