"""Number of statistically different bins: in which regions of the data there are too many or too few samples.

Richardson and Weiss 2018, https://arxiv.org/abs/1805.12462: the data are cut into the cells of k-means, and
each cell's share of the samples is compared with its share of the data by a two-sample test.
"""

import warnings

import chex
import numpy as np
from scipy import stats
from threadpoolctl import threadpool_limits

from gengen.metrics.interval import Estimate, around
from gengen.metrics.neighbours import nearest

SIGNIFICANCE = 0.05
"""Level of the test of each bin; so this share of the bins differs by chance where the distributions are the same."""

GRID = np.arange(0.0, 8.0, 0.1)
"""Sizes of a true z-score among which their distribution is estimated; a test never misses the largest."""

ROUNDS = 50
"""Steps of expectation-maximisation; the interval hardly changes between 20 and 100."""


def fit_bins(reference: np.ndarray, *, bins: int = 100, smallest: int = 20, seed: int = 0) -> np.ndarray:
    """Finds the bins by k-means (Lloyd's algorithm, one start by k-means++) with Euclidean distances.

    Args:
      reference: data, or features of data [M, D].
      bins: number of bins K where there are enough data, 100 in the paper.
      smallest: how many data a bin must have on average; fewer data get fewer bins, at least 2.
      seed: of the start; the same data and seed give the same bins.

    Returns:
      Centres of the bins [K, D] with K = max(2, min(bins, M // smallest)), or fewer where fewer data are distinct.
    """
    from sklearn.cluster import KMeans  # half a second, and a run that trains needs it when it is first judged
    from sklearn.exceptions import ConvergenceWarning

    chex.assert_rank(reference, 2)
    reference = np.asarray(reference)
    wanted = max(2, min(bins, len(reference) // smallest))
    wanted = min(wanted, len(np.unique(reference, axis=0)))
    # One thread: scikit-learn's wait for each other so often that two took 0.3 s on a busy machine where one took 0.01.
    with threadpool_limits(1), warnings.catch_warnings():
        # Data that are distinct by rounding alone may end in fewer bins than asked for, which is all that it says.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(KMeans(wanted, n_init=1, random_state=seed).fit(reference).cluster_centers_)


def z_scores(reference: np.ndarray, generated: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """How far each bin's share of the samples lies from its share of the data [K], in pooled standard errors.

    The two-proportion z-test of Richardson and Weiss 2018; 0 for a bin without data and samples.

    Args:
      reference: data [M, D].
      generated: samples [N, D].
      centres: of the bins [K, D].

    Returns:
      (samples' share - data's share) / standard error [K]: above 0 where there are too many samples.
    """
    chex.assert_rank((reference, generated, centres), 2)
    data, samples = (
        np.bincount(nearest(points, centres)[1][:, 0], minlength=len(centres)) for points in (reference, generated)
    )
    pooled = (data + samples) / (len(reference) + len(generated))
    error = np.sqrt(pooled * (1 - pooled) * (1 / len(reference) + 1 / len(generated)))
    return (samples / len(generated) - data / len(reference)) / np.where(error > 0, error, 1.0)


def different_bins(reference: np.ndarray, generated: np.ndarray, centres: np.ndarray) -> Estimate:
    """The share of bins whose z-score is significant at 5 %, NDB / K of Richardson and Weiss 2018.

    Args:
      reference: data [M, D], those that the bins were fitted to.
      generated: samples [N, D].
      centres: of the bins [K, D], from `fit_bins`.

    Returns:
      The share in [0, 1]; 0.05 where the distributions are the same, and a little less on the data that the bins were
      fitted to. The interval is that of its mean over fresh data and samples in the same bins.
    """
    return share_of_significant(z_scores(reference, generated, centres))


def share_of_significant(scores: np.ndarray) -> Estimate:
    """The share of z-scores [K] that are significant at 5 %, with the interval of its mean over fresh samples.

    A score is normal with variance 1 about a true one, so its bin is significant with a probability p, and the
    variance of the share is the mean of p (1 - p) / K. The distribution of the true scores is estimated by maximum
    likelihood on a grid (Kiefer and Wolfowitz 1956, https://doi.org/10.1214/aoms/1177728066; Laird 1978): where all
    true scores are 0 it is near 0, and p near 0.05, however the noise has spread the scores.
    """
    chex.assert_rank(scores, 1)
    critical = float(stats.norm.ppf(1 - SIGNIFICANCE / 2))
    size = np.abs(scores)
    # The sign of a score is no matter: the densities are those of its size.
    seen = np.minimum(size, GRID[-1])[:, None]
    density = stats.norm.pdf(seen - GRID) + stats.norm.pdf(seen + GRID)
    weights = np.full(len(GRID), 1 / len(GRID))
    for _ in range(ROUNDS):
        posterior = density * weights
        weights = (posterior / posterior.sum(1, keepdims=True)).mean(0)
    power = stats.norm.cdf(GRID - critical) + stats.norm.cdf(-GRID - critical)
    variance = float(weights @ (power * (1 - power))) / len(size)
    share = around(float((size > critical).mean()), variance)
    return Estimate(share.value, max(share.low, 0.0), min(share.high, 1.0))
