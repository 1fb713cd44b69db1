"""Penalties on the critic's gradient with respect to its inputs.

A critic here is any function of images [B, ...] to logits [B] that judges every image alone: then the gradient of the
sum of the logits holds each image's own gradient.
"""

from collections.abc import Callable

import chex
import jax
import jax.numpy as jnp

CriticFn = Callable[[jax.Array], jax.Array]


def squared_gradient(critic: CriticFn, points: jax.Array) -> jax.Array:
    """The squared norm of the critic's gradient at each of the points.

    Args:
      critic: images [B, ...] -> logits [B].
      points: where, [B, ...].

    Returns:
      Squared norms [B].
    """

    def total(points: jax.Array) -> jax.Array:
        logits = critic(points)
        chex.assert_shape(logits, points.shape[:1])
        return logits.sum()

    gradient = jax.grad(total)(points)
    return jnp.square(gradient).sum(tuple(range(1, points.ndim)))


def lipschitz_penalty(critic: CriticFn, points: jax.Array, *, one_sided: bool = False) -> jax.Array:
    """(|grad f(x)| - 1)^2: eq. 3 of Gulrajani et al. 2017, arXiv:1704.00028.

    Args:
      critic: images [B, ...] -> values [B].
      points: where, [B, ...].
      one_sided: max(0, |grad f(x)| - 1)^2 instead, which allows a critic that is flatter: section 4 there, and Petzka
        et al. 2018, arXiv:1709.08894.

    Returns:
      Penalties [B].
    """
    excess = _root(squared_gradient(critic, points)) - 1
    return jnp.square(jax.nn.relu(excess) if one_sided else excess)


def zero_centred_penalty(critic: CriticFn, points: jax.Array) -> jax.Array:
    """|grad D(x)|^2 / 2: R1 at data and R2 at samples, eq. 9 and 10 of Mescheder et al. 2018, arXiv:1801.04406.

    Args:
      critic: images [B, ...] -> logits [B].
      points: where, [B, ...].

    Returns:
      Penalties [B].
    """
    return squared_gradient(critic, points) / 2


def interpolated(first: jax.Array, second: jax.Array, share: jax.Array) -> jax.Array:
    """Points on the lines between pairs: (1 - share) first + share second; [B, ...], [B, ...], [B] -> [B, ...]."""
    chex.assert_equal_shape((first, second))
    chex.assert_shape(share, first.shape[:1])
    share = share.reshape(-1, *(1,) * (first.ndim - 1))
    return first + share * (second - first)


def _root(squared: jax.Array) -> jax.Array:
    """The square root, whose derivative is 0 instead of infinite at 0."""
    positive = squared > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, squared, 1.0)), 0.0)
