"""What examples are judged by: what turns them into features and into probabilities of classes, by their kind."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from gengen.core.field import Field
from gengen.core.nouns import NOUNS
from gengen.core.refusal import Refusal
from gengen.core.units import Units
from gengen.data.labels import present
from gengen.data.signature import DataSet
from gengen.data.torch_file import read_state_dict
from gengen.evaluation.extractor import Extractor, stacked
from gengen.evaluation.nearest_classifier import NearestClassifier
from gengen.evaluation.self_supervised import CHANNELS, rotations_of, side_of
from gengen.evaluation.trained_classifier import classifier_of
from gengen.evaluation.trained_network import trained
from gengen.files.places import place
from gengen.inference.batched import batched, chosen
from gengen.metrics.thumbnails import SIDE, block_means, thumbnails
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


class Extractors(NamedTuple):
    """What the scores see.

    Attributes:
      features: of every example.
      classes: the data's own; None where there are no labels.
      points: the examples themselves, to tell whether two are the same.
    """

    features: Extractor
    classes: Extractor | None
    points: Extractor


class Choice(NamedTuple):
    """What examples are to be judged by, before anything is taught.

    Attributes:
      features: what gives them, as `config.evaluation.features` names it.
      labelled: whether there are classes, and so something that names them.
    """

    features: str
    labelled: bool

    @property
    def has_classes(self) -> bool:
        """Whether what gives the features also gives probabilities of classes."""
        return self.features == "inception" or (self.features == "classifier" and self.labelled)


class UnfitDataError(Refusal):
    """Samples of these data cannot be judged by what the user has chosen, or left to be chosen."""


def on_unit_scale(field: Field, examples: np.ndarray) -> np.ndarray:
    """Bounded values in [0, 1], as results on pixels are published; others standardised.

    Args:
      field: of the data.
      examples: in the data's units [N, *shape].

    Returns:
      Points, float32 [N, P].
    """
    if field.low is None or field.high is None:
        return np.asarray(Units(field).to_model(examples)).reshape(len(examples), -1)
    points = np.asarray(examples, np.float32).reshape(len(examples), -1)
    return np.asarray((points - field.low) / (field.high - field.low))


def class_extractor(data: DataSet) -> Extractor:
    """What names the classes of labelled data, whatever gives the features; it is trained where necessary.

    Raises:
      Refusal: the data have no labels, or training examples of one class alone.
    """
    if len(present(data)) < 2:
        raise Refusal(f"{data.signature.name} has no labels of two classes or more, so no classifier can learn them.")
    return KINDS[data.signature.kind].classes(data)


def choose(data: DataSet, settings: ConfigDict) -> Choice:
    """Chooses what examples of a data set are judged by; nothing is taught yet.

    What is left to be chosen is Inception where its file is named, the classifier where there are labels, and where
    there are none, the pictures themselves if they are of at most `COORDINATES` numbers, whose distances mean something
    and need no training, or else a network that is taught by turning them.

    Args:
      data: the data set.
      settings: the section `evaluation`.

    Raises:
      UnfitDataError: there are no labels for a classifier, too many coordinates, or the choice is for pictures alone.
      Refusal: the choice needs a file.
    """
    asked, weights, signature = settings.features, settings.inception_weights, data.signature
    offered, size = KINDS[signature.kind].features, int(np.prod(signature.shape))
    labelled = len(present(data)) > 1
    if asked == "inception" and not weights:
        raise Refusal(f"--config.evaluation.features=inception needs inception_weights: {WANTED}.")
    if offered == ("coordinates",):
        return Choice(_coordinates_alone(data, asked), labelled)
    if asked == "auto":
        unlabelled = "rotations" if size > COORDINATES else "coordinates"
        asked = "inception" if weights else "classifier" if labelled else unlabelled
    if (asked == "classifier" and not labelled) or (asked == "coordinates" and size > COORDINATES):
        why = "training images of fewer than two classes" if asked == "classifier" else f"pictures of {size:,} numbers"
        raise UnfitDataError(
            f"{signature.name} has {why}, so its samples cannot be judged by a {asked.removesuffix('s')}; choose "
            f"--config.evaluation.features=rotations, which teaches a network by turning them, or name a file with "
            f"--config.evaluation.inception_weights ({WANTED})."
        )
    return Choice(str(asked), labelled)


def extractors(data: DataSet, settings: ConfigDict) -> Extractors:
    """Makes, and where necessary trains, what examples of a data set are judged by.

    Args:
      data: the data set; what is trained is kept in its folder.
      settings: the section `evaluation`.

    Raises:
      UnfitDataError: as `choose` does.
      Refusal: the file of weights cannot be used.
    """
    choice, kind = choose(data, settings), KINDS[data.signature.kind]
    inception = _inception(settings.inception_weights) if choice.features == "inception" else None  # it may be wrong
    classes, points = kind.classes(data) if choice.labelled else None, kind.points(data)
    if choice.features == "classifier" and classes:
        return Extractors(classes, classes, points)
    if choice.features == "rotations":
        return Extractors(_rotations(data), classes, points)
    return Extractors(inception or (points if kind is _OF_NUMBERS else _coordinates(data)), classes, points)


def with_features(data: DataSet, features: Extractor) -> Extractors:
    """What examples of a data set are judged by where what gives features is another one than the settings offer."""
    kind = KINDS[data.signature.kind]
    return Extractors(features, kind.classes(data) if len(present(data)) > 1 else None, kind.points(data))


def _coordinates_alone(data: DataSet, asked: str) -> str:
    """Checks data that are judged by their coordinates."""
    name, shape, many = data.signature.name, data.signature.shape, NOUNS[data.signature.kind][1]
    if asked not in ("auto", "coordinates"):
        raise UnfitDataError(
            f"{name} holds {many}, and --config.evaluation.features={asked} sees pictures alone; set it to coordinates."
        )
    if shape[-1] > COORDINATES:
        raise UnfitDataError(f"{name} has {shape[-1]:,} features, and {many} of at most {COORDINATES:,} are judged.")
    return "coordinates"


def _classifier(data: DataSet) -> Extractor:
    if data.layers:
        return stacked(_classifier(data.layers), data.signature.shape[-1])
    network = trained(data, classifier_of(data), data.folder / "classifier.npz")
    classes = len(data.signature.classes)
    accuracy = network.accuracy if network.metadata["count"] else None
    return Extractor(network.name, network.digest, FEATURES, "none", network.extract, classes, accuracy, "labels")


def _rotations(data: DataSet) -> Extractor:
    network = trained(data, rotations_of(data), data.folder / "rotations.npz")
    side, shape = side_of(data.signature.shape), data.signature.shape
    resize = "none" if shape[:2] == (side, side) else f"linear, to {side} x {side}"

    def extract(images: np.ndarray) -> tuple[np.ndarray, None]:
        return network.extract(images)[0], None

    return Extractor(network.name, network.digest, CHANNELS, resize, extract, 0, network.accuracy, "rotations")


def _nearest(data: DataSet) -> Extractor:
    coordinates = _coordinates(data)
    made = NearestClassifier(data, lambda examples: coordinates.extract(examples)[0])
    return coordinates._replace(
        name=made.name, extract=made.extract, classes=len(data.signature.classes), accuracy=made.accuracy
    )


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
        features, logits = batched(lambda indices: look(variables, chosen(images, indices)), len(images), CHUNK)
        return features, logits

    name = "Inception-2015" if digest == inception_weights.SHA256 else "Inception-with-other-weights"
    rule = "bilinear to 299 x 299 by TensorFlow 1's rule"
    return Extractor(name, digest[:12], inception.FEATURES, rule, extract, inception.LOGITS)


def _coordinates(data: DataSet) -> Extractor:
    """Examples in the model's units, flattened; of more than `COORDINATES` numbers, their means over blocks."""
    to_model, shape = data.signature.units.to_model, data.signature.shape
    size = int(np.prod(shape))
    if size <= COORDINATES:
        return Extractor("coordinates", "", size, "none", lambda data: (to_model(data).reshape(-1, size), None), 0)
    side = 1
    while (2 * side) ** (len(shape) - 1) * shape[-1] <= COORDINATES:
        side *= 2
    dimension = int(np.prod(np.minimum(shape[:-1], side))) * shape[-1]
    rule = "means over blocks, to at most " + " x ".join([str(side)] * (len(shape) - 1))
    return Extractor("coordinates", "", dimension, rule, lambda data: (block_means(data, to_model, side), None), 0)


def _thumbnails(data: DataSet) -> Extractor:
    side = SIDE // 2 if data.layers else SIDE  # of stacks there are many, whose neighbours would take a quarter hour
    size = thumbnails(np.zeros((1, *data.signature.shape), np.uint8), side=side).size
    rule = f"means over blocks, to at most {side} x {side}"
    return Extractor("thumbnails", "", size, rule, lambda images: (thumbnails(images, side=side), None), 0)


class Kind(NamedTuple):
    """What examples of a kind can be seen by.

    Attributes:
      features: names of what may give features, as `config.evaluation.features` has them.
      classes: what names the classes of labelled data.
      points: what tells whether two examples are the same.
    """

    features: tuple[str, ...]
    classes: Callable[[DataSet], Extractor]
    points: Callable[[DataSet], Extractor]


_OF_NUMBERS = Kind(("coordinates",), _nearest, _coordinates)

KINDS: Mapping[str, Kind] = {
    "picture": Kind(("classifier", "inception", "coordinates", "rotations"), _classifier, _thumbnails),
    "points": _OF_NUMBERS,
    "series": _OF_NUMBERS,
    "volume": _OF_NUMBERS,
}
"""Each kind of data by its name."""
