"""Running a compiled function over many images."""

from collections.abc import Callable

import jax
import numpy as np


def in_chunks(
    look: Callable[[np.ndarray], tuple[jax.Array, jax.Array]], images: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Shows images to a jitted function `size` at a time: one compiled shape, bounded memory.

    Args:
      look: images [size, H, W, C] -> two arrays [size, ...].
      images: uint8 [N, H, W, C].
      size: images of one call; the last ones are filled up with black ones.

    Returns:
      Both arrays for all images [N, ...].
    """
    parts = []
    for start in range(0, max(len(images), 1), size):
        chunk = np.asarray(images[start : start + size])
        filled = np.concatenate([chunk, np.zeros((size - len(chunk), *chunk.shape[1:]), chunk.dtype)])
        parts.append([np.asarray(part)[: len(chunk)] for part in look(filled)])
    first, second = (np.concatenate(part) for part in zip(*parts, strict=True))
    return first, second
