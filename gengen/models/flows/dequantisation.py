"""Dequantisation: whole numbers become real ones of which a density can speak, and back.

A whole number k of L becomes u = (k + v) / L with noise v in [0, 1), and for any density p of u and any q of the noise

    log P(k) >= E_q(v|k) [log p(u) - log q(v | k)] - D log L,

a bound which no choice of p and q can turn into more than the truth: Theis et al. 2016, https://arxiv.org/abs/1511.01844,
section 3.1, for uniform noise; Ho et al. 2019, https://arxiv.org/abs/1902.00275, section 3.1, for noise that is learnt.
"""

import math

import jax
import jax.numpy as jnp

from gengen.networks.bijectors.bijector import Mapped, summed

KINDS = ("uniform", "variational", "gaussian")
"""What noise is: uniform in a cell, a flow's that sees the data, or wider than a cell, to be taken off again."""


def cells(data: jax.Array, levels: int) -> jax.Array:
    """The whole numbers k in 0 ... L - 1, as float32, of data in [-1, 1] that have L levels."""
    return jnp.rint((data + 1) / 2 * (levels - 1))


def of_cells(u: jax.Array, levels: int) -> jax.Array:
    """Data in [-1, 1] of the cells that numbers u in [0, 1] lie in; an inverse of adding noise, whatever it was."""
    return jnp.clip(jnp.floor(u * levels), 0, levels - 1) / (levels - 1) * 2 - 1


def uniform_noise(keys: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Draws noise in [0, 1) from keys [B], float32 [B, *shape]."""
    return jax.vmap(lambda key: jax.random.uniform(key, shape))(keys)


def normal_noise(keys: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Draws standard normal numbers from keys [B], float32 [B, *shape]."""
    return jax.vmap(lambda key: jax.random.normal(key, shape))(keys)


def to_reals(u: jax.Array, alpha: float) -> Mapped:
    """Brings numbers in [0, 1] to the whole line by the logit of alpha + (1 - 2 alpha) u, or to [-1, 1] if alpha is 0.

    Dinh et al. 2017, https://arxiv.org/abs/1605.08803, section 4.1. With alpha above 0 the ends 0 and 1 stay finite.

    Args:
      u: [B, *shape].
      alpha: in [0, 1/2).

    Returns:
      Numbers [B, *shape], and log |det| of the way, nats [B].
    """
    if not alpha:
        return 2 * u - 1, jnp.full(len(u), math.log(2) * (u.size // len(u)))
    inside = alpha + (1 - 2 * alpha) * u
    slope = math.log(1 - 2 * alpha) - jnp.log(inside) - jnp.log1p(-inside)
    return jnp.log(inside) - jnp.log1p(-inside), summed(slope)


def from_reals(y: jax.Array, alpha: float) -> jax.Array:
    """The inverse of `to_reals`; what lies beyond its ends goes to 0 and 1."""
    u = (jax.nn.sigmoid(y) - alpha) / (1 - 2 * alpha) if alpha else (y + 1) / 2
    return jnp.clip(u, 0, 1)
