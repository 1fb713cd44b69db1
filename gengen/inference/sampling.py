"""Samples of a model, a chunk at a time."""

from typing import Protocol

import jax
import numpy as np

from gengen.core.model import GenerativeModel, require
from gengen.core.state import Variables
from gengen.inference.conditions import Conditions
from gengen.pictures.grid import to_pixels

CHUNK = 256
"""Images made in one call: bounds memory, and is compiled once however many are asked for."""


class Draw(Protocol):
    """What draws images uint8 [n, H, W, C] with the variables of a model."""

    def __call__(self, variables: Variables, seed: int, n: int, condition: Conditions | None = None) -> np.ndarray:
        """Draws n images; image i depends on the seed, on i and on what it is told in `condition` alone."""


def sampler(model: GenerativeModel) -> Draw:
    """Returns what draws samples of a model, a chunk at a time; image i does not depend on n.

    Raises:
      Refusal: the model cannot sample.
    """
    sample = jax.jit(require(model, "sample"), static_argnums=2)

    def draw(variables: Variables, seed: int, n: int, condition: Conditions | None = None) -> np.ndarray:
        key = jax.random.key(seed)
        size = min(n, CHUNK)
        chunks = [
            to_pixels(sample(jax.random.fold_in(key, index), variables, size, _part(condition, index * size, size, n)))
            for index in range(-(-n // size))
        ]
        return np.concatenate(chunks)[:n]

    return draw


def _part(condition: Conditions | None, start: int, size: int, n: int) -> Conditions | None:
    """What the samples of one chunk are told; those beyond the last of n, which nobody sees, what the last is told."""
    if condition is None:
        return None
    indices = np.minimum(np.arange(start, start + size), n - 1)
    return {name: values[indices] for name, values in condition.items()}
