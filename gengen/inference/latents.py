"""From images to latents and back, for many of them, with what each is told and with noise of its own."""

import math
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from gengen.core.model import GenerativeModel, require
from gengen.core.refusal import Refusal
from gengen.core.state import Tree, Variables
from gengen.inference.conditions import LABEL, Conditions, classes_of

CHUNK = 256
"""Examples of one call: bounds memory, and is compiled once however many there are."""

One = Callable[..., Tree]
"""`(key, variables, *what belongs to one example) -> arrays`."""


class Latents:
    """What turns images into latents and back, with the variables of a run.

    Noise belongs to a place: two examples that are given the same place share it, whatever they are and whatever
    stands beside them. So does what a model draws that it is not told.

    Args:
      model: the model.
      variables: its variables.
      seed: of the noise.
    """

    def __init__(self, model: GenerativeModel, variables: Variables, seed: int) -> None:
        self._model, self._variables, self._key = model, variables, jax.random.key(seed)

    def encode(self, images: np.ndarray, indices: np.ndarray, condition: Conditions) -> np.ndarray:
        """Encodes images [n, H, W, C], uint8 or in [-1, 1], as latents [n, ...].

        Raises:
          Refusal: the model cannot encode.
        """
        encode = require(self._model, "encode")

        def one(key: jax.Array, variables: Variables, image: jax.Array, condition: Tree) -> Tree:
            return encode(key, variables, _scaled(image)[None], _alone(condition))[0]

        return self._each(one, indices, images, dict(condition))

    def decode(self, latents: np.ndarray, indices: np.ndarray, condition: Conditions) -> np.ndarray:
        """Decodes latents [n, ...] as images float32 [n, H, W, C], in [-1, 1] but for what the model oversteps.

        Raises:
          Refusal: the model cannot decode.
        """
        decode = require(self._model, "decode")

        def one(key: jax.Array, variables: Variables, latent: jax.Array, condition: Tree) -> Tree:
            return decode(key, variables, latent[None], _alone(condition))[0]

        return self._each(one, indices, latents, dict(condition))

    def draw(self, indices: np.ndarray, condition: Conditions) -> np.ndarray:
        """Draws latents [n, ...] from the prior.

        Raises:
          Refusal: the model has no prior.
        """
        prior = require(self._model, "prior")

        def one(key: jax.Array, variables: Variables, condition: Tree) -> Tree:
            return prior(key, variables, 1, _alone(condition))[0]

        return self._each(one, indices, dict(condition))

    def drawn_size(self) -> int:
        """How many numbers a draw from the prior is; none is drawn.

        Raises:
          Refusal: the model has no prior.
        """
        prior = require(self._model, "prior")
        draw = jax.eval_shape(lambda key, variables: prior(key, variables, 1), self._key, self._variables)
        return math.prod(draw.shape[1:])

    def corrupt(self, corrupt: Callable[[jax.Array, jax.Array], jax.Array], images: np.ndarray) -> np.ndarray:
        """Corrupts images uint8 [n, H, W, C] as training does; float32 [n, H, W, C], [-1, 1] but for added noise."""

        def one(key: jax.Array, variables: Variables, image: jax.Array) -> jax.Array:
            del variables
            return corrupt(jax.random.fold_in(key, 1)[None], _scaled(image)[None])[0]

        return self._each(one, np.arange(len(images)), images)

    def _each(self, one: One, indices: np.ndarray, *trees: Tree) -> np.ndarray:
        """Runs a function on each of n examples, a chunk at a time; the last chunk is filled with its last example."""

        @jax.jit
        def look(key: jax.Array, variables: Variables, indices: jax.Array, trees: Tree) -> Tree:
            keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, indices)
            return jax.vmap(lambda key, trees: one(key, variables, *trees))(keys, trees)

        total, parts = len(indices), []
        size = min(total, CHUNK)
        everything = (np.asarray(indices, np.int32), trees)
        for start in range(0, total, size):
            chosen = np.minimum(np.arange(start, start + size), total - 1)
            chunk = jax.tree.map(lambda leaf, chosen=chosen: np.asarray(leaf[chosen]), everything)
            parts.append(np.asarray(look(self._key, self._variables, *chunk)))
        return np.concatenate(parts)[:total]


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


def _scaled(image: jax.Array) -> jax.Array:
    return image.astype(np.float32) / 127.5 - 1 if image.dtype == np.uint8 else image


def _alone(condition: Tree) -> Tree | None:
    """What one example is told, as a batch of one."""
    return {name: value[None] for name, value in condition.items()} or None
