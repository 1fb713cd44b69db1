"""The Parzen-window log-likelihood: the density of Gaussian windows around samples, at held-out images.

Breuleux et al. 2011, https://doi.org/10.1162/NECO_a_00158, and the protocol of Goodfellow et al. 2014,
https://arxiv.org/abs/1406.2661, section 5. It is kept to compare with published tables: Theis et al. 2016,
https://arxiv.org/abs/1511.01844, show that it ranks models of images wrongly, the centres of k-means above
the data themselves.
"""

import math
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gengen.metrics.interval import Estimate, around
from gengen.metrics.neighbours import centred, in_chunks, rows_for, squared_distances

BANDWIDTHS: tuple[float, ...] = tuple(np.logspace(-1, 0, 10).tolist())
"""Bandwidths among which Goodfellow et al. choose: ten from 0.1 to 1, even in the logarithm; pixels are in [0, 1]."""


def parzen_log_likelihood(samples: np.ndarray, points: np.ndarray, bandwidth: float) -> np.ndarray:
    """Logarithm of the mean of Gaussian densities N(sample, bandwidth^2 I) at each point.

    Distances come from one matrix product, a few rows at a time. In float32 their rounding moves a value by about
    1e-7 |x|^2 / bandwidth^2: a few thousandths of a nat for digits of 784 pixels at a bandwidth of 0.1.

    Args:
      samples: of the model [N, P], in [0, 1] where published values are compared.
      points: held-out images [M, P], on the same scale.
      bandwidth: standard deviation of the windows along each axis.

    Returns:
      Log-densities in nats, float64 [M].

    Raises:
      ValueError: the bandwidth is not positive, a set is empty, or they are no finite [N, P] and [M, P].
    """
    return _log_likelihoods(samples, points, (bandwidth,))[:, 0]


def choose_bandwidth(samples: np.ndarray, validation: np.ndarray, *, candidates: Sequence[float] = BANDWIDTHS) -> float:
    """The bandwidth, out of some, with the largest mean log-likelihood of validation images.

    Args:
      samples: of the model [N, P].
      validation: images that are neither training nor test images [V, P]; Goodfellow et al. take 1000.
      candidates: bandwidths to choose from.

    Raises:
      ValueError: as `parzen_log_likelihood` does, or there is nothing to choose from.
    """
    if not len(candidates):
        raise ValueError("there must be at least one bandwidth to choose from")
    means = _log_likelihoods(samples, validation, tuple(candidates)).mean(0)
    return float(candidates[int(means.argmax())])


def parzen(
    samples: np.ndarray, validation: np.ndarray, test: np.ndarray, *, candidates: Sequence[float] = BANDWIDTHS
) -> tuple[Estimate, float]:
    """The mean log-likelihood of test images at the bandwidth that suits validation images best.

    The variance is that over fresh test images and fresh samples at this bandwidth: the variance of the values of test
    images over their number, and the jackknife over samples, which exceeds the variance on average (Efron and Stein
    1981, https://doi.org/10.1214/aos/1176345462). The error that is published beside such values has the first alone.

    Args:
      samples: of the model [N, P], N of at least 2; Goodfellow et al. take 10,000.
      validation: images that are neither training nor test images [V, P].
      test: images [M, P], M of at least 2.
      candidates: bandwidths to choose from.

    Returns:
      The mean in nats with its interval, and the bandwidth.

    Raises:
      ValueError: as `choose_bandwidth` does, or there are fewer than two samples or test images.
    """
    if min(len(samples), len(test)) < 2:
        raise ValueError(f"{len(samples)} samples and {len(test)} test images; there must be two of each")
    bandwidth = choose_bandwidth(samples, validation, candidates=candidates)
    windows, points = _checked(samples, test, (bandwidth,))
    with jax.enable_x64(windows.dtype == np.float64):
        values, changes = jax.device_get(_without_each(windows, points, bandwidth, rows=rows_for(len(windows))))
    values = values.astype(np.float64) + _constant(len(windows), windows.shape[1], bandwidth)
    # What all changes have in common, of leaving a sample out, is no variance.
    of_samples = (len(windows) - 1) * np.var(changes.astype(np.float64) / len(points))
    return around(values.mean(), values.var(ddof=1) / len(points) + float(of_samples)), bandwidth


