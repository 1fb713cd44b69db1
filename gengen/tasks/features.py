"""What images are judged by: the networks that turn them into features and probabilities of classes."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from gengen.core.refusal import Refusal
from gengen.data.dataset import DataSet
from gengen.data.torch_file import read_state_dict
from gengen.networks import inception, inception_weights
from gengen.networks.classifier import FEATURES
from gengen.tasks.classifier import trained

KINDS = ("auto", "classifier", "inception", "coordinates")

COORDINATES = 2048
"""The largest number of coordinates that are features by themselves: covariances of more take minutes."""

WANTED = (
    f"{inception_weights.FILE} with SHA-256 {inception_weights.SHA256}, published at {inception_weights.PUBLISHED[0]}"
)
"""The public file of Inception's weights."""

CHUNK = 50
"""Images that go through Inception in one call."""


class Extractor(NamedTuple):
    """A function from images to features, and what tells it from others.

    Attributes:
      name: of its architecture.
      digest: of its weights; empty where there are none.
      dimension: number D of features.
      resize: what happens to images before, in words.
      extract: uint8 [N, H, W, C] -> features [N, D] and log-probabilities [N, K], None where it has no classes.
      classes: number K of its classes; 0 where it has none.
      accuracy: share of the held-out images that it classifies correctly; None where it was not trained here.
    """

    name: str
    digest: str
    dimension: int
    resize: str
    extract: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]]
    classes: int
    accuracy: float | None = None

    @property
    def title(self) -> str:
        """How scores name it."""
        return f"{self.name} {self.digest}".strip()


class Extractors(NamedTuple):
    """What the scores see: features of every image, and the data's own classes where there are labels."""

    features: Extractor
    classes: Extractor | None


def extractors(data: DataSet, settings: ConfigDict) -> Extractors:
    """Chooses, and where necessary trains, what images of a data set are judged by.

    Args:
      data: the data set; its classifier is kept in its folder.
      settings: the section `evaluation`.

    Raises:
      Refusal: the choice is unknown or does not fit the data, or the file of weights cannot be used.
    """
    kind, weights = settings.features, settings.inception_weights
    if kind not in KINDS:
        raise Refusal(f"config.evaluation.features={kind!r} must be one of {', '.join(KINDS)}.")
    labelled = len(data.signature.classes) > 1
    if kind == "auto":
        kind = "inception" if weights else "classifier"
    if kind == "classifier" and not labelled:
        raise Refusal(
            f"{data.signature.name} has no labels, so no classifier can be trained to judge its samples; name a file "
            f"with --config.evaluation.inception_weights ({WANTED}), or for small pictures set "
            f"--config.evaluation.features=coordinates."
        )
    if kind == "inception" and not weights:
        raise Refusal(f"--config.evaluation.features=inception needs inception_weights: {WANTED}.")
    classes = _classifier(data) if labelled else None
    if kind == "classifier":
        assert classes is not None
        return Extractors(classes, classes)
    return Extractors(_inception(Path(weights)) if kind == "inception" else _coordinates(data), classes)


def _classifier(data: DataSet) -> Extractor:
    network = trained(data, data.folder / "classifier.npz")
    classes = len(data.signature.classes)
    return Extractor(network.name, network.digest, FEATURES, "none", network.extract, classes, network.accuracy)


def _inception(file: Path) -> Extractor:
    try:
        variables = inception_weights.variables_of(read_state_dict(file))
    except ValueError as error:
        raise Refusal(f"{file} does not hold these weights ({error}); wanted: {WANTED}.") from error
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    network = inception.Inception()

    @jax.jit
    def look(images: jax.Array) -> tuple[jax.Array, jax.Array]:
        seen: Any = network.apply(variables, images)
        return seen.features, jax.nn.log_softmax(seen.logits_unbiased)

    name = "Inception-2015" if digest == inception_weights.SHA256 else "Inception with other weights"
    rule = "bilinear to 299 x 299 by TensorFlow 1's rule"
    return Extractor(name, digest[:12], inception.FEATURES, rule, in_chunks(look, CHUNK), inception.LOGITS)


def _coordinates(data: DataSet) -> Extractor:
    size = int(np.prod(data.signature.shape))
    if size > COORDINATES:
        raise Refusal(
            f"--config.evaluation.features=coordinates is for data of at most {COORDINATES} numbers, and pictures of "
            f"{data.signature.name} have {size}; name Inception weights or choose a smaller resolution."
        )

    def flatten(images: np.ndarray) -> tuple[np.ndarray, None]:
        return images.reshape(len(images), -1).astype(np.float32) / 127.5 - 1, None

    return Extractor("coordinates", "", size, "none", flatten, 0)


def in_chunks(
    look: Callable[[np.ndarray], tuple[jax.Array, jax.Array]], size: int
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Runs a jitted function over images `size` at a time: one compiled shape, bounded memory.

    Args:
      look: images [size, H, W, C] -> two arrays [size, ...].
      size: images of one call; the last ones are filled up.

    Returns:
      The function of images uint8 [N, H, W, C] -> two arrays [N, ...].
    """

    def run(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        parts = []
        for start in range(0, len(images), size):
            chunk = images[start : start + size]
            filled = np.concatenate([chunk, np.zeros((size - len(chunk), *chunk.shape[1:]), chunk.dtype)])
            parts.append([np.asarray(part)[: len(chunk)] for part in look(filled)])
        first, second = (np.concatenate(part) for part in zip(*parts, strict=True))
        return first, second

    return run
