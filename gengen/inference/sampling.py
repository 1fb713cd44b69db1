"""Samples of a model, a batch at a time."""

from typing import Protocol

import jax
import numpy as np

from gengen.core.model import GenerativeModel, require
from gengen.core.state import Variables
from gengen.core.units import Units
from gengen.inference.batched import SIZE, batched
from gengen.inference.conditions import Conditions


class Draw(Protocol):
    """What draws data [n, *shape], in their own units, with the variables of a model."""

    def __call__(self, variables: Variables, seed: int, n: int, condition: Conditions | None = None) -> np.ndarray:
        """Draws n examples; example i depends on the seed, on i and on what it is told in `condition` alone."""


def sampler(model: GenerativeModel, units: Units) -> Draw:
    """Returns what draws samples of a model, a batch at a time; sample i does not depend on n.

    Args:
      model: the model.
      units: of its data.

    Raises:
      Refusal: the model cannot sample.
    """
    sample = jax.jit(require(model, "sample"), static_argnums=2)

    def draw(variables: Variables, seed: int, n: int, condition: Conditions | None = None) -> np.ndarray:
        key, size = jax.random.key(seed), min(n, SIZE)

        def look(indices: np.ndarray) -> np.ndarray:
            part = None if condition is None else {name: values[indices] for name, values in condition.items()}
            return units.to_data(sample(jax.random.fold_in(key, indices[0] // size), variables, size, part))

        return np.asarray(batched(look, n, size))

    return draw
