"""Structural similarity of pictures, at one scale and at several, and how alike the samples of a class are by it.

Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861, at one scale; Wang, Simoncelli and Bovik 2003,
https://doi.org/10.1109/ACSSC.2003.1292216, at several. Odena et al. 2017,
https://arxiv.org/abs/1610.09585, section 4.2: the mean over random pairs of samples of a class is high where the class
has collapsed.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gengen.metrics.interval import Estimate, around

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales, finest first (Wang et al. 2003, section 3.2)."""

WINDOW = 11
"""Side of the Gaussian window in pixels (Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861)."""

DEVIATION = 1.5
"""Standard deviation of that window in pixels."""

K1, K2 = 0.01, 0.03
"""Constants of luminance and of contrast, as parts of the largest pixel value (Wang et al. 2004)."""

_ELEMENTS = 2**20  # pixels of one side of the pairs that are compared at a time


def scales_and_window(height: int, width: int) -> tuple[int, int]:
    """How many scales a picture has room for, and the side of the window.

    As many of the five as leave the shorter side, halved each time, at least the window of 11: five from 176 pixels
    on, two at 28 or 32. A picture that is smaller than the window has one scale, and a window of the largest odd side
    that fits; its standard deviation shrinks in proportion.
    """
    shorter = min(height, width)
    scales = max(1, sum(shorter // 2**scale >= WINDOW for scale in range(len(WEIGHTS))))
    return scales, min(WINDOW, shorter - 1 + shorter % 2)


def ms_ssim(
    a: np.ndarray | jax.Array, b: np.ndarray | jax.Array, *, peak: float = 255.0, weights: Sequence[float] = WEIGHTS
) -> jax.Array:
    """Multi-scale structural similarity of pairs of pictures, eq. 7 of Wang et al. 2003.

    The product over scales j of the mean contrast-structure similarity to the power of weight j, and at the coarsest
    scale of the mean similarity with luminance. Means run over the places where the whole window fits. A mean below 0
    counts as 0 (a power of it would not be real). Colour channels are compared each for itself, and their similarities
    averaged. A scale is the one before in means of 2 x 2 pixels; an odd last row or column is left out.

    Args:
      a: pictures [N, H, W, C] with values in [0, peak].
      b: pictures of the same shape, the other of each pair.
      peak: largest possible value: 255 for uint8, 1 for [0, 1].
      weights: exponents, finest scale first. Pictures with room for fewer scales (`scales_and_window`) take the first
        of them, scaled to the same sum.

    Returns:
      Similarities float32 [N], 1 where the pictures are equal.

    Raises:
      ValueError: the shapes differ or are not [N, H, W, C].
    """
    _check_pair(a, b)
    scales, window = scales_and_window(*a.shape[1:3])
    scaled = np.asarray(weights[:scales], np.float64) * sum(weights) / sum(weights[:scales])
    used = tuple(float(weight) for weight in scaled)
    return _in_batches(partial(_compare, weights=used, window=window), a, b, peak)


def ssim(a: np.ndarray | jax.Array, b: np.ndarray | jax.Array, *, peak: float = 255.0) -> jax.Array:
    """Structural similarity of pairs of pictures at one scale, eqs. 13 and 17 of Wang et al. 2004; it can be negative.

    The mean over places where the whole Gaussian window fits, and over channels, which are compared each for itself.
    A picture that is smaller than the window has a smaller one, by `scales_and_window`.

    Args:
      a: pictures [N, H, W, C] with values in [0, peak].
      b: pictures of the same shape, the other of each pair.
      peak: largest possible value: 255 for uint8, 1 for [0, 1].

    Returns:
      Similarities float32 [N], 1 where the pictures are equal.

    Raises:
      ValueError: the shapes differ or are not [N, H, W, C].
    """
    _check_pair(a, b)
    _, window = scales_and_window(*a.shape[1:3])
    return _in_batches(partial(_compare_once, window=window), a, b, peak)


def _check_pair(a: np.ndarray | jax.Array, b: np.ndarray | jax.Array) -> None:
    if a.ndim != 4 or a.shape != b.shape:
        raise ValueError(f"pictures must be two equal [N, H, W, C], not {a.shape} and {b.shape}")


def _in_batches(
    compare: Callable[..., jax.Array], a: np.ndarray | jax.Array, b: np.ndarray | jax.Array, peak: float
) -> jax.Array:
    """Similarities [N] of pairs, a bounded number of which are compared at a time."""
    # Powers of 2, so that another number of pairs rarely has to be compiled again.
    batch = min(1 << (max(1, _ELEMENTS // math.prod(a.shape[1:])).bit_length() - 1), 1 << (len(a) - 1).bit_length())
    found = []
    for start in range(0, len(a), batch):
        pair = (np.asarray(side[start : start + batch]) for side in (a, b))
        pair = (np.pad(side, [(0, batch - len(side)), (0, 0), (0, 0), (0, 0)]) for side in pair)
        found.append(compare(*pair, jnp.float32(peak)))
    return jnp.concatenate(found)[: len(a)]


@partial(jax.jit, static_argnames=("weights", "window"))
def _compare(a: jax.Array, b: jax.Array, peak: jax.Array, *, weights: tuple[float, ...], window: int) -> jax.Array:
    """Similarities of pairs at several scales [N]."""
    a, b = _planes(a, peak), _planes(b, peak)
    product = jnp.ones(a.shape[:2], jnp.float32)
    for scale, weight in enumerate(weights):
        if scale:
            a, b = _halved(a), _halved(b)
        similarity = _similarity(a, b, window, luminance=scale == len(weights) - 1)
        product *= jnp.maximum(similarity, 0.0) ** weight
    return product.mean(1)


@partial(jax.jit, static_argnames="window")
def _compare_once(a: jax.Array, b: jax.Array, peak: jax.Array, *, window: int) -> jax.Array:
    """Similarities of pairs at one scale [N]."""
    return _similarity(_planes(a, peak), _planes(b, peak), window, luminance=True).mean(1)


def _planes(images: jax.Array, peak: jax.Array) -> jax.Array:
    """One matrix in [0, 1] for each channel of each picture [N, C, H, W]."""
    return jnp.moveaxis(images.astype(jnp.float32) / peak, -1, 1)


def _similarity(a: jax.Array, b: jax.Array, window: int, *, luminance: bool) -> jax.Array:
    """Means over places of the contrast-structure similarity, times luminance if asked for [N, C]."""
    mean_a, mean_b, square_a, square_b, product = _blurred(jnp.stack([a, b, a * a, b * b, a * b]), window)
    var_a, var_b, covariance = square_a - mean_a**2, square_b - mean_b**2, product - mean_a * mean_b
    similarity: jax.Array = (2 * covariance + K2**2) / (var_a + var_b + K2**2)
    if luminance:
        similarity *= (2 * mean_a * mean_b + K1**2) / (mean_a**2 + mean_b**2 + K1**2)
    return jnp.asarray(similarity.mean((2, 3)))


def _blurred(x: jax.Array, window: int) -> jax.Array:
    """Gaussian-weighted means of x [..., H, W] where the window fits [..., H - window + 1, W - window + 1]."""
    # As products with band matrices: sums of shifted pictures take XLA:CPU seconds to compile, and run no faster.
    rows, columns = (jnp.asarray(_band(side, window)) for side in x.shape[-2:])
    return jnp.einsum("...hw,ih,jw->...ij", x, rows, columns, precision=lax.Precision.HIGHEST)


def _band(side: int, window: int) -> np.ndarray:
    """The window at each of its places along an axis, float32 [side - window + 1, side]."""
    indices = np.arange(window) - (window - 1) / 2
    taps = np.exp(-(indices**2) / (2 * (DEVIATION * window / WINDOW) ** 2))
    offsets = np.arange(side) - np.arange(side - window + 1)[:, None]
    inside = (offsets >= 0) & (offsets < window)
    return np.where(inside, (taps / taps.sum())[np.clip(offsets, 0, window - 1)], 0.0).astype(np.float32)


def _halved(x: jax.Array) -> jax.Array:
    """Means of 2 x 2 pixels [N, C, H // 2, W // 2] of x [N, C, H, W]."""
    count, channels, height, width = x.shape
    x = x[:, :, : height // 2 * 2, : width // 2 * 2]
    return x.reshape(count, channels, height // 2, 2, width // 2, 2).mean((3, 5))


def class_similarity(
    images: np.ndarray, labels: np.ndarray, classes: int, *, pairs: int = 500, seed: int = 0
) -> Estimate:
    """Mean over classes of the mean similarity of random pairs of samples of a class; high where they differ little.

    Odena et al. 2017, section 4.2, compare 100 pairs per class. Pairs here share no sample, so they are independent,
    and the interval is Student's with the degrees of freedom of Welch and Satterthwaite (1946,
    https://doi.org/10.2307/3002019). Classes with fewer than 2 samples are left out.

    Args:
      images: samples uint8 [N, H, W, C].
      labels: class of each, given or predicted, integers in [0, K), [N].
      classes: K.
      pairs: how many pairs of each class to compare at most.
      seed: of the choice of pairs.

    Raises:
      ValueError: no class has two pairs.
    """
    chex.assert_rank((images, labels), (4, 1))
    generator = np.random.default_rng(seed)
    chosen: list[np.ndarray] = []
    for label in range(classes):
        members = generator.permutation(np.flatnonzero(labels == label))
        chosen.append(members[: min(pairs, len(members) // 2) * 2].reshape(-1, 2))
    sizes = np.array([len(pair) for pair in chosen])
    if sizes.max() < 2:
        raise ValueError("labels leave no class with four samples, of which two pairs could be made")
    first, second = np.concatenate(chosen).T
    similarity = np.asarray(ms_ssim(images[first], images[second]), np.float64)
    parts = np.split(similarity, np.cumsum(sizes)[:-1])
    return _mean_of_means([part for part in parts if len(part)])


def _mean_of_means(parts: Sequence[np.ndarray]) -> Estimate:
    """Mean of the means of independent parts; a part with one value borrows the mean variance of the others."""
    sizes = np.array([len(part) for part in parts])
    known = np.array([part.var(ddof=1) if len(part) > 1 else 0.0 for part in parts])
    known = np.where(sizes > 1, known, (known * (sizes > 1)).sum() / (sizes > 1).sum())
    variances = known / sizes / len(parts) ** 2
    spread = float((variances**2 / np.maximum(sizes - 1, 1)).sum())
    degrees = float(variances.sum()) ** 2 / spread if spread else math.inf
    return around(float(np.mean([part.mean() for part in parts])), float(variances.sum()), degrees)
