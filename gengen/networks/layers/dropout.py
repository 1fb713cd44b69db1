"""Dropout whose masks belong to examples: Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html."""

import chex
import jax
import jax.numpy as jnp


def check_rate(rate: float) -> None:
    """Refuses rates of dropout that are no probabilities, and 1, which leaves nothing.

    Raises:
      ValueError: `rate` is not in [0, 1).
    """
    if not 0 <= rate < 1:
        raise ValueError(f"dropout={rate} must be at least 0 and below 1")


def drop(x: jax.Array, keys: jax.Array, rate: float) -> jax.Array:
    """Sets numbers to 0 with probability `rate` and divides the others by 1 - rate, so that the mean stays.

    Each example's mask is drawn from its own key: it depends neither on the rest of the batch nor on replicas.

    Args:
      x: features or maps [n, ...].
      keys: typed PRNG keys [n].
      rate: probability of a 0.

    Returns:
      Array of x's shape and dtype.

    Raises:
      ValueError: `rate` is not in [0, 1).
    """
    chex.assert_shape(keys, x.shape[:1])
    check_rate(rate)
    if rate == 0:
        return x
    kept = jax.vmap(lambda key: jax.random.bernoulli(key, 1 - rate, x.shape[1:]))(keys)
    return jnp.where(kept, x / (1 - rate), jnp.zeros((), x.dtype))
