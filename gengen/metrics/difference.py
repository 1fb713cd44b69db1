"""How much worse one score is than another of its kind, and whether that is more than chance.

Two intervals that touch do not say that two scores are alike, nor do two that do not touch look at more than one score:
what is tested is the difference, and of several differences no more than one in twenty sets has a false alarm at all.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

from scipy import stats

from gengen.metrics.interval import LEVEL, Estimate, Z, around


class Difference(NamedTuple):
    """A score of samples less that of real images.

    Attributes:
      value: the difference, in units of the score.
      low: lower end of its 95 % interval.
      high: upper end.
      worse: by how many standard errors of a normal distribution the samples are worse; below 0 where they are better.
    """

    value: float
    low: float
    high: float
    worse: float

    @property
    def p_value(self) -> float:
        """How probable it is that samples which are as good look at least so much worse."""
        return float(stats.norm.sf(self.worse))


def of_variance(value: float, variance: float, *, lower: bool, degrees: float = math.inf) -> Difference:
    """The difference of two scores whose errors may have a part in common.

    Args:
      value: the difference, samples less real images.
      variance: of the difference.
      lower: whether a lower score is better.
      degrees: degrees of freedom of the variance; infinite for the normal distribution.
    """
    if variance <= 0:
        return Difference(
            value, value, value, 0.0 if value == 0 else math.copysign(math.inf, value if lower else -value)
        )
    worse = (value if lower else -value) / math.sqrt(variance)
    if math.isfinite(degrees):
        # The normal quantile of the same probability, from the tail that is not rounded to 1.
        worse = math.copysign(float(stats.norm.isf(stats.t.sf(abs(worse), degrees))), worse)
    return Difference(*around(value, variance, degrees), worse)


def of_estimates(samples: Estimate, real: Estimate, *, lower: bool) -> Difference:
    """The difference of two scores whose errors have nothing in common, by their intervals, which may be skewed.

    The halves of the intervals that face each other add in squares: Zou and Donner 2008,
    https://doi.org/10.1002/sim.3095; of two shares that is Newcombe's method 10 (1998).

    Args:
      samples: score of the samples.
      real: of real images.
      lower: whether a lower score is better.
    """
    value = samples.value - real.value
    low = value - math.hypot(samples.value - samples.low, real.high - real.value)
    high = value + math.hypot(samples.high - samples.value, real.value - real.low)
    facing = value - low if value > 0 else high - value
    if facing <= 0:
        return of_variance(value, 0.0, lower=lower)
    return Difference(value, low, high, Z * (value if lower else -value) / facing)


def told_apart(differences: Mapping[str, Difference], level: float = 1 - LEVEL) -> list[str]:
    """Which scores of samples are worse than those of real images, the clearest first.

    Holm's method (1979, https://www.jstor.org/stable/4615733): where samples are as good as real images, the
    probability that any score is named is at most the level, however many there are and whatever they have in common.

    Args:
      differences: of every score that is looked at.
      level: the probability of a false alarm.
    """
    order = sorted(differences, key=lambda name: -differences[name].worse)
    named = []
    for index, name in enumerate(order):
        if differences[name].p_value > level / (len(order) - index):
            break
        named.append(name)
    return named
