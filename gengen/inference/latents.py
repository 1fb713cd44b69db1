"""From images to latents and back, for many of them, with what each is told and with noise of its own."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gengen.core.model import GenerativeModel, require
from gengen.core.refusal import Refusal
from gengen.core.state import Tree, Variables
from gengen.core.units import Units
from gengen.inference.batched import One, per_example
from gengen.inference.conditions import LABEL, Conditions, by_domain, classes_of, first_of
from gengen.inference.paths import lerp, plane, slerp
from gengen.inference.sampling import drawing


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
        self._model, self._units, self._variables = model, units, variables
        self._seed, self._key = seed, jax.random.key(seed)
        self._compiled: dict[str, Callable[..., Tree]] = {}

    def reseeded(self, seed: int) -> "Latents":
        """The same with other noise; nothing is compiled again."""
        other = copy.copy(self)
        other._seed, other._key = seed, jax.random.key(seed)
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
        """Shape [1, ...] and type of one latent, that of data of a shape told arrays [1, ...]; nothing is computed.

        Raises:
          Refusal: the model has no prior and cannot encode.
        """
        told = dict(condition) or None
        prior, data = self._model.prior, jax.ShapeDtypeStruct((1, *shape), np.float32)
        encode = None if prior is not None else require(self._model, "encode")

        def one(key: jax.Array, variables: Variables, data: jax.Array) -> Any:
            return encode(key, variables, data, told) if encode else prior and prior(key, variables, 1, told)

        latent: jax.ShapeDtypeStruct = jax.eval_shape(one, self._key, self._variables, data)
        return latent

    def heeds(self, shape: tuple[int, ...], name: str) -> bool:
        """Whether a condition is looked at beside data and latents, which may hold it already; nothing is computed.

        Args:
          shape: of an example.
          name: of the condition; one that the model does not have is not looked at.
        """
        if name not in self._model.conditions:
            return False
        first = dict(first_of(self._model, 1))
        seen = {"decode": self.kind(shape, first), "encode": jax.ShapeDtypeStruct((1, *shape), np.float32)}
        given, other = jnp.asarray(first.pop(name)), first

        def looks(function: Callable[..., jax.Array], at: jax.ShapeDtypeStruct) -> bool:
            traced = jax.make_jaxpr(lambda given, at: function(self._key, self._variables, at, {**other, name: given}))(
                given, at
            ).jaxpr
            used = [variable for equation in traced.eqns for variable in equation.invars]
            return any(variable is traced.invars[0] for variable in [*used, *traced.outvars])

        functions = {"decode": self._model.decode, "encode": self._model.encode}
        return any(looks(function, seen[kind]) for kind, function in functions.items() if function is not None)

    def decode(self, latents: np.ndarray, indices: np.ndarray, condition: Conditions) -> np.ndarray:
        """Decodes latents [n, ...] as examples float32 [n, *shape] in the model's units, not rounded.

        Raises:
          Refusal: the model cannot decode.
        """
        decode = require(self._model, "decode")

        def one(key: jax.Array, variables: Variables, latents: jax.Array, condition: Tree) -> Tree:
            return decode(key, variables, latents, condition or None)

        return self._each("decode", one, indices, latents, dict(condition))

    def shown(self, latents: np.ndarray, indices: np.ndarray, condition: Conditions) -> np.ndarray:
        """Decodes latents [n, ...] in each domain that the model has: [domains, n, *shape] in the data's units."""
        each = by_domain(self._model, len(latents), condition)
        return np.stack([self._units.to_data(self.decode(latents, indices, told)) for told in each])

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
          Examples [domains, n, steps, *shape] in the data's units.
        """
        path = (slerp if spherical else lerp)(first, second, np.linspace(0, 1, steps)).astype(np.float32)
        told = {name: np.repeat(values, steps, axis=0) for name, values in condition.items()}
        made = self.shown(path.reshape(-1, *first.shape[1:]), np.repeat(np.arange(len(first)), steps), told)
        return made.reshape(len(made), len(first), steps, *made.shape[2:])

    def plane(self, corners: np.ndarray, condition: Conditions, *, num: int, spherical: bool) -> np.ndarray:
        """Decodes a plane through three latents, with one noise.

        Args:
          corners: at the lower left, the lower right and the upper left, [3, ...].
          condition: what all examples are told, arrays [1, ...].
          num: examples in a row and in a column.
          spherical: bring latents to the norms of the corners, as `paths.plane` says.

        Returns:
          Examples [domains, num, num, *shape] in the data's units, row after row from above.
        """
        points = plane(corners, np.linspace(0, 1, num), spherical=spherical)[::-1].astype(np.float32)
        return self.alike(points, condition)

    def alike(self, latents: np.ndarray, condition: Conditions) -> np.ndarray:
        """Decodes latents [R, C, ...] that share one noise and are all told the same, arrays [1, ...].

        Returns:
          Examples [domains, R, C, *shape] in the data's units.
        """
        number = latents.shape[0] * latents.shape[1]
        everywhere = {name: np.repeat(value, number, axis=0) for name, value in condition.items()}
        made = self.shown(latents.reshape(number, *latents.shape[2:]), np.zeros(number, int), everywhere)
        return made.reshape(len(made), *latents.shape[:2], *made.shape[2:])

    def draw(self, number: int, condition: Conditions) -> np.ndarray:
        """Draws latents [n, ...] from the prior: of the i-th the i-th of samples with the same seed is made.

        Raises:
          Refusal: the model has no prior.
        """
        if "draw" not in self._compiled:
            self._compiled["draw"] = drawing(require(self._model, "prior"))
        return np.asarray(self._compiled["draw"](self._variables, self._seed, number, condition))

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
