"""Which classes a classifier sees in the samples: their shares, how far these are from the data's, and how sure it is.

The reference shares are taken as known; only the samples vary.
"""

import math

import chex
import numpy as np
from scipy import special

from gengen.metrics.interval import Estimate, Z, around, of_share


def histogram(labels: np.ndarray, classes: int) -> np.ndarray:
    """Counts [K] of the labels [N].

    Args:
      labels: integers in [0, K), [N].
      classes: K.

    Raises:
      ValueError: a label is not in [0, K).
    """
    labels = np.asarray(labels)
    chex.assert_rank(labels, 1)
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(f"labels lie in [{labels.min()}, {labels.max()}] and not in [0, {classes})")
    return np.bincount(labels, minlength=classes)


def shares(labels: np.ndarray, classes: int) -> list[Estimate]:
    """The share of each class among the predicted labels.

    Args:
      labels: predicted labels of the samples, integers in [0, K), [N].
      classes: K.

    Returns:
      K shares with Wilson's intervals, each for itself: in four of ten draws, at least one of ten intervals misses.
    """
    counts = histogram(labels, classes)
    return [of_share(count, len(labels)) for count in counts]


def confidence(probabilities: np.ndarray) -> Estimate:
    """The mean over samples of the classifier's largest probability; 1 / K where it cannot tell, 1 where it is sure.

    Args:
      probabilities: of K classes for each of N samples, [N, K], N of at least 2.
    """
    chex.assert_rank(probabilities, 2)
    largest = np.asarray(probabilities, np.float64).max(1)
    return around(largest.mean(), largest.var(ddof=1) / len(largest), len(largest) - 1)


def divergence(labels: np.ndarray, reference: np.ndarray) -> Estimate:
    """The Kullback-Leibler divergence of the samples' histogram over classes from the data's shares.

    KL(histogram || reference), called reverse KL where a model's histogram is compared with a uniform one: Metz et al.
    2017, https://arxiv.org/abs/1611.02163, section 3.3, and Srivastava et al. 2017, https://arxiv.org/abs/1705.07761.

    Args:
      labels: predicted labels of the samples, integers in [0, K), [N].
      reference: share of each class in the data [K], all positive; scaled to a sum of 1.

    Returns:
      The divergence in nats; about (K - 1) / (2 N) on average where the shares are the same.

    Raises:
      ValueError: a label is not in [0, K), there is none, or a reference share is not positive.
    """
    return divergence_of_counts(histogram(labels, len(reference)), reference)


def divergence_of_counts(counts: np.ndarray, reference: np.ndarray) -> Estimate:
    """KL(counts / n || reference) in nats, n the sum of the counts, with 0 log 0 = 0, and its interval.

    With T the divergence, 2 n T is about a noncentral chi-square variable with d degrees of freedom, one less than the
    classes seen, where the shares are near the reference (its mean m has the variance 2 d + 4 (m - d)), and normal with
    the delta method's variance 4 n^2 L far from it. n J, with J the delta method's variance at the histogram times n,
    has about the expectation n^2 L + d in both cases. So 2 d + 4 (n J - d) estimates the variance of 2 n T, and the
    interval is that of the means m which the score test with this variance, as it moves with m, does not reject.
    Where a rare class would lower the divergence by more than that if it were as large as Wilson's interval allows (a
    class that is missing says nothing through its variance), the interval goes down as far: the two parts add in
    squares (Zou and Donner 2008, https://doi.org/10.1002/sim.3095).

    Args:
      counts: samples of each class [K].
      reference: share of each class in the data [K], all positive; scaled to a sum of 1.

    Raises:
      ValueError: the counts are all zero, or a reference share is not positive.
    """
    reference = np.asarray(reference, np.float64)
    if not (reference > 0).all():
        raise ValueError(f"reference={reference.tolist()} must be positive")
    reference = reference / reference.sum()
    total = int(np.sum(counts))
    if total == 0:
        raise ValueError("counts are all zero: there is no histogram to compare")
    share = np.asarray(counts, np.float64) / total
    value = float(special.rel_entr(share, reference).sum())
    logs = np.log(np.where(share > 0, share, 1.0) / np.where(share > 0, reference, 1.0))
    degrees = int(np.count_nonzero(share)) - 1
    down, up = _score_limits(degrees, total * float((share * (logs - value) ** 2).sum()) - degrees)
    below = math.hypot(down / (2 * total), *_rare(share, reference, value, total))
    return Estimate(value, max(value - below, 0.0), value + up / (2 * total))


def _score_limits(degrees: int, excess: float) -> tuple[float, float]:
    """How far below and above 2 n T its mean may lie: x^2 = z^2 (2 d + 4 max(excess + x, 0)), x signed."""
    least = Z * math.sqrt(2 * degrees)
    inside = 4 * Z**2 + 2 * degrees + 4 * excess
    if inside <= 0:
        return least, least
    low, high = 2 * Z**2 - Z * math.sqrt(inside), 2 * Z**2 + Z * math.sqrt(inside)
    return -low if excess + low >= 0 else least, max(high, least)


def _rare(share: np.ndarray, reference: np.ndarray, value: float, total: int) -> np.ndarray:
    """What each class adds to the lower half of the interval [K]: how far T falls if it is as large as it may be.

    Class k grows to Wilson's upper limit, at most to its reference share, and the others shrink in proportion. What
    the delta method knows already is taken off (in squares).
    """
    spread = Z * np.sqrt(share * (1 - share) / total + (Z / (2 * total)) ** 2)
    limit = (share + Z**2 / (2 * total) + spread) / (1 + Z**2 / total)
    limit = np.maximum(np.minimum(limit, reference), share)
    kept = (1 - limit) / np.maximum(1 - share, 1 / (2 * total))
    own = special.rel_entr(share, reference)
    grown = special.rel_entr(limit, reference) + kept * (value - own) + special.xlogy(1 - limit, kept)
    logs = np.log(np.where(share > 0, share, 1.0) / reference)
    known = Z**2 * share / total * (logs - value) ** 2
    return np.asarray(np.sqrt(np.maximum(np.maximum(value - grown, 0.0) ** 2 - known, 0.0)))
