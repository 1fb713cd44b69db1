"""The sliced Wasserstein distance: what it takes to move one set of features onto another, seen along many directions.

Along a direction the best transport pairs quantiles, which sorting finds (Rabin et al. 2012,
https://doi.org/10.1007/978-3-642-24785-9_37; Bonneel et al. 2015). On features of Inception it is the Monge Inception
distance of Berthet et al. 2026, https://arxiv.org/abs/2605.06797, which needs fewer samples than a Fréchet distance and
sees more than means and covariances.
"""

from collections.abc import Iterator

import chex
import numpy as np

from gengen.metrics.interval import Estimate, around_positive

DIRECTIONS = 512
"""The fewest directions: whole orthonormal bases, of which one has as many as there are features."""

GROUPS = 10
"""Parts of both sets, each of which is left out once for the interval."""

CHUNK = 64
"""Directions that are sorted at a time."""


def sliced_wasserstein(reference: np.ndarray, samples: np.ndarray, *, seed: int = 0) -> Estimate:
    """D times the mean over directions of the squared Wasserstein distance of order 2 between projections.

    By the factor D, the number of features, a shift by a vector c costs |c|^2, as in the Fréchet distance: directions
    are drawn as whole orthonormal bases, so that this holds exactly and not on average.

    The variance is the jackknife's over `GROUPS` parts of both sets at once. Sets of finite size lie apart even if
    their distributions are one: the floor beside the score, of the same sizes, shows by how much.

    Args:
      reference: features of the data [N, D].
      samples: features of the samples [M, D].
      seed: of the directions.

    Raises:
      ValueError: there are fewer than two in each of the `GROUPS`, or the numbers of features differ.
    """
    chex.assert_rank((reference, samples), 2)
    if reference.shape[1] != samples.shape[1]:
        raise ValueError(f"the features are of {reference.shape[1]} and {samples.shape[1]} dimensions")
    if min(len(reference), len(samples)) < 2 * GROUPS:
        raise ValueError(f"it takes {2 * GROUPS} examples of each, not {len(reference)} and {len(samples)}")
    kept = [_kept(len(reference), len(samples), group) for group in (None, *range(GROUPS))]
    sums, number = np.zeros(len(kept)), 0
    for directions in _directions(reference.shape[1], seed):
        one, other = reference @ directions, samples @ directions
        sums += [_transport(one[rows], other[columns]) for rows, columns in kept]
        number += directions.shape[1]
    whole, *without = reference.shape[1] * sums / number
    variance = (GROUPS - 1) / GROUPS * ((without - np.mean(without)) ** 2).sum()
    return around_positive(float(whole), float(variance), GROUPS - 1)


def _kept(number: int, others: int, group: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Which of both sets are left where a group of each is left out: every `GROUPS`-th, as they come."""
    rows, columns = np.arange(number), np.arange(others)
    return rows[rows % GROUPS != group], columns[columns % GROUPS != group]


def _directions(features: int, seed: int) -> Iterator[np.ndarray]:
    """Orthonormal bases, together [D, at least `DIRECTIONS`], a few columns at a time."""
    drawn = np.random.default_rng(seed).standard_normal((-(-DIRECTIONS // features), features, features))
    bases = np.concatenate(np.linalg.qr(drawn).Q, axis=1).astype(np.float32)
    for start in range(0, bases.shape[1], CHUNK):
        yield bases[:, start : start + CHUNK]


def _transport(one: np.ndarray, other: np.ndarray) -> float:
    """The squared distance of order 2 between projections [N, K] and [M, K], summed over the K directions.

    Both quantile functions are constant between the multiples of 1 / N and of 1 / M.
    """
    one, other = np.sort(one, axis=0), np.sort(other, axis=0)
    if len(one) == len(other):
        return float(((one - other).astype(np.float64) ** 2).mean(0).sum())
    steps = np.union1d(np.arange(1, len(one) + 1) * len(other), np.arange(1, len(other) + 1) * len(one))
    widths = np.diff(steps, prepend=0) / (len(one) * len(other))
    middle = steps - 1  # the steps are whole numbers, so each interval holds the one before its end
    apart = one[middle // len(other)] - other[middle // len(one)]
    return float((widths[:, None] * apart.astype(np.float64) ** 2).sum())
