"""Which pixels of a picture are missing."""

import math
from collections.abc import Callable, Mapping

import numpy as np

Mask = Callable[[int, int, float, np.random.Generator], np.ndarray]
"""`(height, width, share missing, generator) -> bool [height, width]`, True where a pixel is known."""


def centre(height: int, width: int, share: float, generator: np.random.Generator) -> np.ndarray:
    """A rectangle in the middle is missing, of the proportions of the picture."""
    del generator
    known = np.ones((height, width), bool)
    rows, columns = (max(1, round(size * math.sqrt(share))) for size in (height, width))
    top, left = (height - rows) // 2, (width - columns) // 2
    known[top : top + rows, left : left + columns] = False
    return known


def right(height: int, width: int, share: float, generator: np.random.Generator) -> np.ndarray:
    """The part at the right is missing."""
    del generator
    known = np.ones((height, width), bool)
    known[:, width - max(1, round(width * share)) :] = False
    return known


def scattered(height: int, width: int, share: float, generator: np.random.Generator) -> np.ndarray:
    """Pixels here and there are missing, at random."""
    missing = generator.permutation(height * width)[: max(1, round(height * width * share))]
    known = np.ones(height * width, bool)
    known[missing] = False
    return known.reshape(height, width)


MASKS: Mapping[str, Mask] = {"centre": centre, "right": right, "scattered": scattered}
"""Masks by their names."""
