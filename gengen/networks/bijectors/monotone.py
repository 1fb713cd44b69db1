"""Monotone maps of single numbers, whose parameters a network gives: what couplings and autoregressive layers apply."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

Moved = tuple[jax.Array, jax.Array]
"""Where numbers go [...], and the logarithm of the slope there, nats [...]."""


class Transform(NamedTuple):
    """A map of a number that grows with it.

    Attributes:
      numbers: how many parameters P it takes; where all are 0, it is the identity.
      forward: `(parameters [..., P], x [...]) -> Moved`.
      inverse: `(parameters [..., P], z [...]) -> Moved`, the exact way back, with the slope of that way.
    """

    numbers: int
    forward: Callable[[jax.Array, jax.Array], Moved]
    inverse: Callable[[jax.Array, jax.Array], Moved]


def affine(limit: float = 2.0) -> Transform:
    """z = x exp(s) + t: Dinh et al. 2017, https://arxiv.org/abs/1605.08803, eq. 7.

    Args:
      limit: of |s|, which a hyperbolic tangent keeps: one layer cannot stretch by more than exp(limit).
    """

    def read(parameters: jax.Array) -> tuple[jax.Array, jax.Array]:
        return limit * jnp.tanh(parameters[..., 0] / limit), parameters[..., 1]

    def forward(parameters: jax.Array, x: jax.Array) -> Moved:
        log_scale, shift = read(parameters)
        return x * jnp.exp(log_scale) + shift, log_scale

    def inverse(parameters: jax.Array, z: jax.Array) -> Moved:
        log_scale, shift = read(parameters)
        return (z - shift) * jnp.exp(-log_scale), -log_scale

    return Transform(2, forward, inverse)


def additive() -> Transform:
    """z = x + t, which keeps volumes: Dinh et al. 2014, https://arxiv.org/abs/1410.8516, section 3.2."""

    def forward(parameters: jax.Array, x: jax.Array) -> Moved:
        return x + parameters[..., 0], jnp.zeros_like(x)

    def inverse(parameters: jax.Array, z: jax.Array) -> Moved:
        return z - parameters[..., 0], jnp.zeros_like(z)

    return Transform(1, forward, inverse)
