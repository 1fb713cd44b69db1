"""Group normalisation in one reading of its input, with what an embedding says of each channel put into it."""

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jax.typing import DTypeLike


class Film(NamedTuple):
    """What is said of each channel of each example: Perez et al. 2018, https://arxiv.org/abs/1709.07871, eq. 2.

    Attributes:
      scale: what 1 is added to and multiplies [n, c].
      shift: what is added then [n, c].
    """

    scale: jax.Array
    shift: jax.Array


def group_count(channels: int, most: int) -> int:
    """The largest number of groups, up to `most`, into which channels fall."""
    return max(groups for groups in range(1, max(most, 1) + 1) if channels % groups == 0)


class GroupNorm(nn.Module):
    """Group normalisation: Wu and He 2018, https://arxiv.org/abs/1803.08494, eq. 1, 2 and 7.

    Parameters and results of `flax.linen.GroupNorm`. The channels of each group of each example get mean 0 and variance
    1 over all places, so no example depends on another. All that is linear afterwards, scale, bias and `Film`, becomes
    one factor and one summand a channel, so that x is read twice and never copied.

    Attributes:
      groups: into which channels fall, in their order.
      epsilon: added to the variance.
      dtype: dtype of the result; statistics and parameters are float32. None: that of x.
    """

    groups: int = 8
    epsilon: float = 1e-6
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(self, x: jax.Array, film: Film | None = None) -> jax.Array:
        """Normalises x [n, ..., c].

        Args:
          x: maps or rows.
          film: what follows the scale and the bias: y (1 + scale) + shift.

        Returns:
          Array of x's shape.

        Raises:
          ValueError: the channels do not fall into the groups.
        """
        channels = x.shape[-1]
        if self.groups < 1 or channels % self.groups:
            raise ValueError(f"{channels} channels do not fall into groups={self.groups}")
        scale = self.param("scale", nn.initializers.ones_init(), (channels,), jnp.float32)
        bias = self.param("bias", nn.initializers.zeros_init(), (channels,), jnp.float32)
        dtype = x.dtype if self.dtype is None else self.dtype
        x = x.astype(jnp.float32)
        mean, deviation = _statistics(x, self.groups, self.epsilon)
        scale, bias = (lax.broadcast_in_dim(value, mean.shape, (1,)) for value in (scale, bias))
        if film is not None:
            chex.assert_shape(film, mean.shape)
            scale, bias = scale * (1 + film.scale), bias * (1 + film.scale) + film.shift
        factor = scale / deviation

        def spread(value: jax.Array) -> jax.Array:
            return lax.broadcast_in_dim(value, x.shape, (0, x.ndim - 1))

        return (x * spread(factor) + spread(bias - mean * factor)).astype(dtype)


def _statistics(x: jax.Array, groups: int, epsilon: float) -> tuple[jax.Array, jax.Array]:
    """Mean and standard deviation [n, c] of the group of each channel of x [n, ..., c]."""
    n, channels = x.shape[0], x.shape[-1]
    flat = x.reshape(n, -1, channels)
    moments = jnp.stack([flat.mean(1), jnp.square(flat).mean(1)])
    moments = moments.reshape(2, n, groups, channels // groups).mean(3, keepdims=True)
    mean, square = jnp.broadcast_to(moments, (2, n, groups, channels // groups)).reshape(2, n, channels)
    variance = jnp.maximum(square - jnp.square(mean), 0.0)  # rounding must not make a variance negative
    return mean, jnp.sqrt(variance + epsilon)
