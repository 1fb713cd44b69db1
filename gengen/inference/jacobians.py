"""Directions of the latent space along which a decoder changes most, found without labels."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gengen.core.model import GenerativeModel, require
from gengen.core.state import Tree, Variables
from gengen.inference.batched import per_example
from gengen.inference.conditions import Conditions

EXTRA, ROUNDS = 8, 6
"""Directions that are iterated beside those wanted, and iterations: Halko et al. 2011, arXiv:0909.4061."""


class Steepest(NamedTuple):
    """Directions of the latent space, the one first along which a decoder changes most.

    Attributes:
      directions: of length 1, at right angles, [k, ...] as latents are.
      gains: the root mean square of how far what is decoded goes for a step of length 1, [k].
      mean: the same of directions that are drawn at random.
    """

    directions: np.ndarray
    gains: np.ndarray
    mean: float


def steepest(
    model: GenerativeModel, variables: Variables, latents: np.ndarray, condition: Conditions, *, number: int, seed: int
) -> Steepest:
    """The first eigenvectors of the mean of J^T J over latents, J the Jacobian of `decode`.

    The step of length e along v changes what is decoded by e |J v|, and the mean of |J v|^2 is largest along these
    vectors: Ramesh et al. 2019, https://arxiv.org/abs/1812.01161. SeFa (Shen and Zhou 2021,
    https://arxiv.org/abs/2007.06600) takes those of A^T A, A the weights of a generator's first layer. Both are the
    same where all that comes after that layer is linear and keeps lengths; this way needs to know no layer.

    J is never written down: a random subspace is multiplied by the mean of J^T J again and again, forwards and
    backwards through the decoder, and made orthonormal. Of latents of few numbers the subspace is the whole space, and
    once is enough. Numbers in which the latents do not differ are left as they are.

    Args:
      model: the model.
      variables: its variables.
      latents: at which the decoder is looked at, float [n, ...].
      condition: what it is told, arrays [n, ...].
      number: of directions, k at most; there are no more than numbers that differ.
      seed: of the subspace, and of what the decoder draws.

    Raises:
      Refusal: the model cannot decode.
    """
    decode, shape = require(model, "decode"), latents.shape[1:]

    def one(key: jax.Array, given: Tree, latents: jax.Array, condition: Tree) -> jax.Array:
        variables, basis = given["model"], given["space"]["basis"]

        def decoded(latent: jax.Array) -> jax.Array:
            return jnp.ravel(decode(key, variables, latent.reshape(1, *shape), condition or None))

        _, push = jax.linearize(decoded, latents.ravel())
        pull = jax.linear_transpose(push, latents.ravel())
        columns: jax.Array = jax.lax.map(lambda column: pull(push(column))[0], basis.T)
        return columns.T[None]

    each, key = per_example(one), jax.random.key(seed)
    flat = latents.reshape(len(latents), -1)
    free = (np.ptp(flat, axis=0) > 0) if len(flat) > 1 else np.ones(flat.shape[1], bool)
    columns = min(int(free.sum()), number + EXTRA)
    start = np.random.default_rng(seed).normal(size=(flat.shape[1], columns)) * free[:, None]
    basis, mean = np.linalg.qr(start)[0].astype(np.float32), 0.0
    for turn in range(ROUNDS if columns < free.sum() else 1):
        given: dict[str, dict[str, Any]] = {"model": dict(variables), "space": {"basis": basis}}
        made = each(key, given, np.arange(len(flat)), latents, dict(condition)).mean(0) * free[:, None]
        values, vectors = np.linalg.eigh((basis.T @ made + made.T @ basis) / 2)
        mean = float(values.mean()) if not turn else mean
        found = basis @ vectors[:, ::-1]
        basis = np.linalg.qr(made)[0].astype(np.float32)
    directions = _signed(found[:, :number]).T.reshape(-1, *shape).astype(np.float32)
    return Steepest(directions, np.sqrt(np.maximum(values[::-1][:number], 0)), float(np.sqrt(max(mean, 0))))


def _signed(vectors: np.ndarray) -> np.ndarray:
    """Columns [D, k] whose largest numbers are positive: of v and -v, which are as good, always the same one."""
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(0)[None], axis=0)
    return np.asarray(vectors * np.where(largest < 0, -1, 1))
