"""Linear maps of the last axis, whose matrices are kept as products of two triangular ones.

Kingma and Dhariwal 2018, https://arxiv.org/abs/1807.03039, section 3.2 and eq. 10. On a map of channels it is the
invertible 1 x 1 convolution; between layers of vectors, Durkan et al. 2019, https://arxiv.org/abs/1906.04032, have it.
"""

import math
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.linalg import solve_triangular

from gengen.networks.bijectors.bijector import Bijector, Mapped


class Linear(Bijector):
    """z = W x of the last axis, W = P L (U + diag s): a permutation, a unit lower and a strictly upper triangle.

    W begins as a rotation. P and the signs of s stay as they are then; the log-determinant is the sum of log |s|, at
    each place. The way back solves two triangular systems.

    Attributes:
      seed: of the rotation, which is drawn from it alone.
    """

    seed: int = 0

    @nn.compact
    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`, of data [B, ..., C]."""
        del context
        start = _rotation(x.shape[-1], self.seed)
        log_scale = self.param("log_scale", lambda _: jnp.log(jnp.abs(jnp.diag(start.upper))))
        lower = self.param("lower", lambda _: jnp.tril(start.lower, -1))
        upper = self.param("upper", lambda _: jnp.triu(start.upper, 1))
        lower, upper = _triangles(start, lower, upper, log_scale)
        scaled = jnp.matmul(x.reshape(-1, x.shape[-1]), upper.T, precision=lax.Precision.HIGHEST)
        z = jnp.matmul(scaled, lower.T, precision=lax.Precision.HIGHEST)[:, np.argsort(start.order)]
        return z.reshape(x.shape), _log_det(x, log_scale)

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        del context
        start = _rotation(z.shape[-1], self.seed)
        log_scale: jax.Array = self.get_variable("params", "log_scale")
        lower: jax.Array = self.get_variable("params", "lower")
        upper: jax.Array = self.get_variable("params", "upper")
        lower, upper = _triangles(start, lower, upper, log_scale)
        columns = z.reshape(-1, z.shape[-1]).T[start.order]
        scaled = solve_triangular(lower, columns, lower=True, unit_diagonal=True)
        return solve_triangular(upper, scaled).T.reshape(z.shape), -_log_det(z, log_scale)


class _Start(NamedTuple):
    """A rotation whose row order[i] is row i of L U."""

    order: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def _rotation(size: int, seed: int) -> _Start:
    """Draws a rotation evenly, and takes it apart by elimination with the largest pivot of each column."""
    gaussian = np.random.default_rng(seed).normal(size=(size, size))
    orthogonal, triangle = np.linalg.qr(gaussian)
    upper = orthogonal * np.sign(np.diag(triangle))
    lower, order = np.eye(size), np.arange(size)
    for place in range(size):
        pivot = place + int(np.argmax(np.abs(upper[place:, place])))
        for rows, until in ((upper, size), (lower, place), (order[:, None], 1)):
            rows[[place, pivot], :until] = rows[[pivot, place], :until]
        lower[place + 1 :, place] = upper[place + 1 :, place] / upper[place, place]
        upper[place + 1 :] -= np.outer(lower[place + 1 :, place], upper[place])
    return _Start(order, lower.astype(np.float32), upper.astype(np.float32))


def _triangles(start: _Start, lower: jax.Array, upper: jax.Array, log_scale: jax.Array) -> tuple[jax.Array, jax.Array]:
    """L and U + diag s; what parameters hold beside the triangles counts for nothing."""
    signs = np.sign(np.diag(start.upper))
    whole = jnp.tril(lower, -1) + jnp.eye(len(lower))
    return whole, jnp.triu(upper, 1) + jnp.diag(signs * jnp.exp(log_scale))


def _log_det(x: jax.Array, log_scale: jax.Array) -> jax.Array:
    return jnp.broadcast_to(log_scale.sum() * math.prod(x.shape[1:-1]), (len(x),))
