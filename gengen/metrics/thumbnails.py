"""Images as points, to tell whether two of them are the same."""

import chex
import numpy as np

SIDE = 16
"""Largest height and width of a thumbnail: what is left of an image when details that make no other one are gone."""

_NUMBERS = 2**24  # of the pictures that are converted at a time


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
    rows, columns = (_blocks(size, side) for size in images.shape[1:3])
    parts = []
    at_once = max(1, _NUMBERS // int(np.prod(images.shape[1:])))
    for start in range(0, len(images), at_once):
        chunk = np.asarray(images[start : start + at_once], np.float32) / 255
        small = np.einsum("ah,nhwc,bw->nabc", rows, chunk, columns, optimize=True)
        parts.append(small.reshape(len(small), -1))
    return np.concatenate(parts)


def _blocks(size: int, side: int) -> np.ndarray:
    """Weights [min(size, side), size] of pixels in blocks of equal length; one on a border belongs to both in part."""
    number = min(size, side)
    edges = np.arange(number + 1) * (size / number)
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights: np.ndarray = (np.clip(overlap, 0, None) * (number / size)).astype(np.float32)
    return weights
