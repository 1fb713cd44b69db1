"""From images to latents and back, for many of them, with what each is told and with noise of its own."""

import copy
import math
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from gengen.core.model import GenerativeModel, require
from gengen.core.refusal import Refusal
from gengen.core.state import Tree, Variables
from gengen.core.units import Units
from gengen.inference.batched import Each, One, per_example
from gengen.inference.conditions import LABEL, Conditions, classes_of
from gengen.inference.paths import lerp, slerp


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
        self._compiled: dict[str, Each] = {}

    def reseeded(self, seed: int) -> "Latents":
        """The same with other noise; nothing is compiled again."""
        other = copy.copy(self)
        other._key = jax.random.key(seed)
        return other

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

        return self._each("encode scaled" if scaled else "encode", one, indices, data, dict(condition))

    def kind(self, shape: tuple[int, ...], condition: Conditions) -> jax.ShapeDtypeStruct:
        """Shape [1, ...] and type of the latent of one example of a shape, told arrays [1, ...]; nothing is computed.

        Raises:
          Refusal: the model cannot encode.
        """
        data = jax.ShapeDtypeStruct((1, *shape), np.float32)
        encode = require(self._model, "encode")
        latent: jax.ShapeDtypeStruct = jax.eval_shape(
            lambda key, variables, data: encode(key, variables, data, condition or None),
            *(self._key, self._variables, data),
        )
        return latent

    def decode(self, latents: np.ndarray, indices: np.ndarray, condition: Conditions) -> np.ndarray:
        """Decodes latents [n, ...] as examples float32 [n, *shape] in the model's units, not rounded.

        Raises:
          Refusal: the model cannot decode.
        """
        decode = require(self._model, "decode")

        def one(key: jax.Array, variables: Variables, latents: jax.Array, condition: Tree) -> Tree:
            return decode(key, variables, latents, condition or None)

        return self._each("decode", one, indices, latents, dict(condition))

    def between(
        self, first: np.ndarray, second: np.ndarray, condition: Conditions, *, steps: int, spherical: bool
    ) -> np.ndarray:
        """Decodes what lies on paths between latents, with one noise along a path.

        Args:
          first: where the paths begin, [n, ...].
          second: where they end, [n, ...].
          condition: what the examples of a path are told, arrays [n, ...].
          steps: latents on a path, both ends among them.
          spherical: go on arcs around the origin (`slerp`), not on straight lines (`lerp`).

        Returns:
          Examples [n, steps, *shape] in the data's units.
        """
        path = (slerp if spherical else lerp)(first, second, np.linspace(0, 1, steps)).astype(np.float32)
        told = {name: np.repeat(values, steps, axis=0) for name, values in condition.items()}
        decoded = self.decode(path.reshape(-1, *first.shape[1:]), np.repeat(np.arange(len(first)), steps), told)
        return self._units.to_data(decoded).reshape(len(first), steps, *decoded.shape[1:])

    def draw(self, indices: np.ndarray, condition: Conditions) -> np.ndarray:
        """Draws latents [n, ...] from the prior.

        Raises:
          Refusal: the model has no prior.
        """
        prior = require(self._model, "prior")

        def one(key: jax.Array, variables: Variables, condition: Tree) -> Tree:
            return prior(key, variables, 1, condition or None)

        return self._each("draw", one, indices, dict(condition))

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

        return np.asarray(per_example(one)(self._key, self._variables, np.arange(len(data)), data))

    def _each(self, name: str, one: One, indices: np.ndarray, *trees: Tree) -> np.ndarray:
        """Does something to each of n examples; it is compiled when it is done for the first time."""
        each = self._compiled.setdefault(name, per_example(one))
        return np.asarray(each(self._key, self._variables, indices, *trees))


def label_condition(model: GenerativeModel, labels: np.ndarray | None) -> Conditions:
    """What images of these classes [n] are told: their class if the model takes labels, nothing otherwise."""
    return {LABEL: np.asarray(labels, np.int32)} if classes_of(model) and labels is not None else {}


def check_continuous(latents: np.ndarray, run: Path) -> None:
    """Checks that there is something between two latents of a run.

    Raises:
      Refusal: they are whole numbers.
    """
    if not np.issubdtype(latents.dtype, np.floating):
        raise Refusal(f"the latents of {run} are whole numbers, and there is nothing between two of them.")
