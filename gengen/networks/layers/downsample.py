"""Halving the height and width of an image, one choice of three: a convolution in steps of 2, or one and a pooling."""

from collections.abc import Callable, Mapping
from typing import Annotated

import chex
import jax

from gengen.values import OneOf


def max_pooled(x: jax.Array) -> jax.Array:
    """The largest of each 2 x 2 pixels of x [n, 2h, 2w, c]; returns [n, h, w, c]."""
    return _blocks(x).max((2, 4))


def average_pooled(x: jax.Array) -> jax.Array:
    """The mean of each 2 x 2 pixels of x [n, 2h, 2w, c]; returns [n, h, w, c]."""
    return _blocks(x).mean((2, 4))


POOLS: Mapping[str, Callable[[jax.Array], jax.Array]] = {"max_pooled": max_pooled, "average_pooled": average_pooled}
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
