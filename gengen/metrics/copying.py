"""Memorised training data: samples that lie much nearer to one training example than to any other.

The ratio of the distances to the nearest and to the second nearest training example is small for a copy, whatever the
scale of the distances: Yoon et al. 2023, https://openreview.net/forum?id=shciCbSk9h, count diffusion samples below 1/3.
Real data fall below any limit too where they have few dimensions, so the limit is learnt from data that were held out.
"""

import math
from typing import NamedTuple

import chex
import numpy as np
from scipy import stats

from gengen.metrics.interval import LEVEL, Estimate, of_share
from gengen.metrics.neighbours import nearest

SAME = 0.001
"""Part of the usual distance to the second nearest training example up to which a distance counts as 0."""


class CopyLimit(NamedTuple):
    """The ratio below which a sample counts as a copy.

    Attributes:
      ratio: the limit, with its interval over fresh held-out data.
      same: distance up to which a sample and a training example are the same, in units of the coordinates.
    """

    ratio: Estimate
    same: float


class Copies(NamedTuple):
    """Which samples are copies of which training examples.

    Attributes:
      share: share of samples that are copies.
      copied: whether each sample is a copy [N].
      nearest: index of the nearest training example of each sample [N].
      ratio: distance to the nearest training example divided by that to the second nearest [N]; 0 where both are 0.
    """

    share: Estimate
    copied: np.ndarray
    nearest: np.ndarray
    ratio: np.ndarray


def fit_limit(held_out: np.ndarray, train: np.ndarray, *, largest: float = 0.5, quantile: float = 0.005) -> CopyLimit:
    """Learns from held-out data how small the ratio of a sample that is no copy may be.

    The limit is the smaller of `largest` and the quantile of the held-out ratios, so that at most about this share of
    real data counts as copies. Held-out data at distance 0 from training data (up to a thousandth of the usual
    distance) are left out, as both sets may share some.

    Args:
      held_out: real data that the model was not trained on [H, D].
      train: what it was trained on [M, D], M of at least 3.
      largest: the limit never exceeds this.
      quantile: share of the held-out ratios that the limit may exceed.
    """
    chex.assert_rank((held_out, train), 2)
    distances, _ = _two_nearest(held_out, train)
    same = SAME * float(np.median(distances[:, 1]))
    ratios = np.sort(_ratios(distances[distances[:, 0] > same], same))
    if not len(ratios):
        return CopyLimit(Estimate(largest, largest, largest), same)
    # The number of ratios below the true quantile is binomial: its own quantiles say which ratios enclose it.
    first, last = stats.binom.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2], len(ratios), quantile).astype(int)
    low = ratios[max(first - 1, 0)]  # the smallest one seen, where none would be surer: copies lie far below it
    ends = np.quantile(ratios, quantile), low, ratios[min(last, len(ratios) - 1)]
    return CopyLimit(Estimate(*(min(largest, float(end)) for end in ends)), same)


def copied(generated: np.ndarray, train: np.ndarray, limit: CopyLimit, *, exclude: np.ndarray | None = None) -> Copies:
    """Finds the samples that are copies of training examples.

    A sample is a copy where the ratio of its distances to the nearest and the second nearest training example is below
    the limit, or where both distances are 0. Training data may hold an example twice: the second of two that are equal
    is passed over.

    Args:
      generated: samples [N, D].
      train: what the model was trained on [M, D], at least 3 for each sample to choose from.
      limit: what `fit_limit` gave for the same training data.
      exclude: training example that each sample must not be compared with [N]: its own index, where training data
        stand in for samples.

    Returns:
      The copies; the interval of their share covers fresh samples and fresh held-out data.
    """
    chex.assert_rank((generated, train), 2)
    distances, indices = _two_nearest(generated, train, exclude)
    ratios = _ratios(distances, limit.same)
    copies = ratios < limit.ratio.value
    share = of_share(int(copies.sum()), len(ratios))
    # How far the limit may be off moves the share too; the two parts add in squares (Zou and Donner 2008,
    # https://doi.org/10.1002/sim.3095).
    fewer, more = (float((ratios < end).mean()) for end in (limit.ratio.low, limit.ratio.high))
    low = share.value - math.hypot(share.value - share.low, share.value - fewer)
    high = share.value + math.hypot(share.high - share.value, more - share.value)
    return Copies(Estimate(share.value, max(low, 0.0), min(high, 1.0)), copies, indices, ratios)


def _two_nearest(
    points: np.ndarray, train: np.ndarray, exclude: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Distances of points to the nearest two training examples that differ [N, 2], and the index of the first [N]."""
    distances, indices = nearest(points, train, k=3, exclude=exclude)
    tied = np.flatnonzero(np.isclose(distances[:, 0], distances[:, 1], rtol=1e-6))
    twice = tied[(train[indices[tied, 0]] == train[indices[tied, 1]]).all(1)]
    distances[twice, 1] = distances[twice, 2]
    return distances[:, :2], indices[:, 0]


def _ratios(distances: np.ndarray, same: float) -> np.ndarray:
    """Ratio of the first to the second of two distances [N, 2], 0 where both are at most `same` [N]."""
    first, second = np.asarray(distances, np.float64).T
    return np.where(second <= same, 0.0, first / np.maximum(second, np.finfo(np.float64).tiny))
