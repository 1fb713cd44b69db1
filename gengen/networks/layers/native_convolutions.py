"""Convolutions and their derivatives as JAX's own: what runs on other platforms than CPU, and what is exported."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from gengen.networks.layers.bilinear import sums_of
from gengen.networks.layers.windows import Pads, Pair

AXES = ("NHWC", "HWIO", "NHWC")
"""Of images, kernels and what is made of them."""


def native_convolution(
    a: jax.Array,
    b: jax.Array,
    *,
    of: str,
    strides: Pair,
    pads: Pads,
    image: Pair,
    window: Pair,
    groups: int,
    dtype: Any,
) -> jax.Array:
    """One of the three maps of `convolutions`, as a convolution of JAX's or its transpose.

    Args:
      a: images, or what a convolution made of them.
      b: the kernel; for that of a kernel what a convolution made of the images.
      of: what is computed: the "output", the "image" or the "kernel".
      strides, pads, image, window, groups, dtype: as in `convolutions.convolve`.
    """

    def convolution(x: jax.Array, kernel: jax.Array) -> jax.Array:
        return lax.conv_general_dilated(x, kernel, strides, pads, dimension_numbers=AXES, feature_group_count=groups)

    a, b = a.astype(dtype), b.astype(dtype)
    if of == "output":
        made = convolution(a, b)
    elif of == "image":
        x = jax.ShapeDtypeStruct((a.shape[0], *image, b.shape[2] * groups), dtype)
        (made,) = jax.linear_transpose(lambda x: convolution(x, b), x)(a)
    else:
        kernel = jax.ShapeDtypeStruct((*window, a.shape[3] // groups, b.shape[3]), dtype)
        (made,) = jax.linear_transpose(lambda kernel: convolution(a, kernel), kernel)(b)
    out: jax.Array = made.astype(sums_of(dtype))
    return out


def exported_convolution(a: jax.Array, b: jax.Array, *, of: str, groups: int, dtype: Any, **settings: Any) -> jax.Array:
    """As `native_convolution`, but the image is a convolution of plain layout: converters know no turned kernels."""
    if of != "image" or groups > 1:
        return native_convolution(a, b, of=of, groups=groups, dtype=dtype, **settings)
    window, strides = settings["window"], settings["strides"]
    kernel, pads = jnp.flip(b, (0, 1)).transpose(0, 1, 3, 2), []
    sizes = zip(settings["image"], a.shape[1:3], window, strides, settings["pads"], strict=True)
    for size, small, k, stride, (before, _) in sizes:
        low, dilated = k - 1 - before, (small - 1) * stride + 1
        pads.append((low, size + k - 1 - dilated - low))
    a, kernel = a.astype(dtype), kernel.astype(dtype)
    made = lax.conv_general_dilated(a, kernel, (1, 1), pads, lhs_dilation=strides, dimension_numbers=AXES)
    out: jax.Array = made.astype(sums_of(dtype))
    return out
