"""Judging sets of images against one data set."""

from collections.abc import Sequence

import numpy as np
from ml_collections import ConfigDict

from gengen.core.refusal import Refusal
from gengen.data.dataset import DataSet
from gengen.metrics.interval import Estimate
from gengen.metrics.scores import SCORES, Images, available, measure, real_of
from gengen.metrics.thumbnails import thumbnails
from gengen.tasks.features import Extractor, Extractors, extractors

REFERENCE = 10_000
"""The most held-out images that samples are compared with."""

SEED = 0
"""Of the choice among held-out images, and among training images that stand in for samples."""


class Judge:
    """What samples of a data set are judged by: extractors, held-out images, and what is derived from them.

    The reference is the held-out split, so that a model gains nothing by copying its training images. Training images
    that stand in for samples give the floor. No more samples are compared with the reference than there are training
    images, so that a score and its floor are of the same sizes.

    Args:
      data: the data set.
      settings: the section `evaluation`.
      num: number of samples.
      scores: names of scores; all that can be had if there is none.

    Raises:
      Refusal: a score or an extractor is unknown or does not fit the data.
    """

    def __init__(self, data: DataSet, settings: ConfigDict, *, num: int, scores: Sequence[str] = ()) -> None:
        self._data = data
        self.sees = extractors(data, settings)
        self.names = chosen(scores, self.sees)
        train, test = data.splits["train"], data.splits["test"]
        self._training = train["image"]
        self.compared = min(num, len(self._training))
        reference = self.images(pick(test["image"], REFERENCE)[1])
        shares = None
        if self.sees.classes:
            shares = np.bincount(train["label"], minlength=len(data.signature.classes)) / len(train["label"])
        self.real = real_of(reference, thumbnails(self._training), shares, self.compared)

    def images(self, pixels: np.ndarray, places: np.ndarray | None = None) -> Images:
        """Shows images to the extractors.

        Args:
          pixels: uint8 [N, H, W, C].
          places: of the images among the training images, if they are of them [N].
        """
        features, log_probabilities = self.sees.features.extract(pixels)
        seen = log_probabilities
        if self.sees.classes is None:
            seen = None
        elif self.sees.classes is not self.sees.features:
            seen = self.sees.classes.extract(pixels)[1]
        return Images(pixels, thumbnails(pixels), features, log_probabilities, seen, places)

    def floor(self) -> Images:
        """As many training images as samples are compared, standing in for samples."""
        places, pixels = pick(self._training, self.compared)
        return self.images(pixels, places)

    def scores(self, images: Images) -> dict[str, Estimate]:
        """Measures the chosen scores of images."""
        return measure(self.real, images, self.names)

    def extractor(self, name: str) -> Extractor | None:
        """The extractor that a score sees through; None if it sees the images themselves."""
        return {"features": self.sees.features, "classes": self.sees.classes, "images": None}[SCORES[name].sees]

    def least(self, name: str) -> int:
        """The number of images from which a score means something."""
        extractor = self.extractor(name)
        return SCORES[name].least(*((extractor.dimension, extractor.classes) if extractor else (0, 0)))

    def tag(self, name: str) -> str:
        """The name of a score in metrics.jsonl and TensorBoard, with its extractor."""
        extractor = self.extractor(name)
        return "/".join(["evaluation", extractor.title.replace(" ", "-") if extractor else "images", name])


def chosen(names: Sequence[str], sees: Extractors) -> list[str]:
    """Checks names of scores; all that can be had if there is none.

    Raises:
      Refusal: a score is unknown, or these data and extractors do not give it.
    """
    offered = available(probabilities=sees.features.classes > 0, labels=sees.classes is not None)
    for name in names:
        if name not in offered:
            what = "cannot be had from these data and features" if name in SCORES else "is unknown"
            raise Refusal(f"config.evaluation.scores: {name!r} {what}; what can be had: {', '.join(offered)}.")
    return [name for name in offered if not names or name in names]


def pick(images: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Picks at most so many of images [N, ...] at random, without repetition, always the same, in a random order.

    Returns:
      Their places [n] and the images [n, ...].
    """
    places = np.random.default_rng(SEED).permutation(len(images))[:number]
    return places, np.asarray(images[places])
