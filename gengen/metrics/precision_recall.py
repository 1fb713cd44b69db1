"""Precision and recall, density and coverage: what balls around samples say of fidelity and diversity.

Kynkaanniemi et al. 2019, https://arxiv.org/abs/1904.06991, and Naeem et al. 2020, https://arxiv.org/abs/2002.09797.
The ball of a sample reaches to its k-th nearest other sample of the same set.

Every score is a mean of one term a sample, but the terms share balls, so they are not independent. How much more their
mean varies than a mean of independent terms does, the design effect (Kish 1965, Survey Sampling), is measured on
halves: both sets are cut into 16 random groups, and 15 orthogonal ways to put 8 groups on either side (McCarthy 1969,
Pseudo-replication: half samples) give 15 pairs of halves. The two scores of a pair come from different samples, so a
quarter of their squared difference is the variance of a mean over both, whatever the score. (A jackknife counts twice
what hangs on pairs of samples: on Gaussians and mixtures in 2 to 64 dimensions it found 1.1 to 6 times the true
variance, this found 0.8 to 1.5 times.) All halves are scored in one pass over the distances.
"""

from typing import NamedTuple

import jax
import numpy as np
from scipy import stats

from gengen.metrics.balls import GROUPS, radii, subsets, terms
from gengen.metrics.interval import LEVEL, Estimate, around
from gengen.metrics.neighbours import centred, rows_for


class ManifoldScores(NamedTuple):
    """The four scores.

    Attributes:
      precision: share of generated samples that lie in the ball of a reference sample.
      recall: share of reference samples that lie in the ball of a generated sample.
      density: mean number of reference balls that a generated sample lies in, divided by k; 1 is expected where both
        distributions are equal, and there is no upper limit.
      coverage: share of reference samples whose ball holds a generated sample.
    """

    precision: Estimate
    recall: Estimate
    density: Estimate
    coverage: Estimate


def manifold_scores(
    reference: np.ndarray,
    generated: np.ndarray,
    *,
    precision_k: int = 3,
    density_k: int = 5,
    seed: int = 0,
    rows: int | None = None,
) -> ManifoldScores:
    """Precision and recall (Kynkaanniemi et al. 2019, section 2), density and coverage (Naeem et al. 2020, section 3).

    A point on the edge of a ball lies in it. Memory stays bounded: a few rows of the matrix of distances are held at a
    time. The value does not depend on the seed, its interval does.

    Args:
      reference: features of data [M, D].
      generated: features of samples [N, D]. Where one of both is float64, all is computed in float64.
      precision_k: which neighbour a ball reaches to in precision and recall.
      density_k: which neighbour a ball reaches to in density and coverage.
      seed: seed of the groups that the intervals come from.
      rows: rows of the matrix of distances held at a time; by default as many as fit the caches.

    Raises:
      ValueError: half of a set is too small for its balls, or the features are no finite [M, D] and [N, D].
    """
    found = _measured(reference, generated, precision_k, density_k, seed, rows)
    count, variance, effective = _moments(found.counts, found.at_y)
    density = around(count / density_k, variance / (density_k**2 * effective), GROUPS - 1)
    return ManifoldScores(
        precision=_share(*_moments(found.inside, found.at_y)),
        recall=_share(*_moments(found.recalled, found.at_x)),
        density=density._replace(low=max(density.low, 0.0)),
        coverage=_share(*_moments(found.covered, found.at_x)),
    )


def manifold_differences(
    reference: np.ndarray,
    generated: np.ndarray,
    other: np.ndarray,
    *,
    precision_k: int = 3,
    density_k: int = 5,
    seed: int = 0,
    rows: int | None = None,
) -> dict[str, tuple[float, float, int]]:
    """By how much scores of two sets differ that are compared with one reference.

    Both are scored on the same halves of the reference, so what its examples have in common leaves the difference of
    the halves, whose variance is estimated as that of one set's halves is. It is never less than that of independent
    terms: of samples for precision, and for recall and coverage of the differences at each example of the reference.

    Args:
      reference: features of data [M, D].
      generated: features of samples [N, D].
      other: features of what stands beside them [K, D].
      precision_k: as for `manifold_scores`.
      density_k: as for `manifold_scores`.
      seed: of the groups.
      rows: as for `manifold_scores`.

    Returns:
      For "precision", "recall" and "coverage" the score of `generated` less that of `other`, its variance, and the
      variance's degrees of freedom.

    Raises:
      ValueError: as `manifold_scores` does.
    """
    first, second = (
        _measured(reference, samples, precision_k, density_k, seed, rows) for samples in (generated, other)
    )
    independent = {
        "precision": sum(found.inside[0].var() / len(found.inside[0]) for found in (first, second)),
        "recall": (first.recalled[0] - second.recalled[0]).var() / len(reference),
        "coverage": (first.covered[0] - second.covered[0]).var() / len(reference),
    }
    differences = {}
    for name, least in independent.items():
        apart = first.means(name) - second.means(name)
        halves = apart[1:].reshape(-1, 2)
        spread = np.square(halves[:, 0] - halves[:, 1]).mean() / 4
        differences[name] = float(apart[0]), float(max(spread, least)), GROUPS - 1
    return differences


