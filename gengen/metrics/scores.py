"""All scores of a set of examples, in one table: what each is called, means and needs, and how it is measured."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gengen.metrics import bins, classes
from gengen.metrics.collisions import collisions
from gengen.metrics.copying import copied
from gengen.metrics.examples import Examples, Real
from gengen.metrics.frechet import frechet_distance
from gengen.metrics.inception_score import inception_score
from gengen.metrics.interval import Estimate, of_share
from gengen.metrics.kernel import kernel_distance
from gengen.metrics.ms_ssim import class_similarity
from gengen.metrics.precision_recall import manifold_scores

AS_REAL = "as real"
"""Which direction is better, of a score that is good neither high nor low."""

FEWEST = 8
"""Held-out and training examples without which distributions cannot be compared: two blocks of four, for a variance."""

FEWEST_POINTS = 2
"""Held-out examples from which it can be seen how near to each other, and to training ones, different ones lie."""

FEWEST_TRAINING = 4
"""Training examples without which nothing can be judged: one, and the three nearest to it."""


class Score(NamedTuple):
    """What a score is.

    Attributes:
      title: its name for people.
      better: "lower", "higher", or `AS_REAL` where it should be what it is for real images.
      sees: "features", "classes" or "points": what it is computed from.
      least: (dimensions D, classes K of what it sees through) -> the number of examples from which it means something:
        four for each direction of a covariance, a thousand where neighbours stand for a manifold, fifty or a hundred
        for each share of a class. Rules of thumb; what fewer examples do shows in the floor.
      paper: where it comes from.
      fewest: held-out and training examples without which it cannot be computed, or its interval does not hold: balls
        of neighbours in halves of them need 32 of each, ten splits of an Inception score two in each.
      compares: whether it compares with the reference, or looks at the samples alone.
      evenly: whether it takes as many examples of the reference as of the samples.
      taught: whether it looks at the samples alone through a classifier, which knows the training data too well for
        them to stand for real ones.
      logarithmic: whether good and bad samples differ by orders of magnitude, so that a chart needs a logarithmic axis.
      pictures: whether it is of pictures alone.
      note: what a reader might stumble over.
    """

    title: str
    better: str
    sees: str
    least: Callable[[int, int], int]
    paper: str
    fewest: int = FEWEST_POINTS
    compares: bool = False
    evenly: bool = False
    taught: bool = False
    logarithmic: bool = False
    pictures: bool = False
    note: str = ""

    def title_of(self, many: str) -> str:
        """Its name for people, of data of a kind whose examples are called so."""
        return self.title.replace("images", many)


SCORES: Mapping[str, Score] = {
    "frechet_distance": Score(
        "Fréchet distance",
        "lower",
        "features",
        lambda d, k: 4 * d,
        "Heusel et al. 2017, arXiv:1706.08500",
        fewest=FEWEST,
        compares=True,
        logarithmic=True,
    ),
    "kernel_distance": Score(
        "kernel distance",
        "lower",
        "features",
        lambda d, k: 250,
        "Binkowski et al. 2018, arXiv:1801.01401",
        fewest=FEWEST,
        compares=True,
        evenly=True,
        logarithmic=True,
        note="unbiased, so it may be negative, which says 0 as far as can be seen",
    ),
    "inception_score": Score(
        "Inception score",
        "higher",
        "features",
        lambda d, k: 100 * k,
        "Salimans et al. 2016, arXiv:1606.03498",
        fewest=20,
        taught=True,
    ),
    "precision": Score(
        "precision",
        "higher",
        "features",
        lambda d, k: 1000,
        "Kynkaanniemi et al. 2019, arXiv:1904.06991",
        fewest=32,
        compares=True,
    ),
    "recall": Score(
        "recall",
        "higher",
        "features",
        lambda d, k: 1000,
        "Kynkaanniemi et al. 2019, arXiv:1904.06991",
        fewest=32,
        compares=True,
    ),
    "density": Score(
        "density",
        AS_REAL,
        "features",
        lambda d, k: 1000,
        "Naeem et al. 2020, arXiv:2002.09797",
        fewest=32,
        compares=True,
    ),
    "coverage": Score(
        "coverage",
        "higher",
        "features",
        lambda d, k: 1000,
        "Naeem et al. 2020, arXiv:2002.09797",
        fewest=32,
        compares=True,
    ),
    "different_bins": Score(
        "different bins",
        "lower",
        "features",
        lambda d, k: 1000,
        "Richardson and Weiss 2018, arXiv:1805.12462",
        fewest=FEWEST,
        compares=True,
    ),
    "class_divergence": Score(
        "divergence of classes",
        "lower",
        "classes",
        lambda d, k: 50 * k,
        "Metz et al. 2017, arXiv:1611.02163",
        logarithmic=True,
    ),
    "class_confidence": Score(
        "classifier's confidence", AS_REAL, "classes", lambda d, k: 100, "mean of the largest probability"
    ),
    "label_agreement": Score(
        "agreement with the asked label",
        "higher",
        "classes",
        lambda d, k: 100,
        "share whose most probable class is the asked one",
        taught=True,
    ),
    "class_similarity": Score(
        "MS-SSIM within a class",
        AS_REAL,
        "classes",
        lambda d, k: 50 * k,
        "Odena et al. 2017, arXiv:1610.09585",
        pictures=True,
    ),
    "collisions": Score(
        "near-duplicate pairs",
        "lower",
        "points",
        lambda d, k: 1000,
        "Arora et al. 2018, arXiv:1706.08224",
        logarithmic=True,
    ),
    "copied": Score(
        "copies of training images",
        "lower",
        "points",
        lambda d, k: 100,
        "ratio of Yoon et al. 2023, openreview shciCbSk9h",
        logarithmic=True,
    ),
}
"""Every score, by the name that it has in configs and files."""


def available(
    *, probabilities: bool, labels: bool, pairs: bool, asked: bool = False, pictures: bool = True, number: int = 32
) -> list[str]:
    """Names of the scores that can be had.

    Args:
      probabilities: whether the extractor has classes.
      labels: whether the data have labels.
      pairs: whether there are sure to be two pairs of samples of one class.
      asked: whether samples are asked to be of a class.
      pictures: whether the data are pictures.
      number: of held-out or of training examples, the smaller one.
    """
    needs = {"inception_score": probabilities, "class_similarity": pairs, "label_agreement": asked}
    without = {name for name, had in needs.items() if not had}
    return [
        name
        for name, score in SCORES.items()
        if name not in without and (labels or score.sees != "classes") and (pictures or not score.pictures)
        if number >= score.fewest
    ]


def measure(real: Real, samples: Examples, names: Sequence[str]) -> dict[str, Estimate]:
    """Measures the scores named, in the order of `SCORES`.

    Args:
      real: the data.
      samples: the examples judged.
      names: some of those that are `available`.
    """
    found: dict[str, Estimate] = {}
    for group, function in _MEASURES.items():
        if set(group) & set(names):
            found |= dict(zip(group, function(real, samples), strict=True))
    return {name: found[name] for name in SCORES if name in names}


def labels_of(examples: Examples) -> np.ndarray:
    """The classes that the classifier sees [N]."""
    assert examples.class_log_probabilities is not None
    return np.asarray(examples.class_log_probabilities.argmax(1))


def _inception(real: Real, samples: Examples) -> Sequence[Estimate]:
    assert samples.log_probabilities is not None
    return (inception_score(samples.log_probabilities),)


def _manifold(real: Real, samples: Examples) -> Sequence[Estimate]:
    return manifold_scores(real.reference.features, samples.features)


def _bins(real: Real, samples: Examples) -> Sequence[Estimate]:
    return (bins.different_bins(real.reference.features, samples.features, real.bins),)


def _classes(real: Real, samples: Examples) -> Sequence[Estimate]:
    assert real.shares is not None and samples.class_log_probabilities is not None
    return (
        classes.divergence(labels_of(samples), real.shares),
        classes.confidence(np.exp(samples.class_log_probabilities)),
    )


def _agreement(real: Real, samples: Examples) -> Sequence[Estimate]:
    assert samples.asked is not None
    return (of_share(int((labels_of(samples) == samples.asked).sum()), len(samples.asked)),)


def _similarity(real: Real, samples: Examples) -> Sequence[Estimate]:
    assert real.shares is not None
    return (class_similarity(samples.data, labels_of(samples), len(real.shares)),)


def _collisions(real: Real, samples: Examples) -> Sequence[Estimate]:
    return (collisions(samples.points, real.radius).probability,)


def _copied(real: Real, samples: Examples) -> Sequence[Estimate]:
    return (copied(samples.points, real.training, real.limit, exclude=samples.indices).share,)


_MEASURES: Mapping[tuple[str, ...], Callable[[Real, Examples], Sequence[Estimate]]] = {
    ("frechet_distance",): lambda real, samples: (frechet_distance(real.reference.features, samples.features),),
    ("kernel_distance",): lambda real, samples: (kernel_distance(real.reference.features, samples.features),),
    ("inception_score",): _inception,
    ("precision", "recall", "density", "coverage"): _manifold,
    ("different_bins",): _bins,
    ("class_divergence", "class_confidence"): _classes,
    ("label_agreement",): _agreement,
    ("class_similarity",): _similarity,
    ("collisions",): _collisions,
    ("copied",): _copied,
}
