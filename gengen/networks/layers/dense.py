"""Dense layers with the parameters of flax's, whose products are fast in every precision."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jax.typing import DTypeLike

from gengen.networks.layers.products import product


class Dense(nn.Module):
    """A linear map of the last axis; parameters and initialisation of `flax.linen.Dense`.

    Its sums stay in float32 however its factors are rounded: units of a perceptron are few beside its weights, so that
    to round them, too, costs more than it saves.

    Attributes:
      features: numbers of the output.
      use_bias: whether to add a bias.
      dtype: to which input and kernel are rounded before they are multiplied; None: that of both.
      kernel_init: initialiser of the kernel [inputs, features].
      bias_init: initialiser of the bias [features].
    """

    features: int
    use_bias: bool = True
    dtype: DTypeLike | None = None
    kernel_init: Callable[..., jax.Array] = nn.initializers.lecun_normal()
    bias_init: Callable[..., jax.Array] = nn.initializers.zeros_init()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps x [..., inputs] to [..., features], float32 or wider."""
        kernel = self.param("kernel", self.kernel_init, (x.shape[-1], self.features), jnp.float32)
        bias = self.param("bias", self.bias_init, (self.features,), jnp.float32) if self.use_bias else None
        dtype = nn.dtypes.canonicalize_dtype(x, kernel, dtype=self.dtype)
        y = product(x.reshape(-1, x.shape[-1]), kernel, dtype)
        return add_bias(y.reshape(*x.shape[:-1], self.features), bias)


def add_bias(y: jax.Array, bias: jax.Array | None) -> jax.Array:
    """Adds a bias [f], if there is one, to the last axis of y [..., f]."""
    return y if bias is None else y + lax.broadcast_in_dim(bias, y.shape, (y.ndim - 1,))
