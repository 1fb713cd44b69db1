"""Samples of a model, a batch at a time."""

from collections.abc import Callable
from typing import Protocol

import jax
import numpy as np

from gengen.core.model import GenerativeModel, SampleFn, require
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
    sample = drawing(require(model, "sample"))

    def draw(variables: Variables, seed: int, n: int, condition: Conditions | None = None) -> np.ndarray:
        return sample(variables, seed, n, condition, units.to_data)

    return draw


def drawing(function: SampleFn) -> Callable[..., np.ndarray]:
    """Returns what draws with a model's `sample` or `prior`, whose i-th draws belong together.

    Args:
      function: one of the two.

    Returns:
      `(variables, seed, n, condition=None, finish=...) -> [n, ...]`: the i-th draw depends on the seed, on i and on
      what it is told alone; `finish` is done to each batch of draws.
    """
    compiled = jax.jit(function, static_argnums=2)

    def draw(
        variables: Variables,
        seed: int,
        n: int,
        condition: Conditions | None = None,
        finish: Callable[[jax.Array], np.ndarray] = np.asarray,
    ) -> np.ndarray:
        key, size = jax.random.key(seed), min(n, SIZE)

        def look(indices: np.ndarray) -> np.ndarray:
            part = {name: values[indices] for name, values in condition.items()} if condition else None
            return finish(compiled(jax.random.fold_in(key, indices[0] // size), variables, size, part))

        return np.asarray(batched(look, n, size))

    return draw
