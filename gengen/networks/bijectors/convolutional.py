"""Convolutional networks that say how a layer of a flow moves the numbers of a map; at first nothing moves."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from gengen.networks.bijectors.squeeze import squeezed_to
from gengen.networks.layers.activations import activation_of
from gengen.networks.layers.conv import Conv, ConvTranspose
from gengen.networks.layers.dense import Dense
from gengen.networks.residual import ResidualBlocks


class Convolutions(nn.Module):
    """Parameters of every number of a map, by convolutions of 3 x 3, 1 x 1 and 3 x 3.

    Kingma and Dhariwal 2018, https://arxiv.org/abs/1807.03039, section 3.3. A vector that it is told moves the biases
    of both hidden layers, a map is another of its inputs.

    Attributes:
      width: channels of the hidden layers.
      numbers: parameters P of each number.
      activation: what follows each hidden layer.
      dtype: of hidden maps, and to which factors of products are rounded; parameters and sums are float32.
    """

    width: int
    numbers: int
    activation: str = "relu"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, context: jax.Array | None) -> jax.Array:
        """Returns parameters [B, H, W, C, P] for x [B, H, W, C] and a context [B, K], or [B, n H, n W, K]."""
        bend, told = activation_of(self.activation), None if context is None or context.ndim == 4 else context
        seen = Conv(self.width, (3, 3), dtype=self.dtype)(_beside(x, context))
        seen = bend(_biased(seen, told, self.dtype))
        seen = Conv(self.width, (1, 1), dtype=self.dtype)(seen)
        return _parameters(bend(_biased(seen, told, self.dtype)), x.shape, self.numbers, self.dtype)


class Residual(nn.Module):
    """Parameters of every number of a map, by a convolution of 3 x 3, residual blocks and another one.

    Dinh et al. 2017, https://arxiv.org/abs/1605.08803, section 4.1. What it is told comes in as in `Convolutions`.

    Attributes:
      width: channels of all hidden layers.
      numbers: parameters P of each number.
      blocks: residual blocks.
      dtype: as in `Convolutions`.
    """

    width: int
    numbers: int
    blocks: int = 2
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, context: jax.Array | None) -> jax.Array:
        """As in `Convolutions`."""
        told = None if context is None or context.ndim == 4 else context
        seen = Conv(self.width, (3, 3), dtype=self.dtype)(_beside(x, context))
        seen = ResidualBlocks(self.blocks, self.width, dtype=self.dtype)(_biased(seen, told, self.dtype))
        return _parameters(seen, x.shape, self.numbers, self.dtype)


def _beside(x: jax.Array, context: jax.Array | None) -> jax.Array:
    """The channels of a map and, behind them, of a context that is one, too."""
    if context is None or context.ndim != 4:
        return x
    beside = squeezed_to(context, (x.shape[1], x.shape[2]))
    return jnp.concatenate([x, beside.astype(x.dtype)], -1)


def _biased(features: jax.Array, context: jax.Array | None, dtype: Any) -> jax.Array:
    """Features [B, H, W, F] and a bias for each channel, which follows from a context [B, K]; a part of the caller."""
    if context is None:
        return features
    bias = Dense(features.shape[-1], use_bias=False, dtype=dtype)(context)
    return features + bias[:, None, None].astype(features.dtype)


def _parameters(features: jax.Array, shape: tuple[int, ...], numbers: int, dtype: Any) -> jax.Array:
    """The last convolution, to [*shape, numbers]; a part of the caller.

    One in steps of 1 is its own transpose but for the order of its kernel. As a transposed one it is computed from the
    side of its few outputs: windows of all features would be many times as large.
    """
    made = ConvTranspose(shape[-1] * numbers, (3, 3), kernel_init=nn.initializers.zeros_init(), dtype=dtype)(features)
    return made.astype(jnp.float32).reshape(*shape, numbers)
