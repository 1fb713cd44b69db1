"""Halving the height and width of an image, one choice of four: a convolution in steps of 2, or one and a pooling."""

from collections.abc import Callable, Mapping
from typing import Annotated

import chex
import jax
import jax.numpy as jnp

from gengen.values import OneOf


def max_pooled(x: jax.Array) -> jax.Array:
    """The largest of each 2 x 2 pixels of x [n, 2h, 2w, c]; returns [n, h, w, c]."""
    return _blocks(x).max((2, 4))


def average_pooled(x: jax.Array) -> jax.Array:
    """The mean of each 2 x 2 pixels of x [n, 2h, 2w, c]; returns [n, h, w, c]."""
    return _blocks(x).mean((2, 4))


def bilinear_pooled(x: jax.Array) -> jax.Array:
    """Means of 4 x 4 pixels of x [n, 2h, 2w, c] in steps of 2, of weights (1, 3, 3, 1) / 8; returns [n, h, w, c].

    The border is repeated. It is the adjoint of `upsample.bilinear`, divided by 4.
    """
    chex.assert_rank(x, 4)
    for axis in (1, 2):
        pairs = x.reshape(*x.shape[:axis], x.shape[axis] // 2, 2, *x.shape[axis + 1 :])
        left, right = (part.squeeze(axis + 1) for part in jnp.split(pairs, 2, axis + 1))
        (first, others), (most, last) = jnp.split(left, [1], axis), jnp.split(right, [right.shape[axis] - 1], axis)
        before, after = jnp.concatenate([first, most], axis), jnp.concatenate([others, last], axis)
        x = 0.375 * (left + right) + 0.125 * (before + after)
    return x


POOLS: Mapping[str, Callable[[jax.Array], jax.Array]] = {
    "max_pooled": max_pooled,
    "average_pooled": average_pooled,
    "bilinear_pooled": bilinear_pooled,
}
"""Choices that follow a convolution which leaves a map as large as it is, and its activation."""

METHODS = ("strided", *POOLS)
"""Every way to halve a map; "strided" is the convolution's own, in steps of 2."""

Downsampling = Annotated[str, OneOf(METHODS)]


def check_downsample(method: str) -> None:
    """Refuses names that no way to halve a map has.

    Raises:
      ValueError: the name is unknown; the sentence has the list.
    """
    if method not in METHODS:
        raise ValueError(f"downsample={method!r} must be one of {', '.join(METHODS)}")


def _blocks(x: jax.Array) -> jax.Array:
    """Rows and columns by twos [n, h, 2, w, 2, c]."""
    chex.assert_rank(x, 4)
    n, height, width, c = x.shape
    return x.reshape(n, height // 2, 2, width // 2, 2, c)
