"""Layers with an equalised learning rate: Karras et al. 2018, https://arxiv.org/abs/1710.10196, section 4.1.

Kernels start from N(0, 1) and are scaled in each pass by what He et al. 2015 start them with, so that an optimizer
which moves each parameter by as much, as Adam does, moves every layer at the same speed.
"""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.layers.convolutions import convolve
from gengen.networks.layers.dense import add_bias
from gengen.networks.layers.products import product

GAIN = math.sqrt(2)
"""Of what a (leaky) ReLU follows."""


class EqualisedDense(nn.Module):
    """A linear map of the last axis.

    Attributes:
      features: numbers of the output.
      gain: of the scale, gain / sqrt(inputs).
      dtype: to which factors of products are rounded; sums and parameters are float32.
    """

    features: int
    gain: float = GAIN
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps x [n, inputs] to [n, features], float32."""
        kernel = self.param("kernel", nn.initializers.normal(1.0), (x.shape[-1], self.features), jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, (self.features,), jnp.float32)
        return add_bias(product(x, kernel * (self.gain / math.sqrt(x.shape[-1])), self.dtype), bias)


class EqualisedConv(nn.Module):
    """A convolution that leaves height and width as they are.

    Attributes:
      features: channels of the output.
      size: height and width of the kernel, an odd number.
      gain, dtype: as in `EqualisedDense`; the scale is gain / sqrt(size^2 channels), and maps have the dtype, too.
    """

    features: int
    size: int = 3
    gain: float = GAIN
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Convolves maps [n, h, w, c] to [n, h, w, features]."""
        shape, side = (self.size, self.size, x.shape[-1], self.features), (self.size // 2, self.size // 2)
        kernel = self.param("kernel", nn.initializers.normal(1.0), shape, jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, (self.features,), jnp.float32)
        scaled = kernel * (self.gain / math.sqrt(math.prod(shape[:3])))
        return add_bias(convolve(x, scaled, (1, 1), (side, side), self.dtype), bias).astype(self.dtype)


def pixel_norm(x: jax.Array) -> jax.Array:
    """x [..., c] divided by the root of the mean square of its channels: Karras et al. 2018, section 4.2."""
    wide = x.astype(jnp.float32)
    return (wide * jax.lax.rsqrt(jnp.square(wide).mean(-1, keepdims=True) + 1e-8)).astype(x.dtype)
