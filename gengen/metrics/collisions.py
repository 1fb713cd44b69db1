"""The birthday paradox: how many different samples a model can make at least, from how often two are near-duplicates.

Arora, Risteski and Zhang 2018, https://arxiv.org/abs/1706.08224: two samples that are drawn uniformly from S points
agree with probability 1 / S. Where they are not equally likely, 1 / probability is the number of equally likely ones
that would agree as often; the true number is larger.
"""

import math
from functools import partial
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from scipy import optimize

from gengen.metrics.interval import Estimate, Z
from gengen.metrics.neighbours import centred, in_chunks, nearest, rows_for, squared_distances


class Collisions(NamedTuple):
    """How often samples repeat.

    Attributes:
      probability: that two different samples are near-duplicates.
      support: 1 / probability: of how many equally likely samples two agree as often. Without a near-duplicate the
        value and the upper end are infinite: the support is at least the lower end.
    """

    probability: Estimate
    support: Estimate


def duplicate_radius(reference: np.ndarray, *, quantile: float = 0.01, factor: float = 0.5) -> float:
    """The distance under which two samples count as near-duplicates: one that different data almost never reach.

    Half of the distance that 99 % of the data keep from their nearest neighbour. Data that repeat exactly (up to a
    thousandth of the median distance) are left out, and up to 1 % of the rest may be near-duplicates. (Arora et al.
    had people look at the closest pairs.)

    Args:
      reference: data, or features of data [M, D], M of at least 3.
      quantile: share of the data whose nearest neighbour may be nearer.
      factor: what the distance at that quantile is multiplied by.

    Returns:
      The radius, in units of the coordinates; 0 where all data are the same.
    """
    distances, _ = nearest(reference, reference, k=1, exclude=np.arange(len(reference)))
    distances = np.asarray(distances, np.float64)[:, 0]
    different = distances[distances > 1e-3 * np.median(distances)]
    return factor * float(np.quantile(different, quantile)) if len(different) else 0.0


def near_duplicates(samples: np.ndarray, radius: float) -> np.ndarray:
    """How many other samples lie within the radius of each, int32 [N].

    Args:
      samples: points, images or features [N, D].
      radius: Euclidean distance up to which two samples count as near-duplicates.
    """
    chex.assert_rank(samples, 2)
    (points,) = centred(samples)
    with jax.enable_x64(points.dtype == np.float64):
        return np.asarray(_near_duplicates(points, points.dtype.type(radius), rows=rows_for(len(points))))


@partial(jax.jit, static_argnames="rows")
def _near_duplicates(points: jax.Array, radius: jax.Array, *, rows: int) -> jax.Array:
    def count(chunk: jax.Array) -> jax.Array:
        return (squared_distances(chunk, points) <= jnp.square(radius)).sum(1, dtype=jnp.int32)

    counts: jax.Array = lax.map(count, in_chunks(points, rows))
    return counts.reshape(-1)[: len(points)] - 1  # each is near itself


def collisions(samples: np.ndarray, radius: float) -> Collisions:
    """How often two samples are near-duplicates, and the size of the support that follows.

    Args:
      samples: points, images or features [N, D], N of at least 3.
      radius: Euclidean distance up to which two samples count as near-duplicates: `duplicate_radius` of the data.
    """
    probability = collision_probability(near_duplicates(samples, radius))
    support = Estimate(*(1 / p if p > 0 else math.inf for p in (probability.value, probability.high, probability.low)))
    return Collisions(probability, support)


def collision_probability(partners: np.ndarray) -> Estimate:
    """The probability that two samples are near-duplicates, from the number of near-duplicates of each sample.

    The mean over all pairs is unbiased: a U-statistic of order 2 (Hoeffding 1948,
    https://doi.org/10.1214/aoms/1177730196), with variance 4 c / N + 2 p (1 - p) / (N (N - 1)) up to order 1 / N^2. Its
    second part alone is there where all samples are equally likely; c = P(both of two samples repeat a third) - p^2 is
    estimated without bias from the triples. The interval holds the probabilities m that the score test does not
    reject, with c taken to go as m^(3/2) (1 - m^(1/2)): how it goes where one sample alone is frequent. Its lower end
    counts half a pair less, as pairs are whole. Without a pair it ends at 3.8 (the rule of three, for two sides)
    divided by the number of pairs, which supposes that few repeats come one by one.

    Args:
      partners: number of near-duplicates of each sample [N], N of at least 3.
    """
    partners = np.asarray(partners, np.float64)
    total = len(partners)
    pairs = total * (total - 1)
    value = float(partners.sum()) / pairs
    if value == 0:
        return Estimate(0.0, 0.0, 2 * Z**2 / (pairs + 2 * Z**2))
    if value == 1:
        return Estimate(1.0, total / (total + 2 * Z**2), 1.0)
    shared = float((partners * (partners - 1)).sum()) / (pairs * (total - 2)) - value**2
    scale = max(shared, 0.0) / (value**1.5 * (1 - value**0.5))

    def reach(mean: float) -> float:
        return Z * math.sqrt(4 * scale * mean**1.5 * (1 - mean**0.5) / total + 2 * mean * (1 - mean) / pairs)

    low = optimize.brentq(lambda mean: value - 1 / pairs - mean - reach(mean), 0.0, value, xtol=1e-6 * value)
    high = optimize.brentq(lambda mean: mean - value - reach(mean), value, 1.0, xtol=1e-6 * value)
    return Estimate(value, low, high)
