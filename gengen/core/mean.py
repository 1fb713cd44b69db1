"""Metrics that add: a mean is a pair (total, count) until somebody reads it."""

import jax
import jax.numpy as jnp
from flax import struct


class Mean(struct.PyTreeNode):
    """The mean of something over examples, kept as a sum so that means over replicas and steps add exactly.

    Attributes:
      total: sum of the values, float32 [].
      count: number of values, float32 []; 0 where nothing was measured, such as in a turn that was skipped.
    """

    total: jax.Array
    count: jax.Array

    def __add__(self, other: "Mean") -> "Mean":
        return Mean(self.total + other.total, self.count + other.count)

    @property
    def value(self) -> jax.Array:
        """The mean itself; NaN where nothing was counted."""
        return self.total / self.count


def mean_of(values: jax.Array) -> Mean:
    """Counts every element of `values` [...] once."""
    values = jnp.asarray(values, jnp.float32)
    return Mean(values.sum(), jnp.asarray(values.size, jnp.float32))
