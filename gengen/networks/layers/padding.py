"""Borders around maps: to a size that can be halved, and by reflection."""

from collections.abc import Callable

import chex
import jax
import jax.numpy as jnp
from jax import lax


def pad_to_multiple(x: jax.Array, multiple: int) -> tuple[jax.Array, Callable[[jax.Array], jax.Array]]:
    """Repeats the border of maps until their sides are multiples of a number.

    The border grows as much before as after, one pixel more after where the difference is odd. Repeating the border
    works for any size; a reflection would need maps larger than what is added.

    Args:
      x: maps [n, h, w, c].
      multiple: what height and width are to be multiples of, such as 2^k for k halvings.

    Returns:
      The larger maps [n, H, W, c], and a function that crops maps [n, H, W, C] to the place of `x`, [n, h, w, C].

    Raises:
      ValueError: `multiple` is below 1.
    """
    chex.assert_rank(x, 4)
    if multiple < 1:
        raise ValueError(f"multiple={multiple} must be at least 1")
    height, width = x.shape[1:3]
    top, left = (-height % multiple) // 2, (-width % multiple) // 2

    def crop(y: jax.Array) -> jax.Array:
        return y[:, top : top + height, left : left + width]

    x = _repeated(x, 1, top, -height % multiple - top)
    return _repeated(x, 2, left, -width % multiple - left), crop


def _repeated(x: jax.Array, axis: int, before: int, after: int) -> jax.Array:
    """As `jnp.pad` by the edge, without its parts of no pixels, of which jax2onnx 0.17.1 makes parts of one."""
    first, last = lax.slice_in_dim(x, 0, 1, axis=axis), lax.slice_in_dim(x, -1, None, axis=axis)
    return jnp.concatenate([first] * before + [x] + [last] * after, axis) if before + after else x


def reflect(x: jax.Array, size: int) -> jax.Array:
    """Pads maps by what lies inside of their border: Johnson et al. 2016, https://arxiv.org/abs/1603.08155.

    The border itself is not repeated, so a side of n pixels has n - 1 to reflect. Where more are asked for, reflections
    are reflected again, as `numpy.pad` does; a side of one pixel repeats it. No size is refused.

    Args:
      x: maps [n, h, w, c].
      size: pixels added on each of the four sides.

    Returns:
      Maps [n, h + 2 size, w + 2 size, c].
    """
    chex.assert_rank(x, 4)
    return jnp.pad(x, ((0, 0), (size, size), (size, size), (0, 0)), mode="reflect")
