"""The classifier of labelled data that are no pictures: the classes of the nearest training examples."""

from collections.abc import Callable

import numpy as np

from gengen.data.labels import with_labels
from gengen.data.signature import DataSet
from gengen.metrics.neighbours import nearest

NEIGHBOURS = 10
"""Training examples that are asked for their class."""


class NearestClassifier:
    """Names the classes of examples by those of the k nearest training examples: p(c) = (k_c + 1 / K) / (k + 1).

    One count more, shared by all K classes, keeps every logarithm finite (the estimate of a Dirichlet prior).

    Args:
      data: labelled data; examples of unknown classes are left out.
      features: examples [N, *shape] -> points [N, D], among which distances are taken.
    """

    def __init__(self, data: DataSet, features: Callable[[np.ndarray], np.ndarray]) -> None:
        train = with_labels(data.splits["train"])
        self._features, self._points, self._labels = features, features(train["data"]), train["label"]
        self._classes = len(data.signature.classes)
        self._neighbours = min(NEIGHBOURS, len(self._points))
        self._held_out = with_labels(data.splits["test"])

    @property
    def accuracy(self) -> float | None:
        """Share of the held-out examples whose class it names; None where there are none."""
        labels = self._held_out["label"]
        return float((self.extract(self._held_out["data"])[1].argmax(1) == labels).mean()) if len(labels) else None

    @property
    def name(self) -> str:
        """How scores name it."""
        return f"{self._neighbours}-nearest-neighbours"

    def extract(self, examples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the points of examples, float32 [N, D], and log-probabilities of their classes, float64 [N, K]."""
        points = self._features(examples)
        _, indices = nearest(points, self._points, k=self._neighbours)
        counts = (self._labels[indices][..., None] == np.arange(self._classes)).sum(1)
        return points, np.log((counts + 1 / self._classes) / (self._neighbours + 1))
