"""Squares of pixels that become one pixel of more channels, and back."""

import chex
import jax


def to_squares(x: jax.Array, side: int) -> jax.Array:
    """Lays the pixels of each square of x [n, h, w, c] behind each other: [n, h / side, w / side, side * side * c].

    Raises:
      ValueError: the height or the width is no multiple of the side.
    """
    chex.assert_rank(x, 4)
    n, high, wide, channels = x.shape
    if high % side or wide % side:
        raise ValueError(f"a map of {high} x {wide} has no whole squares of {side} x {side}")
    if side == 1:
        return x
    split = x.reshape(n, high // side, side, wide // side, side, channels).transpose(0, 1, 3, 2, 4, 5)
    return split.reshape(n, high // side, wide // side, side * side * channels)


def from_squares(x: jax.Array, side: int) -> jax.Array:
    """The inverse of `to_squares`: [n, h, w, side * side * c] becomes [n, h * side, w * side, c]."""
    chex.assert_rank(x, 4)
    n, high, wide, numbers = x.shape
    if side == 1:
        return x
    split = x.reshape(n, high, wide, side, side, numbers // side**2).transpose(0, 1, 3, 2, 4, 5)
    return split.reshape(n, high * side, wide * side, numbers // side**2)
