"""Squeezing: each block of 2 x 2 pixels becomes one of four times the channels.

Dinh et al. 2017, https://arxiv.org/abs/1605.08803, section 3.6.
"""

import jax
import jax.numpy as jnp

from gengen.networks.bijectors.bijector import Bijector, Mapped
from gengen.networks.layers.upsample import depth_to_space

Map = tuple[int, int, int]
"""Height, width and channels of a picture."""


class Squeeze(Bijector):
    """[B, H, W, C] -> [B, H / 2, W / 2, 4 C]; no number changes."""

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`.

        Raises:
          ValueError: the height or the width is odd.
        """
        del context
        return space_to_depth(x), jnp.zeros(len(x))

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        del context
        return depth_to_space(z), jnp.zeros(len(z))


def space_to_depth(x: jax.Array) -> jax.Array:
    """[B, H, W, C] -> [B, H / 2, W / 2, 4 C]: of a block, the upper left pixel is first and the lower right one last.

    The inverse of `gengen.networks.layers.upsample.depth_to_space`.

    Raises:
      ValueError: the height or the width is odd.
    """
    n, high, wide, channels = x.shape
    if high % 2 or wide % 2:
        raise ValueError(f"a map of {high} x {wide} has no blocks of 2 x 2")
    blocks = x.reshape(n, high // 2, 2, wide // 2, 2, channels).transpose(0, 1, 3, 2, 4, 5)
    return blocks.reshape(n, high // 2, wide // 2, 4 * channels)


def squeezed_to(context: jax.Array, size: tuple[int, int]) -> jax.Array:
    """A map [B, H, W, C], squeezed until its height and width are `size`.

    Raises:
      ValueError: they never are.
    """
    given = context.shape[1:3]
    while context.shape[1:3] != size and not (context.shape[1] % 2 or context.shape[2] % 2):
        context = space_to_depth(context)
    if context.shape[1:3] != size:
        raise ValueError(f"a context of {given[0]} x {given[1]} cannot be squeezed to {size[0]} x {size[1]}")
    return context


def squeezes(height: int, width: int) -> int:
    """How often such a picture can be squeezed."""
    return min((side & -side).bit_length() - 1 for side in (height, width))


def check_levels(shape: Map, levels: int) -> None:
    """Refuses pictures that cannot be squeezed once for each level.

    Raises:
      ValueError: they cannot; the sentence says how often they can, and which size near theirs could.
    """
    height, width = shape[:2]
    if levels > (times := squeezes(height, width)):
        near = [max(round(side / 2**levels), 1) * 2**levels for side in (height, width)]
        fewer = f"choose levels of at most {times}, or " if times else ""
        raise ValueError(
            f"levels={levels}: {height} x {width} pixels can be squeezed {times} times; {fewer}choose a height and a "
            f"width that are multiples of {2**levels}, such as {near[0]} x {near[1]}"
        )