class _Measured(NamedTuple):
    """The terms of each score within each subset, float64 [31, N or M], and who is in which subset, bool [31, N or M].

    Attributes:
      inside: whether a generated sample is in a hull.
      counts: the number of balls that it is in.
      recalled: whether a reference sample is in a hull of the generated ones.
      covered: whether its ball holds one.
      at_x: which reference samples are in which subset.
      at_y: which generated samples are.
    """

    inside: np.ndarray
    counts: np.ndarray
    recalled: np.ndarray
    covered: np.ndarray
    at_x: np.ndarray
    at_y: np.ndarray

    def means(self, name: str) -> np.ndarray:
        """The score of a name within each subset [31]."""
        terms, members = {
            "precision": (self.inside, self.at_y),
            "recall": (self.recalled, self.at_x),
            "coverage": (self.covered, self.at_x),
        }[name]
        return np.asarray((terms * members).sum(1) / members.sum(1))


def _measured(
    reference: np.ndarray, generated: np.ndarray, precision_k: int, density_k: int, seed: int, rows: int | None
) -> _Measured:
    least = GROUPS * max(2, max(precision_k, density_k) // (GROUPS // 2) + 1)
    if min(len(reference), len(generated)) < least:
        raise ValueError(f"{len(reference)} reference and {len(generated)} generated samples; each must be {least}")
    random = np.random.default_rng(seed)
    x, y = (points[random.permutation(len(points))] for points in centred(reference, generated))
    halves = subsets()
    with jax.enable_x64(x.dtype == np.float64):
        reaches = radii(x, halves, ks=(precision_k, density_k), rows=rows or rows_for(len(x)))
        reaches += radii(y, halves, ks=(precision_k,), rows=rows or rows_for(len(y)))
        found = terms(x, y, halves, *map(np.asarray, reaches), rows=rows or rows_for(len(y)))
    floats = [np.asarray(term, np.float64) for term in found]
    return _Measured(*floats, *(halves[:, np.arange(len(points)) % GROUPS] for points in (x, y)))


def _moments(terms: np.ndarray, members: np.ndarray) -> tuple[float, float, float]:
    """Mean and variance of the terms of all samples, and how many independent terms would have so precise a mean.

    The variance of the halves' means is compared with that of independent terms, of halves and of all samples, and the
    larger effect is taken: the first one holds where the effect does not change with N, the second where the variance
    of the mean goes as 1 / N though that of the terms changes.

    The expected variance is never less than that of independent terms for precision, recall and density, whose terms
    are independent given the other set, so a design effect below 1 is taken for noise.

    Args:
      terms: one term a sample within each subset [31, N].
      members: which samples are in which subset, bool [31, N].
    """
    sizes = members.sum(1)
    means = (terms * members).sum(1) / sizes
    variances = np.maximum((np.square(terms) * members).sum(1) / sizes - means**2, 0)
    halves = means[1:].reshape(-1, 2)
    spread = np.square(halves[:, 0] - halves[:, 1]).mean() / 4
    independent = [variance / sizes[0] for variance in (variances[0], variances[1:].mean()) if variance > 0]
    effect = max(spread / min(independent), 1.0) if independent else 1.0
    return float(means[0]), float(variances[0]), float(sizes[0] / effect)


def _share(share: float, variance: float, effective: float) -> Estimate:
    """Wilson's interval (1927) for a share of `effective` independent samples, with Student's quantile."""
    quantile = float(stats.t.ppf((1 + LEVEL) / 2, GROUPS - 1))
    pull = quantile**2 / effective
    middle = (share + pull / 2) / (1 + pull)
    half = quantile * np.sqrt(variance / effective + pull / (4 * effective)) / (1 + pull)
    return Estimate(share, float(np.clip(middle - half, 0, share)), float(np.clip(middle + half, share, 1)))
