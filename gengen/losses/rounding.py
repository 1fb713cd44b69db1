"""Whole numbers seen through a little normal noise: how probable each is, and what it costs to say which it was.

A number of L levels is one of x_0 < ... < x_(L-1), evenly from -1 to 1, and is seen as z = alpha x_k + sigma noise. The
decoder that takes all levels for alike beforehand is that of Kingma et al. 2021, https://arxiv.org/abs/2107.00630,
eq. 13, whose products are normalised over all L levels:

    p(x_k | z) = N(z; alpha x_k, sigma^2) / sum_i N(z; alpha x_i, sigma^2).

Told the noise and how many deviations of it lie between two levels, r = 2 alpha / ((L - 1) sigma), it is

    -log p(x_k | z) = log sum_i exp(j r noise - (j r)^2 / 2),    j = i - k.
"""

import math

import chex
import jax
import jax.numpy as jnp
import numpy as np

_REACH, _SPACING = 6.0, 0.1
"""Deviations of the noise over which costs are integrated, and between two points: exact to a few times 1e-7 nats."""


def apart(gamma: jax.Array, levels: int) -> jax.Array:
    """r: how many deviations of the noise two levels lie apart, of the shape of gamma = log(sigma^2 / alpha^2)."""
    return 2 / (levels - 1) * jnp.exp(-gamma / 2)


def log_prob_of_levels(noise: jax.Array, cells: jax.Array, gamma: jax.Array, levels: int) -> jax.Array:
    """log p(x_k | alpha x_k + sigma noise): how sure the decoder is of what was there.

    Args:
      noise: [..., D].
      cells: k in 0 ... L - 1, float32 [..., D].
      gamma: log(sigma^2 / alpha^2) [].
      levels: L, at least 2.

    Returns:
      Nats [..., D], of each number by itself.
    """
    chex.assert_equal_shape((noise, cells))
    all_levels = jnp.arange(levels, dtype=jnp.float32).reshape((1,) * cells.ndim + (-1,))
    away = (all_levels - cells[..., None]) * apart(gamma, levels)
    return -jax.nn.logsumexp(away * noise[..., None] - jnp.square(away) / 2, axis=-1)


def expected_costs(gamma: jax.Array, levels: int) -> jax.Array:
    """E -log p(x_k | z) over the noise of z, of each level: an integral over one number, so that none has to be drawn.

    The sum over levels has those from k on and those below it, which by symmetry are what the former are for minus the
    noise; sums over the first m levels from k on are one product for all m.

    Args:
      gamma: log(sigma^2 / alpha^2) [].
      levels: L, at least 2.

    Returns:
      Nats [L].
    """
    chex.assert_rank(gamma, 0)
    half = round(_REACH / _SPACING)
    noise = np.arange(-half, half + 1, dtype=np.float32) * _SPACING
    weights = np.exp(-np.square(noise) / 2) * (_SPACING / math.sqrt(2 * math.pi))
    away = jnp.arange(levels, dtype=jnp.float32) * apart(gamma, levels)
    terms = jnp.exp(away[None] * noise[:, None] - jnp.square(away[None]) / 2)
    from_there_on = jnp.matmul(terms, np.triu(np.ones((levels, levels), np.float32)), precision="highest")
    total = from_there_on[:, ::-1] + from_there_on[::-1] - 1  # the level itself is in both
    costs: jax.Array = (weights[:, None] * jnp.log(total)).sum(0)
    return costs
