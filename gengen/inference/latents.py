"""From images to latents and back, for many of them, with what each is told and with noise of its own."""

import math
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from gengen.core.model import GenerativeModel, require
from gengen.core.refusal import Refusal
from gengen.core.state import Tree, Variables
from gengen.core.units import Units
from gengen.inference.batched import One, per_example
from gengen.inference.conditions import LABEL, Conditions, classes_of


class Latents:
    """What turns examples into latents and back, with the variables of a run.

    Noise belongs to an index: two examples that are given the same index share it, whatever they are and whatever
    stands beside them. So does what a model draws that it is not told.

    Args:
      model: the model.
      units: of its data.
      variables: its variables.
      seed: of the noise.
    """

    def __init__(self, model: GenerativeModel, units: Units, variables: Variables, seed: int) -> None:
        self._model, self._units, self._variables, self._key = model, units, variables, jax.random.key(seed)

    def encode(
        self, data: np.ndarray, indices: np.ndarray, condition: Conditions, *, scaled: bool = False
    ) -> np.ndarray:
        """Encodes examples [n, *shape] as latents [n, ...]; `scaled` ones are in the model's units already.

        Raises:
          Refusal: the model cannot encode.
        """
        encode, units = require(self._model, "encode"), self._units

        def one(key: jax.Array, variables: Variables, data: jax.Array, condition: Tree) -> Tree:
            return encode(key, variables, data if scaled else units.to_model(data), condition or None)

        return self._each(one, indices, data, dict(condition))

    def decode(self, latents: np.ndarray, indices: np.ndarray, condition: Conditions) -> np.ndarray:
        """Decodes latents [n, ...] as examples float32 [n, *shape] in the model's units, not rounded.

        Raises:
          Refusal: the model cannot decode.
        """
        decode = require(self._model, "decode")

        def one(key: jax.Array, variables: Variables, latents: jax.Array, condition: Tree) -> Tree:
            return decode(key, variables, latents, condition or None)

        return self._each(one, indices, latents, dict(condition))

    def draw(self, indices: np.ndarray, condition: Conditions) -> np.ndarray:
        """Draws latents [n, ...] from the prior.

        Raises:
          Refusal: the model has no prior.
        """
        prior = require(self._model, "prior")
        return self._each(lambda key, variables, told: prior(key, variables, 1, told or None), indices, dict(condition))

    def drawn_size(self) -> int:
        """How many numbers a draw from the prior is; none is drawn.

        Raises:
          Refusal: the model has no prior.
        """
        prior = require(self._model, "prior")
        draw = jax.eval_shape(lambda key, variables: prior(key, variables, 1), self._key, self._variables)
        return math.prod(draw.shape[1:])

    def corrupt(self, corrupt: Callable[[jax.Array, jax.Array], jax.Array], data: np.ndarray) -> np.ndarray:
        """Corrupts examples [n, *shape] as training does; float32 [n, *shape] in the model's units."""

        def one(key: jax.Array, variables: Variables, data: jax.Array) -> jax.Array:
            del variables
            return corrupt(jax.random.fold_in(key, 1)[None], self._units.to_model(data))

        return self._each(one, np.arange(len(data)), data)

    def _each(self, one: One, indices: np.ndarray, *trees: Tree) -> np.ndarray:
        return np.asarray(per_example(one)(self._key, self._variables, indices, *trees))


def label_condition(model: GenerativeModel, labels: np.ndarray | None) -> Conditions:
    """What images of these classes [n] are told: their class if the model takes labels, nothing otherwise."""
    return {LABEL: np.asarray(labels, np.int32)} if classes_of(model) and labels is not None else {}


def check_continuous(latents: np.ndarray, workdir: Path) -> None:
    """Checks that there is something between two latents.

    Raises:
      Refusal: they are whole numbers.
    """
    if not np.issubdtype(latents.dtype, np.floating):
        raise Refusal(f"the latents of {workdir} are whole numbers, and there is nothing between two of them.")
