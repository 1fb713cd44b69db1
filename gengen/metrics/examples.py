"""What the scores see of a set of examples, and of the data that samples are compared with."""

from typing import NamedTuple

import numpy as np

from gengen.metrics import bins
from gengen.metrics.collisions import duplicate_radius
from gengen.metrics.copying import CopyLimit, fit_limit

LEAST_POINTS = 8
"""The fewest held-out examples from which the distance of near-duplicates is learnt."""


class Examples(NamedTuple):
    """A set of examples as the scores see it.

    Attributes:
      data: the examples in the data's units [N, *shape].
      points: the examples as points [N, P], of which two that are near each other are the same.
      features: of the extractor [N, D].
      log_probabilities: of the extractor's classes [N, K']; None where it has none.
      class_log_probabilities: of the data's classes [N, K]; None where the data have no labels.
      indices: for training examples that stand in for samples, their indices in the training split [N]; else None.
      asked: the classes that the examples were asked to be of [N]; None where nothing was asked for.
    """

    data: np.ndarray
    points: np.ndarray
    features: np.ndarray
    log_probabilities: np.ndarray | None
    class_log_probabilities: np.ndarray | None
    indices: np.ndarray | None = None
    asked: np.ndarray | None = None


class Real(NamedTuple):
    """The data that samples are compared with, and what is derived from them once; made by `real_of`.

    Attributes:
      reference: held-out examples.
      training: all training examples as points [M, P].
      counts: training examples that are known to be of each class [K]; None where there are no labels.
      bins: centres of the reference's bins [B, D].
      radius: distance below which two examples, as points, count as one.
      limit: how near to a training example a sample counts as its copy.
    """

    reference: Examples
    training: np.ndarray
    counts: np.ndarray | None
    bins: np.ndarray
    radius: float
    limit: CopyLimit

    @property
    def shares(self) -> np.ndarray | None:
        """The share of each class in the data [K]."""
        return None if self.counts is None else self.counts / self.counts.sum()


def real_of(reference: Examples, training: np.ndarray, counts: np.ndarray | None) -> Real:
    """Derives from the data what the scores need; the arguments are the fields of `Real`."""
    # So few held-out examples do not show how near to each other different ones may lie, and the training ones do.
    different = reference.points if len(reference.points) >= LEAST_POINTS else training
    return Real(
        reference,
        training,
        counts,
        bins=bins.fit_bins(reference.features),
        radius=duplicate_radius(different),
        limit=fit_limit(reference.points, training),
    )
