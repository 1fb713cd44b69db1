"""Several scales: at each of them half of the numbers are done, and the other half goes on to a coarser one.

Dinh et al. 2017, https://arxiv.org/abs/1605.08803, section 3.6.
"""

import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from gengen.networks.bijectors.bijector import Bijector, Chain, Mapped
from gengen.networks.bijectors.squeeze import Map


class Flat(Bijector):
    """[B, *shape] -> [B, D].

    Attributes:
      shape: of an example.
    """

    shape: tuple[int, ...]

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        del context
        return x.reshape(len(x), -1), jnp.zeros(len(x))

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        del context
        return z.reshape(len(z), *self.shape), jnp.zeros(len(z))


class Split(Bijector):
    """The second half of the channels are latents, the first half goes on: [B, H, W, C] -> [B, D].

    Latents that leave are first in the vector. That they are normal given those which stay is for a coupling before.

    Attributes:
      shape: H, W and C of what comes in; C is even.
      rest: of what goes on, [B, H, W, C / 2] -> [B, D / 2].
    """

    shape: Map
    rest: Bijector

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        stays, leaves = jnp.split(x, 2, -1)
        z, log_det = self.rest.encode(stays, context)
        return jnp.concatenate([leaves.reshape(len(x), -1), z], -1), log_det

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        leaves, others = jnp.split(z, [math.prod(self.shape) // 2], -1)
        stays, log_det = self.rest.decode(others, context)
        leaves = leaves.reshape(stays.shape)
        return jnp.concatenate([stays, leaves], -1), log_det


Level = Callable[[Map, bool], tuple[Sequence[Bijector], Map]]
"""`(shape of what comes in, whether this is the last one) -> its layers, and the shape of what comes out`."""


def multiscale(shape: Map, levels: int, level: Level) -> Chain:
    """A flow of pictures [B, *shape] to latents [B, D], from the finest scale to the coarsest.

    Args:
      shape: height, width and channels of a picture.
      levels: how many scales.
      level: makes the layers of each.
    """
    layers, (high, wide, channels) = level(shape, levels == 1)
    made = high, wide, channels
    if levels == 1:
        return Chain([*layers, Flat(made)])
    return Chain([*layers, Split(made, multiscale((high, wide, channels // 2), levels - 1, level))])
