"""By how much each score of samples is worse than that of real images."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np
from scipy import stats

from gengen.metrics.classes import divergence, histogram
from gengen.metrics.difference import Difference, of_estimates, of_variance
from gengen.metrics.frechet import frechet_difference
from gengen.metrics.interval import Estimate
from gengen.metrics.kernel import kernel_difference
from gengen.metrics.manifold import manifold_differences
from gengen.metrics.scores import AS_REAL, SCORES, Images, Real, labels_of, measure


class Compared(NamedTuple):
    """A score of samples beside that of real images.

    Attributes:
      samples: score of the samples, of as many as there are real images to compare with.
      real: of real images.
      difference: of both.
      number: of how many images each is, where these are not all.
    """

    samples: Estimate
    real: Estimate
    difference: Difference
    number: int = 0


def compare(
    real: Real,
    samples: Images,
    floor: Images,
    found: Mapping[str, Estimate],
    found_of_floor: Mapping[str, Estimate],
) -> dict[str, Compared]:
    """Compares samples with real images by every score that was measured and has a direction.

    Distances, precision, recall and coverage look at the same reference for both, so the difference is taken before its
    variance. Other scores are independent. What stands for real images are the training images (the floor), as both are
    compared with held-out ones; where a score looks at the samples alone, through a classifier that the training
    images taught, it is the held-out images, and as many samples. A difference counts where samples are worse: better
    ones than real images are of the classifier, which knows the floor, or hidden in another score.

    Args:
      real: the data.
      samples: the images judged.
      floor: as many training images in their place.
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
        few = min(len(samples.pixels), len(real.reference.pixels))
        pair = [measure(real, _first(images, few), heard) for images in (samples, real.reference)]
        compared |= {name: _independent(name, pair[0][name], pair[1][name], few) for name in heard}
    for name in names:
        if name not in compared:
            compared[name] = _independent(name, found[name], found_of_floor[name])
    return {name: compared[name] for name in names}


def _independent(name: str, samples: Estimate, real: Estimate, number: int = 0) -> Compared:
    return Compared(samples, real, of_estimates(samples, real, lower=SCORES[name].better == "lower"), number)


def _first(images: Images, number: int) -> Images:
    """The first images of a set in random order."""
    first: Images = jax.tree.map(lambda field: field[:number], images)
    return first


def _frechet(real: Real, samples: Images, floor: Images) -> Sequence[Difference]:
    value, variance = frechet_difference(real.reference.features, samples.features, floor.features)
    return (of_variance(value, variance, lower=True),)


def _kernel(real: Real, samples: Images, floor: Images) -> Sequence[Difference]:
    value, variance, degrees = kernel_difference(real.reference.features, samples.features, floor.features)
    return (of_variance(value, variance, lower=True, degrees=degrees),)


def _manifold(real: Real, samples: Images, floor: Images) -> Sequence[Difference]:
    found = manifold_differences(real.reference.features, samples.features, floor.features)
    differences = (found[name] for name in ("precision", "recall", "coverage"))
    return [of_variance(value, variance, lower=False, degrees=degrees) for value, variance, degrees in differences]


def _classes(real: Real, samples: Images, floor: Images) -> Sequence[Difference]:
    """The divergence of classes; how probable it is by the G-test of homogeneity with all training images.

    The floor is drawn from the images that the data's shares are of, and nearer to them than fresh images are.
    """
    assert real.counts is not None and real.shares is not None
    labels = labels_of(samples)
    apart = of_estimates(divergence(labels, real.shares), divergence(labels_of(floor), real.shares), lower=True)
    table = np.stack([histogram(labels, len(real.counts)), real.counts])
    found = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    certain = found.pvalue == 0  # too small a probability for a number
    return (apart._replace(worse=float(found.statistic**0.5 if certain else stats.norm.isf(found.pvalue))),)


_DIFFERENCES: Mapping[tuple[str, ...], Callable[[Real, Images, Images], Sequence[Difference]]] = {
    ("frechet_distance",): _frechet,
    ("kernel_distance",): _kernel,
    ("precision", "recall", "coverage"): _manifold,
    ("class_divergence",): _classes,
}
