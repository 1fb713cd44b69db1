"""What turns examples into features and into probabilities of classes, and how one of digits does so of stacks."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Extractor(NamedTuple):
    """A function from examples to features, and what tells it from others.

    Attributes:
      name: of its architecture.
      digest: of its weights; empty where there are none.
      dimension: number D of features.
      resize: what happens to examples before, in words.
      extract: examples [N, *shape] -> features [N, D] and log-probabilities [N, K], None where it has no classes.
      classes: number K of its classes; 0 where it has none.
      accuracy: share of the held-out examples that it classifies correctly, or of their turns that it tells; None where
        it was not trained here.
      teacher: what taught it: "labels", those of the "layers" alone, or "rotations" of the data themselves; "" where
        nobody did here.
    """

    name: str
    digest: str
    dimension: int
    resize: str
    extract: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]]
    classes: int
    accuracy: float | None = None
    teacher: str = ""

    @property
    def title(self) -> str:
        """How scores name it."""
        return f"{self.name} {self.digest}".strip()


def stacked(layer: Extractor, channels: int) -> Extractor:
    """What sees each channel of stacks by itself: its features side by side, and the products of its probabilities.

    Its accuracy is that of one channel.
    """

    def extract(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        features, joint = [], np.zeros((len(images), 1), np.float32)
        for channel in range(channels):
            seen, log_probabilities = layer.extract(images[..., channel : channel + 1])
            assert log_probabilities is not None
            features.append(seen)
            joint = (joint[:, :, None] + log_probabilities[:, None]).reshape(len(images), -1)
        return np.concatenate(features, -1), joint

    dimension, classes = channels * layer.dimension, layer.classes**channels
    return layer._replace(dimension=dimension, classes=classes, extract=extract, teacher="layers")
