"""Convolutions as matrix products, for machines where XLA has no good native ones (its CPU backend).

A window of a strided convolution is read as a few *slices* of the image: kernel row by kernel row, `stride`
neighbouring pixels at a time. After a free reshape that makes `stride` pixels one, every slice is a plain block of the
padded image, its columns are in the order of the kernel's own rows, and a convolution is the sum of slices times rows
of the kernel. A transposed convolution is the adjoint: products first, whose columns are then added where the slices
came from.
Everything is plain differentiable JAX, so gradients of any order follow, in forward and reverse mode.
"""

from collections.abc import Sequence
from math import prod

import chex
import jax
import jax.numpy as jnp
from jax import lax

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]

COLUMNS = 512
"""Slices are joined until they have this many columns: products over few are slow, joining all costs memory."""

NARROW = 64
"""The same for maps above `MEMORY`."""

MEMORY = 1 << 29
"""Bytes of all slices (kh * kw * c numbers for every output pixel) above which a convolution holds few of them at a
time and recomputes them in the backward pass instead of keeping them."""


def convolve(x: jax.Array, kernel: jax.Array, strides: Pair, pads: Pads) -> jax.Array:
    """Convolves as `lax.conv_general_dilated` does, by matrix products.

    Args:
      x: images [n, h, w, c].
      kernel: [kh, kw, c, f], of the same dtype.
      strides: steps of the window in height and width.
      pads: zeros (before, after) in height and width; negative ones crop.

    Returns:
      [n, h', w', f] in the dtype of `x`, summed in float32 or better.

    Raises:
      ValueError: the kernel is larger than the padded image.
    """
    chex.assert_rank((x, kernel), 4)
    pixels = x.shape[0] * prod(output_size(x.shape[1:3], kernel.shape[:2], strides, pads))
    large = _large(pixels, prod(kernel.shape[:3]), x.dtype)
    run = jax.checkpoint(_convolve, static_argnums=(2, 3)) if large else _convolve
    return run(x, kernel, strides, pads)


def convolve_transposed(x: jax.Array, kernel: jax.Array, strides: Pair, pads: Pads) -> jax.Array:
    """Convolves transposed as `lax.conv_transpose` with explicit padding does, by matrix products.

    Args:
      x: images [n, h, w, c].
      kernel: [kh, kw, c, f], of the same dtype.
      strides: how far apart in the output two neighbouring pixels of `x` act.
      pads: zeros (before, after) around the dilated image in height and width, as `lax.conv_transpose` counts them.

    Returns:
      [n, h', w', f] in the dtype of `x`, summed in float32 or better.

    Raises:
      ValueError: the output would be empty.
    """
    chex.assert_rank((x, kernel), 4)
    kernel_size, features = kernel.shape[:2], kernel.shape[3]
    size = tuple(
        (n - 1) * s + 2 + sum(p) - k for n, k, s, p in zip(x.shape[1:3], kernel_size, strides, pads, strict=True)
    )
    if min(size) < 1:
        raise ValueError(f"a transposed convolution of {x.shape} by {kernel.shape} and padding {pads} leaves no pixel")
    # lax pads the dilated image; the adjoint counts what a convolution would have padded (and never flips the kernel).
    (kh, kw), ((top, bottom), (left, right)) = kernel_size, pads
    crops = ((kh - 1 - top, kh - 1 - bottom), (kw - 1 - left, kw - 1 - right))
    flipped = jnp.flip(kernel, (0, 1)).transpose(2, 0, 1, 3).reshape(x.shape[3], -1)
    output = jax.ShapeDtypeStruct((x.shape[0], *size, features), _accumulator(x.dtype))
    windows = jax.eval_shape(lambda y: _slices(y, kernel_size, strides, crops), output)
    pixels, columns, start = x.reshape(-1, x.shape[3]), [], 0
    for window in windows:
        stop = start + window.shape[-1]
        columns.append(_product(pixels, flipped[:, start:stop]).reshape(window.shape))
        start = stop
    y: jax.Array
    (y,) = jax.linear_transpose(lambda y: _slices(y, kernel_size, strides, crops), output)(columns)
    return y.astype(x.dtype)


def output_size(image: Sequence[int], kernel: Sequence[int], strides: Pair, pads: Pads) -> Pair:
    """Height and width of a convolution's output; refuses an empty one with a ValueError."""
    high, wide = ((n + sum(pad) - k) // s + 1 for n, k, s, pad in zip(image, kernel, strides, pads, strict=True))
    if min(high, wide) < 1:
        raise ValueError(f"a kernel of {tuple(kernel)} is larger than an image of {tuple(image)} padded by {pads}")
    return high, wide


def _convolve(x: jax.Array, kernel: jax.Array, strides: Pair, pads: Pads) -> jax.Array:
    rows = kernel.reshape(-1, kernel.shape[3])
    total, start = None, 0
    for window in _slices(x, kernel.shape[:2], strides, pads):
        n, high, wide, columns = window.shape
        part = _product(window.reshape(-1, columns), rows[start : start + columns])
        total = part if total is None else total + part
        start += columns
    assert total is not None
    return total.reshape(n, high, wide, -1).astype(x.dtype)


def _product(a: jax.Array, b: jax.Array) -> jax.Array:
    """Matrix product in float32 or better, because several of them are added."""
    return jnp.dot(a, b, preferred_element_type=_accumulator(a.dtype))


def _accumulator(dtype: jnp.dtype) -> jnp.dtype:
    return dtype if dtype.itemsize > 4 else jnp.dtype(jnp.float32)


def _slices(x: jax.Array, kernel_size: Sequence[int], strides: Pair, pads: Pads) -> list[jax.Array]:
    """Reads the windows of a convolution as blocks [n, h', w', columns], columns in the order (kh, kw, c)."""
    (kh, kw), (sh, sw) = kernel_size, strides
    n, h, w, c = x.shape
    high, wide = output_size((h, w), kernel_size, strides, pads)
    if high == wide == 1:  # one window an image: no slicing, the image is the row
        return [_pad(x, pads, kernel_size).reshape(n, 1, 1, kh * kw * c)]
    rows, columns = high + -(-kh // sh) - 1, wide + -(-kw // sw) - 1
    blocks = _pad(x, pads, (rows * sh, columns * sw)).reshape(n, rows, sh, columns, sw * c)
    pieces = []
    for i in range(kh):
        q, r = divmod(i, sh)
        for u in range(-(-kw // sw)):
            pieces.append(blocks[:, q : q + high, r, u : u + wide, : min(sw, kw - u * sw) * c])
    return _join(pieces, NARROW if _large(n * high * wide, kh * kw * c, x.dtype) else COLUMNS)


def _large(pixels: int, columns: int, dtype: jnp.dtype) -> bool:
    return pixels * columns * dtype.itemsize > MEMORY


def _pad(x: jax.Array, pads: Pads, size: Sequence[int]) -> jax.Array:
    """Pads with zeros before, and pads or crops after, to the height and width asked for."""
    inner = [(low, full - n - low, 0) for n, full, (low, _) in zip(x.shape[1:3], size, pads, strict=True)]
    return lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *inner, (0, 0, 0)])


def _join(pieces: list[jax.Array], columns: int) -> list[jax.Array]:
    """Concatenates neighbours until a block has so many columns."""
    groups: list[list[jax.Array]] = [[]]
    for piece in pieces:
        if sum(p.shape[-1] for p in groups[-1]) >= columns:
            groups.append([])
        groups[-1].append(piece)
    return [jnp.concatenate(group, axis=-1) if len(group) > 1 else group[0] for group in groups]
