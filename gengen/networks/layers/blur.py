"""A small low-pass filter, which stands before every halving and after every doubling of a map.

Zhang 2019, https://arxiv.org/abs/1904.11486, and Karras et al. 2020, https://arxiv.org/abs/1912.04958, appendix B.
"""

import jax
from jax import lax

TAPS = (0.125, 0.375, 0.375, 0.125)
"""Weights along an axis, which add up to 1 and are the same from both sides."""


def blurred(x: jax.Array, before: int, after: int) -> jax.Array:
    """Means of 4 x 4 pixels of x [n, h, w, c], weighed by (1, 3, 3, 1) / 8 along both axes.

    Args:
      x: maps [n, h, w, c].
      before: zeros that are put before both axes.
      after: zeros that are put behind them.

    Returns:
      [n, h + before + after - 3, w + before + after - 3, c].
    """
    for axis in (1, 2):
        pads = [(before, after, 0) if axis == other else (0, 0, 0) for other in range(4)]
        padded = lax.pad(x, x.dtype.type(0), pads)
        length = padded.shape[axis] - len(TAPS) + 1
        parts = [lax.slice_in_dim(padded, place, place + length, axis=axis) for place in range(len(TAPS))]
        x = TAPS[0] * (parts[0] + parts[3]) + TAPS[1] * (parts[1] + parts[2])
    return x