def _checked(samples: np.ndarray, points: np.ndarray, bandwidths: tuple[float, ...]) -> list[np.ndarray]:
    """Both sets, centred."""
    if not all(math.isfinite(bandwidth) and bandwidth > 0 for bandwidth in bandwidths):
        raise ValueError(f"bandwidths must be positive, not {bandwidths}")
    if not len(samples) or not len(points):
        raise ValueError(f"{len(samples)} samples and {len(points)} points; there must be one of each")
    return centred(np.asarray(samples), np.asarray(points))


def _constant(number: int, dimensions: int, bandwidth: float) -> float:
    """The logarithm of what a sum of exponentials is divided by to be a mean of densities, with its sign turned."""
    return -math.log(number) - dimensions / 2 * math.log(2 * math.pi * bandwidth**2)


def _log_likelihoods(samples: np.ndarray, points: np.ndarray, bandwidths: tuple[float, ...]) -> np.ndarray:
    """Log-densities of points at each bandwidth, float64 [M, B]."""
    windows, points = _checked(samples, points, bandwidths)
    with jax.enable_x64(windows.dtype == np.float64):
        widths = np.asarray(bandwidths, windows.dtype)
        sums = np.asarray(_log_sums(windows, points, widths, rows=rows_for(len(windows))), np.float64)
    return np.asarray(sums + np.array([_constant(len(windows), windows.shape[1], width) for width in bandwidths]))


@partial(jax.jit, static_argnames="rows")
def _log_sums(windows: jax.Array, points: jax.Array, widths: jax.Array, *, rows: int) -> jax.Array:
    """Logarithms of the sums of exp(-d^2 / 2 b^2) over windows [N, P], at points [M, P] and widths [B]: [M, B]."""

    def of_chunk(x: jax.Array) -> jax.Array:
        squared = squared_distances(x, windows)
        sums: jax.Array = lax.map(lambda width: jax.nn.logsumexp(-squared / (2 * width**2), axis=1), widths)
        return sums

    found: jax.Array = lax.map(of_chunk, in_chunks(points, rows))
    return found.swapaxes(1, 2).reshape(-1, len(widths))[: len(points)]


@partial(jax.jit, static_argnames="rows")
def _without_each(
    windows: jax.Array, points: jax.Array, width: jax.Array | float, *, rows: int
) -> tuple[jax.Array, jax.Array]:
    """Logarithms of the sums at points [M], and how much their total changes without each window [N]."""

    def of_chunk(total: jax.Array, chunk: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        x, real = chunk
        logarithms = -squared_distances(x, windows) / (2 * width**2)
        largest = jnp.arange(len(windows), dtype=jnp.int32)[None] == logarithms.argmax(1)[:, None].astype(jnp.int32)
        sums = jax.nn.logsumexp(logarithms, axis=1)
        # The largest may be all of the sum to rounding: then what remains is known only from the others.
        others = jax.nn.logsumexp(jnp.where(largest, -jnp.inf, logarithms), axis=1)
        shares = jnp.exp(logarithms - sums[:, None])
        changes = jnp.where(largest, (others - sums)[:, None], jnp.log1p(-jnp.where(largest, 0, shares)))
        return total + jnp.where(real[:, None], changes, 0).sum(0), sums

    real = in_chunks(jnp.ones(len(points), bool), rows, fill=False)
    total, sums = lax.scan(of_chunk, jnp.zeros(len(windows), windows.dtype), (in_chunks(points, rows), real))
    return sums.reshape(-1)[: len(points)], total
