"""By how much each score of samples is worse than that of real data."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from gengen.metrics.classes import divergence, histogram
from gengen.metrics.difference import Difference, of_estimates, of_variance
from gengen.metrics.examples import Examples, Real
from gengen.metrics.frechet import frechet_difference
from gengen.metrics.interval import Estimate
from gengen.metrics.kernel import kernel_difference
from gengen.metrics.measures import labels_of, measure
from gengen.metrics.precision_recall import manifold_differences
from gengen.metrics.scores import AS_REAL, SCORES


class Compared(NamedTuple):
    """A score of samples beside that of real data.

    Attributes:
      samples: score of the samples, of as many as there are real data to compare with.
      real: of real data.
      difference: of both.
      number: of how many examples each is, where these are not all.
    """

    samples: Estimate
    real: Estimate
    difference: Difference
    number: int = 0


def compare(
    real: Real,
    samples: Examples,
    floor: Examples,
    found: Mapping[str, Estimate],
    found_of_floor: Mapping[str, Estimate],
) -> dict[str, Compared]:
    """Compares samples with real data by every score that was measured and has a direction.

    Distances, precision, recall and coverage look at the same reference for both, so the difference is taken before its
    variance. Other scores are independent. What stands for real data are the training examples (the floor), as both are
    compared with held-out ones; where a score looks at the samples alone, through a classifier that the training
    examples taught, it is the held-out ones, and as many samples. A difference counts where samples are worse: better
    ones than real data are of the classifier, which knows the floor, or hidden in another score.

    Args:
      real: the data.
      samples: the examples judged.
      floor: as many training examples in their place.
      found: scores of the samples.
      found_of_floor: scores of the floor.
    """
    names = [name for name in found if SCORES[name].better != AS_REAL]
    compared: dict[str, Compared] = {}
    for group, function in _DIFFERENCES.items():
        if wanted := set(group) & set(names):
            made = dict(zip(group, function(real, samples, floor), strict=True))
            compared |= {name: Compared(found[name], found_of_floor[name], made[name]) for name in wanted}
    heard = [name for name in names if SCORES[name].taught]
    if heard:
        few = min(len(samples.data), len(real.reference.data))
        pair = [measure(real, examples.first(few), heard) for examples in (samples, real.reference)]
        compared |= {name: _independent(name, pair[0][name], pair[1][name], few) for name in heard}
    for name in names:
        if name not in compared:
            compared[name] = _independent(name, found[name], found_of_floor[name])
    return {name: compared[name] for name in names}


def _independent(name: str, samples: Estimate, real: Estimate, number: int = 0) -> Compared:
    return Compared(samples, real, of_estimates(samples, real, lower=SCORES[name].better == "lower"), number)


def _frechet(real: Real, samples: Examples, floor: Examples) -> Sequence[Difference]:
    value, variance = frechet_difference(real.reference.features, samples.features, floor.features)
    return (of_variance(value, variance, lower=True),)


def _kernel(real: Real, samples: Examples, floor: Examples) -> Sequence[Difference]:
    value, variance, degrees = kernel_difference(real.reference.features, samples.features, floor.features)
    return (of_variance(value, variance, lower=True, degrees=degrees),)


def _manifold(real: Real, samples: Examples, floor: Examples) -> Sequence[Difference]:
    found = manifold_differences(real.reference.features, samples.features, floor.features)
    differences = (found[name] for name in ("precision", "recall", "coverage"))
    return [of_variance(value, variance, lower=False, degrees=degrees) for value, variance, degrees in differences]


def _classes(real: Real, samples: Examples, floor: Examples) -> Sequence[Difference]:
    """The divergence of classes; how probable it is by the G-test of homogeneity with all training examples.

    The floor is drawn from the examples that the data's shares are of, and nearer to them than fresh ones are.
    """
    assert real.counts is not None and real.shares is not None
    labels = labels_of(samples)
    apart = of_estimates(divergence(labels, real.shares), divergence(labels_of(floor), real.shares), lower=True)
    table = np.stack([histogram(labels, len(real.counts)), real.counts])
    found = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    certain = found.pvalue == 0  # too small a probability for a number
    return (apart._replace(worse=float(found.statistic**0.5 if certain else stats.norm.isf(found.pvalue))),)


_DIFFERENCES: Mapping[tuple[str, ...], Callable[[Real, Examples, Examples], Sequence[Difference]]] = {
    ("frechet_distance",): _frechet,
    ("kernel_distance",): _kernel,
    ("precision", "recall", "coverage"): _manifold,
    ("class_divergence",): _classes,
}
