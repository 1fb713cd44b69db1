"""What the scores see of a set of examples, and of the data that samples are compared with."""

import dataclasses
from functools import cached_property
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
      modes: of the data, which each is of, `NO_MODE` where it is of none [N]; None where they are not known.
    """

    data: np.ndarray
    points: np.ndarray
    features: np.ndarray
    log_probabilities: np.ndarray | None
    class_log_probabilities: np.ndarray | None
    indices: np.ndarray | None = None
    asked: np.ndarray | None = None
    modes: np.ndarray | None = None

    def first(self, number: int) -> "Examples":
        """The first examples of a set in random order."""
        return Examples._make(None if field is None else field[:number] for field in self)

    def beside(self, others: "Examples") -> "Examples":
        """These examples and others of the same data, seen alike; what one of them lacks is left out."""
        pairs = zip(self, others, strict=True)
        return Examples._make(None if a is None or b is None else np.concatenate([a, b]) for a, b in pairs)


@dataclasses.dataclass(frozen=True)
class Real:
    """The data that samples are compared with; what is derived from them is so once, when a score first needs it.

    Attributes:
      reference: held-out examples.
      training: all training examples as points [M, P].
      counts: training examples that are known to be of each class [K]; None where there are no labels.
      modes: number of modes; 0 where they are not known.
    """

    reference: Examples
    training: np.ndarray
    counts: np.ndarray | None
    modes: int = 0

    @property
    def shares(self) -> np.ndarray | None:
        """The share of each class in the data [K]."""
        return None if self.counts is None else self.counts / self.counts.sum()

    @cached_property
    def bins(self) -> np.ndarray:
        """Centres of the reference's bins [B, D]."""
        return bins.fit_bins(self.reference.features)

    @cached_property
    def radius(self) -> float:
        """Distance below which two examples, as points, count as one."""
        # So few held-out examples do not show how near to each other different ones may lie, and the training ones do.
        different = self.reference.points if len(self.reference.points) >= LEAST_POINTS else self.training
        return duplicate_radius(different)

    @cached_property
    def limit(self) -> CopyLimit:
        """How near to a training example a sample counts as its copy."""
        return fit_limit(self.reference.points, self.training)
