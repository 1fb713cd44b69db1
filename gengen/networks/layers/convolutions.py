"""Convolutions and their derivatives: on CPU as matrix products, elsewhere as the platform's own.

The sum of a convolution's output times g is linear in the image, in the kernel and in g. Its derivative with respect to
each of the three is bilinear in the other two: the kernel's gradient, the image that a transposed convolution makes,
and the convolution itself. Derivatives of these are these again.

On XLA's CPU backend, those of float32 in steps of 1 are the platform's own convolutions of plain layout, two to six
times as fast as products of windows. The others are the sum of windows times rows of the kernel; the image is made of
products whose columns are added where the windows came from; the kernel's gradient is the product of windows and g, or
of shifted rows. What JAX makes of a native convolution's gradients falls to a naive loop inside `scan`, `while` and
`cond` there (up to 70 times slower), that of a strided transposed convolution is slow anywhere, and none of them uses
the chip's units for bfloat16. Mapped by `vmap` over kernels, all are products.

A convolution of groups is a loop over them and over parts of the images: on two cores the native one takes 14 to 36
times as long with its gradients, products over a batch of groups up to three times, one loop without parts up to three.
"""

from functools import partial
from math import prod
from typing import Any

import chex
import jax
import jax.numpy as jnp
from jax import lax

from gengen.networks.layers.bilinear import Map, bilinear, sums_of
from gengen.networks.layers.native_convolutions import AXES, exported_convolution, native_convolution
from gengen.networks.layers.products import product
from gengen.networks.layers.windows import Pads, Pair, are_large, output_size, windows

CACHED = 6 << 20
"""Bytes of the windows of one group above which its images are taken in parts, because caches hold no more."""

LARGER = 1.4
"""How much larger than its output a padded map may be, for the kernel's gradient to be taken on it all."""

NARROWEST = 8
"""The fewest channels for that."""


