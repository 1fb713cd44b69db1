"""Coupling: some numbers stay as they are, and say how the others move.

Dinh et al. 2017, https://arxiv.org/abs/1605.08803, section 3.2.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gengen.networks.bijectors.bijector import Bijector, Mapped, summed
from gengen.networks.bijectors.monotone import Moved, Transform, additive, affine
from gengen.networks.bijectors.spline import rational_quadratic
from gengen.networks.bijectors.squeeze import space_to_depth
from gengen.networks.layers.upsample import depth_to_space
from gengen.values import OneOf

TRANSFORMS: Mapping[str, Callable[[], Transform]] = {
    "affine": affine,
    "additive": additive,
    "spline": partial(rational_quadratic, bins=8, bound=4.0, least=1e-4),
}
"""How couplings may move single numbers."""

TransformName = Annotated[str, OneOf(tuple(TRANSFORMS))]


class Coupling(Bijector):
    """What the mask holds stays; every other number is moved by a transform whose parameters follow from what stays.

    Attributes:
      mask: of what stays, bool [*shape], as nested tuples, which linen can hash.
      conditioner: `(what stays, 0 elsewhere [B, *shape], context) -> parameters [B, *shape, transform.numbers]`.
      transform: of single numbers.
    """

    mask: tuple[object, ...]
    conditioner: nn.Module
    transform: Transform

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        return self._moved(self.transform.forward, x, context)

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        return self._moved(self.transform.inverse, z, context)

    def _moved(self, move: Callable[[jax.Array, jax.Array], Moved], x: jax.Array, context: jax.Array | None) -> Mapped:
        stays = jnp.broadcast_to(jnp.asarray(np.array(self.mask))[None], x.shape)
        moved, slope = move(self.conditioner(jnp.where(stays, x, 0), context), x)
        return jnp.where(stays, x, moved), summed(jnp.where(stays, 0, slope))


class Halves(Bijector):
    """One half of a map stays as it is and says how the other half moves; nothing is computed that a mask would hide.

    Attributes:
      conditioner: `(half [B, *half], context) -> parameters [B, *half, transform.numbers]`.
      transform: of single numbers.
      second: whether the second half stays, and not the first.
      squares: whether halves are the black and the white pixels of a board, each as a map [B, H / 2, W / 2, 2 C], and
        not the first and the second half of the channels, each [B, H, W, C / 2].
    """

    conditioner: nn.Module
    transform: Transform
    second: bool = False
    squares: bool = False

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        return self._moved(self.transform.forward, x, context)

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        return self._moved(self.transform.inverse, z, context)

    def _moved(self, move: Callable[[jax.Array, jax.Array], Moved], x: jax.Array, context: jax.Array | None) -> Mapped:
        first, second = _colours(x) if self.squares else jnp.split(x, 2, -1)
        stays, moves = (second, first) if self.second else (first, second)
        moved, slope = move(self.conditioner(stays, context), moves)
        pair = (moved, stays) if self.second else (stays, moved)
        return _board(*pair) if self.squares else jnp.concatenate(pair, -1), summed(slope)


def _colours(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The black and the white pixels of a board [B, H, W, C], each [B, H / 2, W / 2, 2 C]."""
    upper_left, upper_right, lower_left, lower_right = jnp.split(space_to_depth(x), 4, -1)
    return jnp.concatenate([upper_left, lower_right], -1), jnp.concatenate([upper_right, lower_left], -1)


def _board(black: jax.Array, white: jax.Array) -> jax.Array:
    """The inverse of `_colours`."""
    (upper_left, lower_right), (upper_right, lower_left) = jnp.split(black, 2, -1), jnp.split(white, 2, -1)
    return depth_to_space(jnp.concatenate([upper_left, upper_right, lower_left, lower_right], -1))


def checkerboard(height: int, width: int, odd: bool) -> tuple[object, ...]:
    """The mask of the black squares of a board, for all channels, or of the white ones."""
    return tuple(tuple(((row + column + odd) % 2 == 0,) for column in range(width)) for row in range(height))


def alternating(size: int, odd: bool) -> tuple[object, ...]:
    """The mask of every second number of a row, from the first or the second on."""
    return tuple(bool((place + odd) % 2 == 0) for place in range(size))
