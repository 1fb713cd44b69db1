"""A score is an estimate: a number with the interval that holds its expectation at the same sample sizes.

Every interval here is a 95 % confidence interval for the *finite-sample expectation*: what the score would be on
average over fresh samples of the same sizes. Scores such as the Fréchet distance are biased when samples are few, and
no interval shows that bias; the floor beside a score, measured on data with the same sample sizes, does.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

LEVEL = 0.95
"""Confidence of every interval."""


Z = float(stats.norm.ppf((1 + LEVEL) / 2))
"""Half the width of an interval of this level, in standard deviations of the normal distribution."""


class Estimate(NamedTuple):
    """A number and its 95 % interval.

    Attributes:
      value: the score.
      low: lower end of the interval.
      high: upper end of the interval.
    """

    value: float
    low: float
    high: float


def around(value: float, variance: float, degrees: float = math.inf) -> Estimate:
    """Puts Student's interval around a value.

    Args:
      value: the score.
      variance: estimated variance of the score over fresh samples.
      degrees: degrees of freedom of that estimate; infinite for the normal distribution.
    """
    half = float(stats.t.ppf((1 + LEVEL) / 2, degrees)) * math.sqrt(max(variance, 0.0))
    return Estimate(float(value), float(value) - half, float(value) + half)


def around_positive(value: float, variance: float, degrees: float = math.inf) -> Estimate:
    """Puts an interval around a squared distance or divergence that is skewed towards high values near 0.

    Student's interval of the value's logarithm, whose variance is `variance` / value^2: [value / f, value f].

    Args:
      value: the score.
      variance: estimated variance of the score over fresh samples.
      degrees: degrees of freedom of that estimate; infinite for the normal distribution.
    """
    half = around(0.0, variance, degrees).high
    if value <= 0:
        return Estimate(0.0, 0.0, half)
    factor = math.exp(min(half / value, 700.0))
    return Estimate(float(value), float(value) / factor, float(value) * factor)


def of_blocks(values: Sequence[float] | np.ndarray) -> Estimate:
    """The mean of a score measured on disjoint blocks of samples, values [B], B of at least 2.

    The blocks are independent, so Student's interval of their mean is right whatever the score.
    """
    values = np.asarray(values, np.float64)
    return around(values.mean(), values.var(ddof=1) / len(values), len(values) - 1)


def of_share(count: float, total: int) -> Estimate:
    """A share of independent samples, with Wilson's interval (1927), which holds near 0 and 1 too."""
    interval = stats.binomtest(round(count), total).proportion_ci(LEVEL, method="wilson")
    return Estimate(count / total, float(interval.low), float(interval.high))