def convolve(x: jax.Array, kernel: jax.Array, strides: Pair, pads: Pads, dtype: Any, *, groups: int = 1) -> jax.Array:
    """Convolves as `lax.conv_general_dilated` does.

    Args:
      x: images [n, h, w, c].
      kernel: [kh, kw, c / groups, f].
      strides: steps of the window in height and width.
      pads: zeros (before, after) in height and width; negative ones crop.
      dtype: to which the numbers that are multiplied are rounded, also in derivatives.
      groups: into which both channels and features fall, in their order; features see the channels of their own.

    Returns:
      [n, h', w', f], summed in float32 or wider.

    Raises:
      AssertionError: the arrays have not four axes, or not as many channels.
      ValueError: the kernel is larger than the padded image, or channels or features are no multiples of `groups`.
    """
    chex.assert_rank((x, kernel), 4)
    if groups < 1 or x.shape[3] % groups or kernel.shape[3] % groups:
        raise ValueError(f"{x.shape[3]} channels and {kernel.shape[3]} features do not fall into groups={groups}")
    chex.assert_axis_dimension(kernel, 2, x.shape[3] // groups)
    output_size(x.shape[1:3], kernel.shape[:2], strides, pads)
    sizes = {"image": x.shape[1:3], "window": kernel.shape[:2]}
    settings = {"strides": strides, "pads": pads, **sizes, "groups": groups, "dtype": jnp.dtype(dtype)}
    return _convolution(x, kernel, of="output", **settings)


def convolve_transposed(x: jax.Array, kernel: jax.Array, strides: Pair, pads: Pads, dtype: Any) -> jax.Array:
    """Convolves transposed as `lax.conv_transpose` with explicit padding does.

    Args:
      x: images [n, h, w, c].
      kernel: [kh, kw, c, f].
      strides: how far apart in the output two neighbouring pixels of `x` act.
      pads: zeros (before, after) around the dilated image in height and width, as `lax.conv_transpose` counts them.
      dtype: to which the numbers that are multiplied are rounded, also in derivatives.

    Returns:
      [n, h', w', f], summed in float32 or wider.

    Raises:
      AssertionError: the arrays have not four axes, or not as many channels.
      ValueError: the output would be empty.
    """
    chex.assert_rank((x, kernel), 4)
    chex.assert_axis_dimension(kernel, 2, x.shape[3])
    kh, kw = window = kernel.shape[:2]
    image = tuple((n - 1) * s + 2 + sum(p) - k for n, k, s, p in zip(x.shape[1:3], window, strides, pads, strict=True))
    if min(image) < 1:
        raise ValueError(f"a transposed convolution of {x.shape} by {kernel.shape} and padding {pads} leaves no pixel")
    # lax pads the dilated image; the adjoint counts what a convolution would have padded (and never flips the kernel).
    (top, bottom), (left, right) = pads
    crops = ((kh - 1 - top, kh - 1 - bottom), (kw - 1 - left, kw - 1 - right))
    flipped = jnp.flip(kernel, (0, 1)).transpose(0, 1, 3, 2)
    settings = {"strides": strides, "pads": crops, "image": image, "window": window, "groups": 1}
    return _convolution(x, flipped, of="image", **settings, dtype=jnp.dtype(dtype))


def _left(g: jax.Array, b: jax.Array, *, of: str, **settings: Any) -> jax.Array:
    if of == "output":
        return _convolution(g, b, of="image", **settings)
    return _convolution(g, b, of="output", **settings) if of == "image" else _convolution(b, g, of="image", **settings)


def _right(a: jax.Array, g: jax.Array, *, of: str, **settings: Any) -> jax.Array:
    if of == "image":
        return _convolution(g, a, of="kernel", **settings)
    return _convolution(a, g, of="kernel" if of == "output" else "output", **settings)


def _shape(
    a: Any, b: Any, *, of: str, strides: Pair, pads: Pads, image: Pair, window: Pair, groups: int
) -> tuple[int, ...]:
    if of == "output":
        return (a[0], *output_size(image, window, strides, pads), b[3])
    return (a[0], *image, b[2] * groups) if of == "image" else (*window, a[3] // groups, b[3])


def _on_cpu(a: jax.Array, b: jax.Array, *, of: str, groups: int, **settings: Any) -> jax.Array:
    if groups > 1 or not _is_dense(**settings):
        return _as_products(a, b, of=of, groups=groups, **settings)
    window, pads = settings["window"], settings["pads"]
    if of == "kernel":
        padded, rows = prod(n + sum(pad) for n, pad in zip(a.shape[1:3], pads, strict=True)), prod(b.shape[1:3])
        if a.shape[3] < NARROWEST or padded > LARGER * rows:
            return _as_products(a, b, of=of, groups=groups, **settings)
        return _kernel_by_rows(a, b, window, pads)
    if of == "image":
        b = jnp.flip(b, (0, 1)).transpose(0, 1, 3, 2)
        pads = [(k - 1 - low, k - 1 - high) for k, (low, high) in zip(window, pads, strict=True)]
    made: jax.Array = lax.conv_general_dilated(a, b, (1, 1), pads, dimension_numbers=AXES)
    return made


def _is_dense(*, strides: Pair, pads: Pads, image: Pair, window: Pair, dtype: Any) -> bool:
    """Whether a map of float32 has a window around every pixel."""
    del image
    inside = all(0 <= pad < k for pads_of, k in zip(pads, window, strict=True) for pad in pads_of)
    return dtype == jnp.float32 and strides == (1, 1) and max(window) > 1 and inside


def _kernel_by_rows(x: jax.Array, g: jax.Array, window: Pair, pads: Pads) -> jax.Array:
    """One product of x, shifted by each column of the kernel, and of g, shifted by each of its rows.

    Both lie on the padded map, a row of the product for each of its pixels: where g has none, it is 0.
    """
    (kh, kw), (n, _, _, c), f = window, x.shape, g.shape[3]
    x = jnp.pad(x, ((0, 0), *pads, (0, 0)))
    wide = x.shape[2]
    pixels = n * x.shape[1] * wide
    x = jnp.pad(x.reshape(pixels, c), ((0, kw - 1), (0, 0)))
    g = jnp.pad(g, ((0, 0), (0, kh - 1), (0, kw - 1), (0, 0))).reshape(pixels, f)
    back = (kh - 1) * wide
    g = jnp.pad(g, ((back, 0), (0, 0)))
    columns = jnp.concatenate([x[j : j + pixels] for j in range(kw)], 1)
    rows = jnp.concatenate([g[back - i * wide : back - i * wide + pixels] for i in range(kh)], 1)
    columns, rows = lax.optimization_barrier((columns, rows))
    made: jax.Array = lax.optimization_barrier(product(rows, columns, jnp.float32, "TN"))
    return made.reshape(kh, f, kw, c).transpose(0, 2, 3, 1)


def _as_products(a: jax.Array, b: jax.Array, *, of: str, groups: int, **settings: Any) -> jax.Array:
    run = partial({"output": _output, "image": _image, "kernel": _kernel}[of], **settings)
    if groups == 1:
        return run(a, b)
    return _group_by_group(run, a, b, of, groups, _parts(a, b, of=of, groups=groups, **settings))


def _group_by_group(run: Map, a: jax.Array, b: jax.Array, of: str, groups: int, parts: int) -> jax.Array:
    """Runs one of the three maps for each group and each part of the images; features, or channels, are last in all."""

    def by_parts(images: jax.Array) -> jax.Array:
        return images.reshape(parts, images.shape[0] // parts, *images.shape[1:])

    def of_group(pair: tuple[jax.Array, jax.Array]) -> jax.Array:
        a, b = pair
        made: jax.Array
        if of == "kernel":
            made = lax.map(lambda pair: run(*pair), (by_parts(a), by_parts(b)))
            return made.sum(0)
        made = lax.map(lambda a: run(a, b), by_parts(a))
        return made.reshape(a.shape[0], *made.shape[2:])

    def by_groups(x: jax.Array) -> jax.Array:
        return jnp.moveaxis(x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups), -2, 0)

    made = jnp.moveaxis(lax.map(of_group, (by_groups(a), by_groups(b))), 0, -2)
    return made.reshape(*made.shape[:-2], groups * made.shape[-1])


def _parts(a: jax.Array, b: jax.Array, *, of: str, window: Pair, dtype: Any, groups: int, **settings: Any) -> int:
    """The fewest parts, all of the same size, whose windows are below `CACHED` for each group."""
    settings |= {"of": of, "window": window, "groups": groups}
    outputs = {"output": _shape(a.shape, b.shape, **settings), "image": a.shape, "kernel": b.shape}[of]
    columns = prod(window) * (a.shape[3] // groups if of == "kernel" else b.shape[2])
    bytes_ = prod(outputs[:3]) * columns * jnp.dtype(dtype).itemsize
    n = max(outputs[0], 1)
    return next(parts for parts in range(1, n + 1) if n % parts == 0 and (bytes_ <= parts * CACHED or parts == n))


def _output(
    x: jax.Array, kernel: jax.Array, *, strides: Pair, pads: Pads, image: Pair, window: Pair, dtype: Any
) -> jax.Array:
    del image
    rows, total, start = kernel.reshape(-1, kernel.shape[3]), None, 0
    for block in _rounded_windows(x, window, strides, pads, dtype):
        n, high, wide, columns = block.shape
        part = product(block.reshape(-1, columns), rows[start : start + columns], dtype)
        total = part if total is None else total + part
        start += columns
    assert total is not None
    return total.reshape(n, high, wide, kernel.shape[3])


def _image(
    g: jax.Array, kernel: jax.Array, *, strides: Pair, pads: Pads, image: Pair, window: Pair, dtype: Any
) -> jax.Array:
    rows, columns, start = kernel.reshape(-1, kernel.shape[3]), [], 0
    flat = g.astype(dtype).reshape(-1, g.shape[3])

    def read(x: jax.Array) -> list[jax.Array]:
        return windows(x, window, strides, pads)

    x = jax.ShapeDtypeStruct((g.shape[0], *image, kernel.shape[2]), sums_of(dtype))
    for block in jax.eval_shape(read, x):
        stop = start + block.shape[-1]
        columns.append(product(flat, rows[start:stop], dtype, "NT").reshape(block.shape))
        start = stop
    (made,) = jax.linear_transpose(read, x)(columns)
    out: jax.Array = made
    return out


def _kernel(
    x: jax.Array, g: jax.Array, *, strides: Pair, pads: Pads, image: Pair, window: Pair, dtype: Any
) -> jax.Array:
    del image
    if are_large(prod(g.shape[:3]), prod(window) * x.shape[3], jnp.dtype(dtype)):
        x = lax.optimization_barrier(x)  # or XLA keeps the windows of the forward pass
    flat = g.astype(dtype).reshape(-1, g.shape[3])
    blocks = [block.reshape(-1, block.shape[-1]) for block in _rounded_windows(x, window, strides, pads, dtype)]
    if flat.shape[1] >= blocks[0].shape[1]:
        rows = jnp.concatenate([product(block, flat, dtype, "TN") for block in blocks])
        return rows.reshape(*window, x.shape[3], g.shape[3])
    # The left factor is turned, so it is the narrower one; without the barrier, XLA would swap them back.
    columns: jax.Array = jnp.concatenate([product(flat, block, dtype, "TN") for block in blocks], 1)
    columns = lax.optimization_barrier(columns)
    return columns.reshape(g.shape[3], *window, x.shape[3]).transpose(1, 2, 3, 0)


def _rounded_windows(x: jax.Array, window: Pair, strides: Pair, pads: Pads, dtype: Any) -> list[jax.Array]:
    x = x.astype(dtype)
    if dtype != jnp.bfloat16:
        return windows(x, window, strides, pads)
    # Moved as integers, because XLA:CPU casts bfloat16 up and down again for most operations.
    blocks = windows(lax.bitcast_convert_type(x, jnp.uint16), window, strides, pads)
    return [lax.bitcast_convert_type(block, dtype) for block in blocks]


_convolution = bilinear(
    "convolution",
    _on_cpu,
    native_convolution,
    _shape,
    _left,
    _right,
    mapped=_as_products,
    exported=exported_convolution,
)
