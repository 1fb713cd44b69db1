"""Windows of a convolution, read as a few blocks of the image.

Kernel row by kernel row, `stride` neighbouring pixels are read at a time. After a free reshape that makes `stride`
pixels one, every slice is a plain block of the padded image, and its columns are in the order of the kernel's own rows.
"""

from collections.abc import Sequence

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
"""Bytes of all slices (kh * kw * c numbers for every output pixel) above which few of them are held at a time."""


def output_size(image: Sequence[int], kernel: Sequence[int], strides: Pair, pads: Pads) -> Pair:
    """Height and width of a convolution's output; refuses an empty one with a ValueError."""
    high, wide = ((n + sum(pad) - k) // s + 1 for n, k, s, pad in zip(image, kernel, strides, pads, strict=True))
    if min(high, wide) < 1:
        raise ValueError(f"a kernel of {tuple(kernel)} is larger than an image of {tuple(image)} padded by {pads}")
    return high, wide


def windows(x: jax.Array, kernel_size: Sequence[int], strides: Pair, pads: Pads) -> list[jax.Array]:
    """Reads all windows as blocks [n, h', w', columns], whose columns together are in the order (kh, kw, c).

    Args:
      x: images [n, h, w, c].
      kernel_size: height and width of a window.
      strides: steps of the window in height and width.
      pads: zeros (before, after) in height and width; negative ones crop.
    """
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
    return _join(pieces, NARROW if are_large(n * high * wide, kh * kw * c, x.dtype) else COLUMNS)


def are_large(pixels: int, columns: int, dtype: jnp.dtype) -> bool:
    """Whether all windows of a map together take more than `MEMORY`."""
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
