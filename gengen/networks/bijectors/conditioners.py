"""Networks that say how a layer of a flow moves numbers; at first they say 0 of every parameter: nothing moves."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from gengen.networks.layers.activations import activation_of
from gengen.networks.layers.dense import Dense


class Perceptron(nn.Module):
    """Parameters of every number of a vector, by hidden layers.

    Attributes:
      widths: units of the hidden layers.
      numbers: parameters P of each number.
      activation: what follows each hidden layer.
      dtype: to which factors of products are rounded; parameters and what is added are float32.
    """

    widths: Sequence[int]
    numbers: int
    activation: str = "relu"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, context: jax.Array | None) -> jax.Array:
        """Returns parameters [B, *shape, P] for x [B, *shape] and a context [B, C]."""
        shape = x.shape[1:]
        seen = x.reshape(len(x), -1)
        if context is not None:
            seen = jnp.concatenate([seen, context], -1)
        for width in self.widths:
            seen = activation_of(self.activation)(Dense(width, dtype=self.dtype)(seen))
        start = nn.initializers.zeros_init()
        found = Dense(math.prod(shape) * self.numbers, kernel_init=start, dtype=self.dtype)(seen)
        return found.astype(jnp.float32).reshape(len(x), *shape, self.numbers)
