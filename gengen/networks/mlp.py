"""Multilayer perceptrons: the generator and critic of the widely used GAN tutorial scripts."""

import math
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.layers.norm import BatchNorm

KERNEL_INIT = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")
"""Uniform in +-1/sqrt(fan_in): LeCun et al. 1998, "Efficient BackProp", and the default of those scripts."""


def check_widths(widths: Sequence[int]) -> None:
    """Refuses hidden layers without units.

    Raises:
      ValueError: a width is below 1.
    """
    if any(width < 1 for width in widths):
        raise ValueError(f"widths={tuple(widths)} must all be at least 1")


class Generator(nn.Module):
    """Maps latents to images through ever wider layers; batch normalisation follows each but the first.

    Attributes:
      shape: height, width and channels of an image.
      widths: units of the hidden layers.
      dtype: dtype of the computation; parameters are float32.
    """

    shape: tuple[int, int, int]
    widths: Sequence[int] = (128, 256, 512, 1024)
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, latent: jax.Array, train: bool) -> jax.Array:
        """Returns images [B, H, W, C] in [-1, 1], float32, for latents [B, L]."""
        check_widths(self.widths)
        x = latent.astype(self.dtype)
        for place, width in enumerate(self.widths):
            x = nn.Dense(width, kernel_init=KERNEL_INIT, dtype=self.dtype)(x)
            if place > 0:
                x = BatchNorm(momentum=0.9, dtype=self.dtype)(x, train)
            x = nn.leaky_relu(x, 0.2)
        x = nn.Dense(math.prod(self.shape), kernel_init=KERNEL_INIT, dtype=self.dtype)(x)
        return jnp.tanh(x.astype(jnp.float32)).reshape(-1, *self.shape)


class Critic(nn.Module):
    """Maps images to one number each through ever narrower layers, without normalisation.

    Attributes:
      widths: units of the hidden layers.
      dtype: dtype of the computation; parameters are float32.
    """

    widths: Sequence[int] = (512, 256)
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array, train: bool) -> jax.Array:
        """Returns logits [B], float32, for images [B, H, W, C] in [-1, 1]."""
        del train  # nothing in here behaves differently
        check_widths(self.widths)
        x = image.reshape(image.shape[0], -1).astype(self.dtype)
        for width in self.widths:
            x = nn.leaky_relu(nn.Dense(width, kernel_init=KERNEL_INIT, dtype=self.dtype)(x), 0.2)
        logit = nn.Dense(1, kernel_init=KERNEL_INIT, dtype=self.dtype)(x)
        return logit[:, 0].astype(jnp.float32)
