"""Layers with an equalised learning rate: Karras et al. 2018, https://arxiv.org/abs/1710.10196, section 4.1.

Kernels start from N(0, 1) and are scaled in each pass by what He et al. 2015 start them with, so that an optimizer
which moves each parameter by as much, as Adam does, moves every layer at the same speed. Modulated ones are scaled for
each example, too: Karras et al. 2020, https://arxiv.org/abs/1912.04958, section 2.2.
"""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.layers.blur import blurred
from gengen.networks.layers.convolutions import convolve, convolve_transposed
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
      rate: how fast it learns beside other layers, for optimizers that move each parameter by as much.
      start: the bias at first.
    """

    features: int
    gain: float = GAIN
    dtype: Any = jnp.float32
    rate: float = 1.0
    start: float = 0.0

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps x [n, inputs] to [n, features], float32."""
        first = nn.initializers.normal(1 / self.rate)
        kernel = self.param("kernel", first, (x.shape[-1], self.features), jnp.float32)
        bias = self.param("bias", nn.initializers.constant(self.start / self.rate), (self.features,), jnp.float32)
        scale = self.rate * self.gain / math.sqrt(x.shape[-1])
        return add_bias(product(x, kernel * scale, self.dtype), bias * self.rate)


class EqualisedConv(nn.Module):
    """A convolution that leaves height and width as they are, or halves them.

    Attributes:
      features: channels of the output.
      size: height and width of the kernel, an odd number.
      gain, dtype: as in `EqualisedDense`; the scale is gain / sqrt(size^2 channels), and maps have the dtype, too.
      halves: whether the map is blurred before, and every second pixel of the convolution is left out.
      use_bias: whether to add a bias.
    """

    features: int
    size: int = 3
    gain: float = GAIN
    dtype: Any = jnp.float32
    halves: bool = False
    use_bias: bool = True

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Convolves maps [n, h, w, c] to [n, h, w, features], or to [n, h / 2, w / 2, features]."""
        scaled = _scaled_kernel(self, (self.size, self.size, x.shape[-1], self.features), self.gain)
        bias = self.param("bias", nn.initializers.zeros, (self.features,), jnp.float32) if self.use_bias else None
        side, stride = self.size // 2, 1
        if self.halves:
            x, side, stride = blurred(x, side + 1, side + 1), 0, 2
        convolved = convolve(x, scaled, (stride, stride), ((side, side), (side, side)), self.dtype)
        return add_bias(convolved, bias).astype(self.dtype)


class ModulatedConv(nn.Module):
    """A convolution by a kernel whose input channels a style scales, and whose output channels have a norm of 1 then.

    To scale the maps before and after is the same as to scale the kernel, and takes one kernel for all examples: with
    styles s and the kernel w, y_o = (w_o * (s x)) / sqrt(sum of (s_i w_kio)^2 over i and k), eq. 1 and 3 of Karras et
    al. 2020.

    Attributes:
      features, size, dtype: as in `EqualisedConv`.
      gain: as there, without demodulation; with it, the kernel's scale has no effect.
      demodulates: whether output channels get a norm of 1.
      doubles: whether height and width are doubled, by a transposed convolution that is blurred after.
    """

    features: int
    size: int = 3
    gain: float = 1.0
    dtype: Any = jnp.float32
    demodulates: bool = True
    doubles: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, style: jax.Array) -> jax.Array:
        """Convolves maps [n, h, w, c] by styles [n, c] to [n, h, w, features], or to [n, 2h, 2w, features]."""
        kernel = _scaled_kernel(self, (self.size, self.size, x.shape[-1], self.features), self.gain)
        x = x * style[:, None, None].astype(x.dtype)
        side = self.size // 2
        if self.doubles:  # a kernel of 3 sees a quarter of the pixels: the others are 0 before the blur
            whole = (self.size - 1, self.size - 1)
            y = convolve_transposed(x, kernel, (2, 2), (whole, whole), self.dtype)
            y = 4 * blurred(y.astype(self.dtype), 2 - side, 2 - side)
        else:
            y = convolve(x, kernel, (1, 1), ((side, side), (side, side)), self.dtype)
        if self.demodulates:
            squares = jnp.square(style) @ jnp.square(kernel).sum((0, 1))
            y = y * jax.lax.rsqrt(squares + 1e-8)[:, None, None].astype(y.dtype)
        return y.astype(self.dtype)


def _scaled_kernel(layer: nn.Module, shape: tuple[int, int, int, int], gain: float) -> jax.Array:
    """The kernel of a layer, of N(0, 1) at first, with its scale; to be called in a compact method."""
    kernel: jax.Array = layer.param("kernel", nn.initializers.normal(1.0), shape, jnp.float32)
    return kernel * (gain / math.sqrt(math.prod(shape[:3])))


def pixel_norm(x: jax.Array) -> jax.Array:
    """x [..., c] divided by the root of the mean square of its channels: Karras et al. 2018, section 4.2."""
    wide = x.astype(jnp.float32)
    return (wide * jax.lax.rsqrt(jnp.square(wide).mean(-1, keepdims=True) + 1e-8)).astype(x.dtype)
