"""Normal distributions: densities and divergences."""

import math

import chex
import jax
import jax.numpy as jnp


def normal_log_density(x: jax.Array, mean: jax.Array, log_deviation: jax.Array) -> jax.Array:
    """The log-density of independent normal numbers, in nats.

    Args:
      x: [..., L].
      mean: [..., L], with an axis of length 1 where it is the same along it.
      log_deviation: logarithm of the standard deviation, of the mean's shape.

    Returns:
      Nats [..., L], of each number by itself.
    """
    chex.assert_equal_rank((x, mean))
    chex.assert_equal_shape((mean, log_deviation))
    return -jnp.square((x - mean) * jnp.exp(-log_deviation)) / 2 - log_deviation - math.log(2 * math.pi) / 2


def standard_log_density(x: jax.Array) -> jax.Array:
    """The log-density of each number of x [..., L] under N(0, 1), in nats."""
    return -jnp.square(x) / 2 - math.log(2 * math.pi) / 2


def divergence_from_standard(mean: jax.Array, log_deviation: jax.Array) -> jax.Array:
    """KL(N(mean, deviation^2) || N(0, 1)) in nats: Kingma and Welling 2014, arXiv:1312.6114, appendix B.

    Args:
      mean: [..., L].
      log_deviation: logarithm of the standard deviation [..., L].

    Returns:
      Nats [..., L], of each number by itself.
    """
    chex.assert_equal_shape((mean, log_deviation))
    return (jnp.square(mean) + jnp.exp(2 * log_deviation) - 1) / 2 - log_deviation
