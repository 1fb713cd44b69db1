"""What images are judged by: the networks that turn them into features and probabilities of classes."""

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from gengen.core.refusal import Refusal
from gengen.data.dataset import DataSet
from gengen.data.labels import present
from gengen.data.torch_file import read_state_dict
from gengen.evaluation.classifier import trained
from gengen.files.places import place
from gengen.inference.batched import batched, chosen
from gengen.metrics.thumbnails import SIDE, thumbnails
from gengen.networks import inception, inception_weights
from gengen.networks.classifier import FEATURES

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
    """What the scores see.

    Attributes:
      features: of every image.
      classes: the data's own; None where there are no labels.
      images: the images themselves, to tell whether two are the same.
    """

    features: Extractor
    classes: Extractor | None
    images: Extractor


class UnfitDataError(Refusal):
    """Samples of these data cannot be judged by what the user has chosen, or left to be chosen."""


def extractors(data: DataSet, settings: ConfigDict) -> Extractors:
    """Chooses, and where necessary trains, what images of a data set are judged by.

    Args:
      data: the data set; its classifier is kept in its folder.
      settings: the section `evaluation`.

    Raises:
      UnfitDataError: there are no labels for a classifier, or too many coordinates.
      Refusal: the choice is unknown, or the file of weights cannot be used.
    """
    kind, weights = settings.features, settings.inception_weights
    if kind == "inception" and not weights:
        raise Refusal(f"--config.evaluation.features=inception needs inception_weights: {WANTED}.")
    labelled = len(present(data)) > 1
    size = int(np.prod(data.signature.shape))
    if kind == "auto":
        kind = "inception" if weights else "classifier" if labelled or size > COORDINATES else "coordinates"
    if (kind == "classifier" and not labelled) or (kind == "coordinates" and size > COORDINATES):
        why = "training images of fewer than two classes" if kind == "classifier" else f"pictures of {size} numbers"
        raise UnfitDataError(
            f"{data.signature.name} has {why}, so its samples cannot be judged by a {kind.removesuffix('s')}; name a "
            f"file with --config.evaluation.inception_weights ({WANTED}), or choose a --config.data.resolution of at "
            f"most {COORDINATES} numbers for --config.evaluation.features=coordinates."
        )
    inception = _inception(weights) if kind == "inception" else None  # first: its file may be a wrong one
    classes = _classifier(data) if labelled else None
    if kind == "classifier" and classes:
        return Extractors(classes, classes, _thumbnails(data))
    return Extractors(inception or _coordinates(size), classes, _thumbnails(data))


def _classifier(data: DataSet) -> Extractor:
    network = trained(data, data.folder / "classifier.npz")
    classes = len(data.signature.classes)
    accuracy = network.accuracy if network.metadata["count"] else None
    return Extractor(network.name, network.digest, FEATURES, "none", network.extract, classes, accuracy)


def _inception(weights: str) -> Extractor:
    file = place("--config.evaluation.inception_weights", weights)
    try:
        variables = inception_weights.variables_of(read_state_dict(file))
    except ValueError as error:
        raise Refusal(f"{file} does not hold these weights ({error}); wanted: {WANTED}.") from error
    except Refusal as error:
        raise Refusal(f"{str(error).rstrip('.')}; wanted: {WANTED}.") from error
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    variables = jax.device_put(variables)

    @jax.jit
    def look(variables: Any, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        seen: Any = inception.Inception().apply(variables, images)
        return seen.features, jax.nn.log_softmax(seen.logits_unbiased)

    def extract(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return batched(lambda indices: look(variables, chosen(images, indices)), len(images), CHUNK)

    name = "Inception-2015" if digest == inception_weights.SHA256 else "Inception-with-other-weights"
    rule = "bilinear to 299 x 299 by TensorFlow 1's rule"
    return Extractor(name, digest[:12], inception.FEATURES, rule, extract, inception.LOGITS)


def _coordinates(size: int) -> Extractor:
    def flatten(images: np.ndarray) -> tuple[np.ndarray, None]:
        return images.reshape(len(images), -1).astype(np.float32) / 127.5 - 1, None

    return Extractor("coordinates", "", size, "none", flatten, 0)


def _thumbnails(data: DataSet) -> Extractor:
    def shrink(images: np.ndarray) -> tuple[np.ndarray, None]:
        return thumbnails(images), None

    size = thumbnails(np.zeros((1, *data.signature.shape), np.uint8)).size
    return Extractor("thumbnails", "", size, f"means over blocks, to at most {SIDE} x {SIDE}", shrink, 0)
