"""What becomes of pictures before they are seen: linear operators y = A x, with all that restoring x takes of them.

Each has its adjoint A* and the solution of (A A* + c I) v = y in closed form, and so its pseudo-inverse A* (A A*)^-1.
Pictures are float32 [n, H, W, C]; an operator is of one shape of them, and does the same to each.
"""

import math
from collections.abc import Callable, Mapping
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gengen.restoration.masks import MASKS
from gengen.samplers.probability_paths import lifted
from gengen.values import OneOf, Positive, Range, Share

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in brightness (ITU-R BT.601)."""

PASSED = 0.01
"""The least response of a blur: a frequency of which less would pass does not pass, or A+ would be mere noise."""

Linear = Callable[[jax.Array], jax.Array]


class Operator(NamedTuple):
    """A linear operator y = A x on pictures x [n, H, W, C].

    Attributes:
      shape: of one observation, without the batch.
      forward: x -> A x, [n, *shape].
      adjoint: y [n, *shape] -> A* y [n, H, W, C]: <A x, y> = <x, A* y>.
      solve: (y, c) -> (A A* + c I)^-1 y, where c [n] is at least 0; at 0 the pseudo-inverse of A A*.
      known: which pixels are seen as they are, bool [H, W, 1]; None where an operator is no mask.
    """

    shape: tuple[int, ...]
    forward: Linear
    adjoint: Linear
    solve: Callable[[jax.Array, jax.Array], jax.Array]
    known: np.ndarray | None = None

    def pinv(self, y: jax.Array) -> jax.Array:
        """The pseudo-inverse A+ y [n, H, W, C] of observations [n, *shape]: the least x of all that explain y best."""
        return self.adjoint(self.solve(y, jnp.zeros(len(y), y.dtype)))

    def project(self, x: jax.Array, y: jax.Array) -> jax.Array:
        """The nearest to pictures x [n, H, W, C] of all that explain y [n, *shape] best: x - A+ (A x - y).

        Known pixels of a mask come back exactly, to the last bit.
        """
        if self.known is not None:
            return jnp.where(jnp.asarray(self.known)[None], y, x)
        return x - self.pinv(self.forward(x) - y)


def identity(shape: tuple[int, ...]) -> Operator:
    """Everything is seen: A = I, of which noise is to be taken away.

    Args:
      shape: of one picture (H, W, C).
    """
    return _even(shape, lambda x: x, lambda y: y, 1.0)


def inpaint(
    shape: tuple[int, ...],
    *,
    mask: Annotated[str, OneOf(MASKS)] = "centre",
    share: Annotated[float, Range(0, 1, above=True, below=True)] = 0.25,
    seed: int = 0,
) -> Operator:
    """Part of the pixels is missing, and is seen as 0.

    Args:
      shape: of one picture (H, W, C).
      mask: one of `MASKS`, which part.
      share: of the pixels that are missing, about.
      seed: of pixels at random.

    Raises:
      ValueError: no pixel would be missing, or all.
    """
    known = MASKS[mask](shape[0], shape[1], share, np.random.default_rng(seed))[..., None]
    if known.all() or not known.any():
        part = "no pixel" if known.all() else "every pixel"
        raise ValueError(f"{part} of {shape[0]} x {shape[1]} is missing where the share is {share:g}")

    def masked(x: jax.Array) -> jax.Array:
        return jnp.where(jnp.asarray(known)[None], x, 0)

    def solve(y: jax.Array, c: jax.Array) -> jax.Array:
        return masked(y) / (1 + lifted(c, y))

    return Operator(shape, masked, masked, solve, known)


def superres(shape: tuple[int, ...], *, factor: Annotated[int, Range(2, 64)] = 4) -> Operator:
    """Each square of factor x factor pixels is seen as its mean.

    Args:
      shape: of one picture (H, W, C).
      factor: pixels at a side of a square.

    Raises:
      ValueError: the picture is not made of whole squares.
    """
    height, width, channels = shape
    if height % factor or width % factor:
        raise ValueError(f"pictures of {height} x {width} are not made of squares of {factor} x {factor} pixels")
    low = (height // factor, width // factor, channels)

    def pooled(x: jax.Array) -> jax.Array:
        return x.reshape(-1, low[0], factor, low[1], factor, channels).mean((2, 4))

    def spread(y: jax.Array) -> jax.Array:
        return y.repeat(factor, axis=1).repeat(factor, axis=2) / factor**2

    return _even(low, pooled, spread, 1 / factor**2)


def grey(shape: tuple[int, ...]) -> Operator:
    """Colours are seen as their brightness.

    Args:
      shape: of one picture (H, W, 3).

    Raises:
      ValueError: the picture has no three colours.
    """
    if shape[-1] != len(LUMA):
        raise ValueError(f"pictures of {shape[-1]} channel{'s' * (shape[-1] > 1)} have no colours to be found")
    weights = np.asarray(LUMA, np.float32)

    def bright(x: jax.Array) -> jax.Array:
        return (x * weights[None, None, None]).sum(-1, keepdims=True)

    def coloured(y: jax.Array) -> jax.Array:
        return y * weights[None, None, None]

    return _even((*shape[:2], 1), bright, coloured, float(np.square(weights).sum()))


def blur(shape: tuple[int, ...], *, deviation: Positive = 1.5) -> Operator:
    """Each pixel is seen as the mean about it by a Gaussian; beyond its border a picture goes on as its mirror image.

    Cosines are the eigenvectors of such a mean (Martucci 1994, https://doi.org/10.1109/78.295213): A is symmetric.

    Args:
      shape: of one picture (H, W, C).
      deviation: of the Gaussian, in pixels.
    """
    down, right = (_response(size, deviation) for size in shape[:2])
    response = (down[:, None] * right).astype(np.float32)
    response = np.where(response < PASSED, 0, response)[None, ..., None]

    def by_frequency(x: jax.Array, factor: jax.Array) -> jax.Array:
        return _cosines(_cosines(x, inverse=False) * factor, inverse=True)

    def seen(x: jax.Array) -> jax.Array:
        return by_frequency(x, jnp.asarray(response))

    def solve(y: jax.Array, c: jax.Array) -> jax.Array:
        below = jnp.asarray(np.square(response)) + lifted(c, y)
        return by_frequency(y, jnp.where(below > 0, 1 / jnp.where(below > 0, below, 1), 0))

    return Operator(shape, seen, seen, solve)


def convolve(shape: tuple[int, ...], *, kernel: np.ndarray) -> Operator:
    """Each pixel is seen as a weighted sum of those about it; beyond its border a picture begins anew.

    Args:
      shape: of one picture (H, W, C).
      kernel: the weights [k, l], no larger than the picture; its middle, k // 2 and l // 2, lies on the pixel.

    Raises:
      ValueError: the kernel is larger than the picture, or no matrix.
    """
    if kernel.ndim != 2 or any(side > size for side, size in zip(kernel.shape, shape[:2], strict=True)):
        raise ValueError(f"a kernel of shape {kernel.shape} does not fit on pictures of {shape[0]} x {shape[1]}")
    padded = np.zeros(shape[:2])
    padded[: kernel.shape[0], : kernel.shape[1]] = kernel[::-1, ::-1]
    padded = np.roll(padded, [-(side - 1 - side // 2) for side in kernel.shape], (0, 1))
    passed = np.fft.rfft2(padded)
    passed = np.where(abs(passed) < PASSED * abs(passed).max(), 0, passed)
    response = passed.astype(np.complex64)[None, ..., None]
    power = np.square(abs(response)).astype(np.float32)

    def by_frequency(x: jax.Array, factor: jax.Array) -> jax.Array:
        return jnp.fft.irfft2(jnp.fft.rfft2(x, axes=(1, 2)) * factor, s=shape[:2], axes=(1, 2))

    def solve(y: jax.Array, c: jax.Array) -> jax.Array:
        below = jnp.asarray(power) + lifted(c, y)
        return by_frequency(y, jnp.where(below > 0, 1 / jnp.where(below > 0, below, 1), 0).astype(jnp.complex64))

    return Operator(
        shape,
        lambda x: by_frequency(x, jnp.asarray(response)),
        lambda y: by_frequency(y, jnp.asarray(response.conj())),
        solve,
    )


def random_projection(
    shape: tuple[int, ...], *, share: Annotated[Share, Range(0, 1, above=True)] = 0.25, seed: int = 0
) -> Operator:
    """Some numbers are seen of each channel: part of its cosine transform, the signs of its pixels thrown beforehand.

    So do sums of all pixels with random signs, which compressed sensing asks of, at the price of a transform (Tropp
    2011, https://arxiv.org/abs/1011.1595). The rows of A are orthonormal.

    Args:
      shape: of one picture (H, W, C).
      share: of as many numbers as there are pixels, those that are seen.
      seed: of signs and of which numbers are seen.
    """
    generator, pixels = np.random.default_rng(seed), math.prod(shape[:2])
    signs = generator.choice([-1.0, 1.0], (1, *shape[:2], 1)).astype(np.float32)
    rows = np.sort(generator.choice(pixels, max(1, round(share * pixels)), replace=False))

    def seen(x: jax.Array) -> jax.Array:
        return _cosines(x * signs, inverse=False).reshape(-1, pixels, shape[-1])[:, rows]

    def back(y: jax.Array) -> jax.Array:
        everything = jnp.zeros((len(y), pixels, shape[-1]), y.dtype).at[:, rows].set(y)
        return _cosines(everything.reshape(-1, *shape), inverse=True) * signs

    return _even((len(rows), shape[-1]), seen, back, 1.0)


OPERATORS: Mapping[str, Callable[..., Operator]] = {
    "identity": identity,
    "inpaint": inpaint,
    "superres": superres,
    "grey": grey,
    "blur": blur,
    "convolve": convolve,
    "random_projection": random_projection,
}
"""Builders of operators by their names; each takes the shape of a picture."""


def _even(shape: tuple[int, ...], forward: Linear, adjoint: Linear, scale: float) -> Operator:
    """An operator for which A A* is a multiple of the identity."""
    return Operator(shape, forward, adjoint, lambda y, c: y / (scale + lifted(c, y)))


def _response(size: int, deviation: float) -> np.ndarray:
    """What a Gaussian mean leaves of each cosine [size]; its weights end at four deviations, and add up to 1."""
    reach = math.ceil(4 * deviation)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-np.square(offsets / deviation) / 2)
    waves = np.cos(np.pi * np.outer(np.arange(size), offsets) / size)
    return np.asarray(waves @ (weights / weights.sum()))


def _cosines(x: jax.Array, *, inverse: bool) -> jax.Array:
    """The orthonormal cosine transform of pictures [n, H, W, C] over their pixels, or the way back."""
    down, right = (_basis(size) for size in x.shape[1:3])
    if inverse:
        down, right = down.T, right.T
    return jnp.einsum("uh,nhwc,vw->nuvc", jnp.asarray(down), x, jnp.asarray(right), precision="highest")


def _basis(size: int) -> np.ndarray:
    """The orthonormal cosines, float32 [frequency, place]: the discrete cosine transform of type II."""
    places = (np.arange(size) + 0.5) / size
    waves = np.cos(np.pi * np.outer(np.arange(size), places)) * math.sqrt(2 / size)
    waves[0] /= math.sqrt(2)
    return waves.astype(np.float32)
