"""Fourier features: Tancik et al. 2020, https://arxiv.org/abs/2006.10739.

A perceptron learns what varies slowly first; of waves in the place of coordinates it learns as soon what is small.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gengen.networks.layers.dense import Dense


class FourierFeatures(nn.Module):
    """Appends the sines and cosines of random waves to points; the waves are learnt with all else.

    Attributes:
      waves: number M of them.
      frequency: standard deviation of a wave's frequency along each axis as it starts, in periods per unit.
      dtype: to which factors of products are rounded; sums and parameters are float32.
    """

    waves: int
    frequency: float
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Returns features [B, D + 2 M], float32, of points [B, D]: x, sin 2 pi f x, cos 2 pi f x.

        Raises:
          ValueError: `waves` is below 1, or `frequency` is not positive.
        """
        if self.waves < 1:
            raise ValueError(f"waves={self.waves} must be at least 1")
        if self.frequency <= 0:
            raise ValueError(f"frequency={self.frequency} must be positive")
        spread = nn.initializers.normal(self.frequency)
        phase = 2 * np.pi * Dense(self.waves, use_bias=False, kernel_init=spread, dtype=self.dtype)(x)
        return jnp.concatenate([x.astype(jnp.float32), jnp.sin(phase), jnp.cos(phase)], -1)
