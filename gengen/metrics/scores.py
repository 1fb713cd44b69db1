"""All scores of a set of examples, in one table: what each is called, means and needs. `measures` measures them."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

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
      sees: "features", "classes", "modes" or "points": what it is computed from.
      least: (dimensions D, classes K of what it sees through) -> the number of examples from which it means something:
        four for each direction of a covariance, a thousand where neighbours stand for a manifold, fifty or a hundred
        for each share of a class, 26 for each mode, as published. Rules of thumb; what fewer examples do shows in the
        floor.
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
    "modes_hit": Score("modes hit", "higher", "modes", lambda d, k: 26 * k, "Srivastava et al. 2017, arXiv:1705.07761"),
    "high_quality": Score(
        "share of high quality", "higher", "modes", lambda d, k: 1000, "Srivastava et al. 2017, arXiv:1705.07761"
    ),
    "mode_divergence": Score(
        "divergence of modes",
        "lower",
        "modes",
        lambda d, k: 26 * k,
        "Lin et al. 2018, arXiv:1712.04086",
        logarithmic=True,
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
    *,
    probabilities: bool,
    labels: bool,
    pairs: bool,
    asked: bool = False,
    pictures: bool = True,
    modes: bool = False,
    centres: bool = False,
    number: int = 32,
) -> list[str]:
    """Names of the scores that can be had.

    Args:
      probabilities: whether the extractor has classes.
      labels: whether the data have labels.
      pairs: whether there are sure to be two pairs of samples of one class.
      asked: whether samples are asked to be of a class.
      pictures: whether the data are pictures.
      modes: whether their modes are known.
      centres: whether a sample may be of none of these, because it is too far from all.
      number: of held-out or of training examples, the smaller one.
    """
    needs = {"inception_score": probabilities, "class_similarity": pairs, "label_agreement": asked}
    needs |= {"modes_hit": modes, "mode_divergence": modes, "high_quality": centres}
    without = {name for name, had in needs.items() if not had}
    return [
        name
        for name, score in SCORES.items()
        if name not in without and (labels or score.sees != "classes") and (pictures or not score.pictures)
        if number >= score.fewest
    ]
