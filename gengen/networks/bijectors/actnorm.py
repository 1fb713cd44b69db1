"""Activation normalisation: a scale and a shift of each channel, which begin from the first batch of training data.

Kingma and Dhariwal 2018, https://arxiv.org/abs/1807.03039, section 3.1.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.bijectors.bijector import Bijector, Mapped

SMALLEST = 1e-6
"""Added to the standard deviation of a channel, which the first batch may not move at all."""

BORDER = 0.1
"""The same for pixels, each with a scale of its own."""


class ActNorm(Bijector):
    """z = (x + shift) exp(log_scale), by channel; after it the first batch has mean 0 and variance 1.

    The first batch is the one that `init` is given, whose numbers become parameters there and then: nothing that runs
    later, a sample drawn before the first step among it, can use up the start.

    Attributes:
      least: added to the standard deviations; where a channel may hardly move in one batch, and more in others, such as
        a pixel at the border, its scale must not begin as large as 1 over what it moved.
    """

    least: float = SMALLEST

    @nn.compact
    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        del context
        axes = tuple(range(x.ndim - 1))
        shift: jax.Array = self.param("shift", _negative_mean, x, axes)
        log_scale: jax.Array = self.param("log_scale", _negative_log_deviation, x, axes, self.least)
        return (x + _along(shift, x)) * jnp.exp(_along(log_scale, x)), self._log_det(x, log_scale)

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        del context
        shift: jax.Array = self.get_variable("params", "shift")
        log_scale: jax.Array = self.get_variable("params", "log_scale")
        return z * jnp.exp(-_along(log_scale, z)) - _along(shift, z), -self._log_det(z, log_scale)

    def _log_det(self, x: jax.Array, log_scale: jax.Array) -> jax.Array:
        return jnp.broadcast_to(log_scale.sum() * math.prod(x.shape[1:-1]), (len(x),))


def _negative_mean(key: jax.Array, x: jax.Array, axes: tuple[int, ...]) -> jax.Array:
    del key
    return -x.mean(axes)


def _negative_log_deviation(key: jax.Array, x: jax.Array, axes: tuple[int, ...], least: float) -> jax.Array:
    del key
    return -jnp.log(x.std(axes) + least)


def _along(channels: jax.Array, x: jax.Array) -> jax.Array:
    return channels.reshape((1,) * (x.ndim - 1) + (-1,))
