"""The classifier whose features judge samples: trained once for each labelled data set, then read from its file.

It is trained as any model of gengen is, from a fixed seed, on one device however many the run has. The same steps round
differently on another kind of device or with another number of threads, so a digest of the weights tells classifiers
apart, and scores are comparable where it is the same. The weights for the embedded digits at 16x16x1 come with gengen
(`tasks.shipped_classifiers`): judged by them, scores of all machines are comparable. What weights make of an image does
not depend on the number of threads.

How much it matters, on the digits: from one seed with one thread or two, Fréchet distances of four sets of images
(training images, the same blurred, the same noisy, samples of a VAE) agree to three digits, 9.95 for the VAE. Three
seeds gave 8.44 to 9.95 for it, and 2.92 to 3.89 for blurred images: up to a factor of 1.33 is the classifier's alone.
"""

import hashlib
import json
import math
import sys
import time
import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
from flax.traverse_util import flatten_dict, unflatten_dict

from gengen.build.units import in_units
from gengen.core.field import Field
from gengen.core.parallel import parallel, replicate
from gengen.core.refusal import Refusal
from gengen.core.transforms import scale_by_rate
from gengen.core.units import Units
from gengen.data.labels import present, with_labels
from gengen.data.pipeline import batches
from gengen.data.signature import BYTE, DataSet
from gengen.files.whole import sweep, whole
from gengen.inference.batched import batched, chosen
from gengen.models.classifier import classifier, classify
from gengen.networks.classifier import FEATURES, Classifier
from gengen.training.loop import train, windows

NAME = "classifier-v1"
"""Of the architecture and of how it is trained: to be raised when either changes."""

SEED = 0
"""Seed of the first weights, of the order of the images and of their shifts."""

BATCH_SIZE = 128
"""Images of a step."""

RATE = 0.1
"""Learning rate at its peak."""

MOMENTUM = 0.9
"""Nesterov's."""

WEIGHT_DECAY = 1e-3
"""Factor of the kernels that is added to their gradients."""

DISPATCH = 50
"""Steps of one dispatch; a training has a multiple of them, so that only one length is compiled."""

CHUNK = 500
"""Images classified in one call."""

SHIPPED = Path(__file__).parent / "classifiers"
"""Files that come with gengen, named by the digest of the data set."""

Weights = dict[str, np.ndarray]
"""Arrays by their path in the network's variables, such as "params/Conv_0/kernel"."""


class TrainedClassifier(NamedTuple):
    """A classifier with its weights, and what tells it from others.

    Attributes:
      network: the linen module.
      weights: its variables.
      metadata: what the file says beside the weights: "name", "architecture", "shape" of an image, "data" (digest of
        the data set), "seed", "steps", "correct" and "count" (of the held-out images) and "weights" (SHA-256).
    """

    network: Classifier
    weights: Weights
    metadata: dict[str, Any]

    @property
    def name(self) -> str:
        """Of the architecture and of how it is trained."""
        return str(self.metadata["name"])

    @property
    def digest(self) -> str:
        """The first 12 hexadecimal digits of the SHA-256 of the weights."""
        return str(self.metadata["weights"])[:12]

    @property
    def accuracy(self) -> float:
        """Share of the held-out images that it classifies correctly; NaN where there are none."""
        return self.metadata["correct"] / self.metadata["count"] if self.metadata["count"] else float("nan")

    def extract(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Classifies images, `CHUNK` at a time, so that one shape is compiled and memory is bounded.

        Args:
          images: uint8 [N, H, W, C] of the data's shape.

        Returns:
          Features, float32 [N, 64], and log-probabilities of the classes in nats, float32 [N, K].

        Raises:
          ValueError: the images have another dtype or shape.
        """
        shape = tuple(self.metadata["shape"])
        if images.dtype != np.uint8 or images.shape[1:] != shape:
            raise ValueError(
                f"images should be uint8 [N, {', '.join(map(str, shape))}], not {images.dtype} {images.shape}"
            )
        variables = jax.device_put(_nested(self.weights))

        def look(indices: np.ndarray) -> Any:
            return _classify(self.network, variables, chosen(images, indices))

        features, log_probabilities = batched(look, len(images), CHUNK)
        return features, log_probabilities


def steps_for(images: int) -> int:
    """Number of training steps: ten times the root of the number of images, in whole dispatches.

    34 epochs of the 1,497 embedded digits, 5 of MNIST's 60,000 images. Fewer images are seen more often, but not so
    often that the time to train would be the same.
    """
    return DISPATCH * max(1, round(10 * math.sqrt(images) / DISPATCH))


def trained(data: DataSet, cache: Path, *, steps: int | None = None) -> TrainedClassifier:
    """Reads the classifier of a data set, which came with gengen or is in its file, or trains it and writes the file.

    Stochastic gradient descent with Nesterov's momentum; the rate rises for a fifth of the steps and falls along a
    cosine (Smith and Topin 2018, https://arxiv.org/abs/1708.07120, Loshchilov and Hutter 2017,
    https://arxiv.org/abs/1608.03983). Each process of a run may call it, and trains on its first device alone.

    Args:
      data: a data set with labels; images of unknown classes are left out.
      cache: the file, a .npz of plain arrays; it appears whole or not at all. One that is damaged or of another
        architecture, data set or number of steps is written anew.
      steps: number of training steps; `steps_for` the training images by default.

    Raises:
      Refusal: the data set has no labels, or one class alone.
    """
    signature = data.signature
    if len(present(data)) < 2:
        found = "training images of one class alone" if present(data) else "no labels"
        raise Refusal(f"{signature.name} has {found}, so no classifier can be trained to judge its samples.")
    network = Classifier(len(signature.classes))
    wanted: dict[str, Any] = {
        "name": NAME,
        "architecture": _architecture(network),
        "shape": list(signature.shape),
        "data": signature.digest,
        "seed": SEED,
        "steps": steps_for(len(with_labels(data.splits["train"])["label"])) if steps is None else steps,
    }
    for file in (SHIPPED / f"{signature.digest}.npz", cache):
        kept = _read(file, wanted)
        if kept is not None:
            return TrainedClassifier(network, *kept)
    clock = time.perf_counter()
    _say(f"training the classifier whose features judge samples of {signature.name}: {wanted['steps']} steps")
    made = tested(network, _train(data, network, wanted["steps"]), wanted, data)
    _say(
        f"{NAME} {made.digest} classifies {made.metadata['correct']} of {made.metadata['count']} held-out images "
        f"correctly ({made.accuracy:.2%}), after {time.perf_counter() - clock:.0f} s"
    )
    try:
        write(cache, made.weights, made.metadata)
    except OSError as error:
        _say(f"it could not be kept in {cache} ({error.strerror}), so the next command will train it again")
    return made


def digest_of(weights: Weights) -> str:
    """SHA-256 of arrays, in the order of their names: name, dtype, shape and bytes of each."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        array = weights[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _train(data: DataSet, network: Classifier, steps: int) -> Weights:
    """Trains from the seed on this process's first device; returns the weights of the last step."""
    device, key = jax.local_devices()[:1], jax.random.key(SEED)
    model = in_units(classifier(network=network, optimizer=_optimizer(steps)), data.signature)
    images = with_labels(data.splits["train"])
    example = {name: np.asarray(array[:1]) for name, array in images.items()}
    state = replicate(jax.jit(model.init)(key, example), device)

    def cut() -> Any:
        return windows(0, steps, DISPATCH)

    fed = batches(images, seed=SEED, batch_size=BATCH_SIZE, windows=cut(), devices=1)
    try:
        state, _ = train(
            parallel(model.train_step, device),
            key,
            state,
            zip(cut(), fed, strict=True),
            report=lambda first, last, metrics: None,
            actions=(),
            stop=lambda: False,
        )
    finally:
        fed.close()
    flat = flatten_dict(jax.device_get(state.variables["classifier"]), sep="/")
    return {name: np.asarray(array, "<f4") for name, array in flat.items()}


def _optimizer(steps: int) -> optax.GradientTransformation:
    rise = steps // 5
    fall = optax.cosine_decay_schedule(RATE, steps - rise)
    rate = optax.join_schedules([optax.linear_schedule(0.0, RATE, rise), fall], [rise])

    def kernels(params: Any) -> Any:
        return jax.tree.map(lambda param: param.ndim > 1, params)

    return optax.chain(
        optax.add_decayed_weights(WEIGHT_DECAY, mask=kernels),
        optax.trace(MOMENTUM, nesterov=True),
        scale_by_rate(rate),
    )


def _architecture(network: Classifier) -> str:
    return f"features {FEATURES}, channels {network.channels}, classes {network.classes}"


@partial(jax.jit, static_argnums=0)
def _classify(network: Classifier, variables: dict[str, Any], image: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Classifies images uint8 [n, H, W, C]."""
    return classify(network, variables, Units(Field(image.shape[1:], "uint8", *BYTE)).to_model(image))


def tested(network: Classifier, weights: Weights, metadata: dict[str, Any], data: DataSet) -> TrainedClassifier:
    """Completes the metadata of weights by their digest and by how many held-out images they classify correctly."""
    made = TrainedClassifier(network, weights, {**metadata, "correct": 0, "count": 0, "weights": digest_of(weights)})
    held_out = with_labels(data.splits["test"])
    _, log_probabilities = made.extract(held_out["data"])
    right = log_probabilities.argmax(-1) == held_out["label"]
    made.metadata.update(correct=int(right.sum()), count=len(right))
    return made


def _nested(weights: Weights) -> dict[str, Any]:
    return dict(unflatten_dict(weights, sep="/"))


def write(cache: Path, weights: Weights, metadata: dict[str, Any], *, packed: bool = False) -> None:
    """Writes weights and metadata, compressed if `packed`; of two processes that do, the last one wins."""
    arrays: dict[str, Any] = {"metadata": np.asarray(json.dumps(metadata)), **weights}
    cache.parent.mkdir(parents=True, exist_ok=True)
    sweep(cache.parent)
    with whole(cache) as file:
        (np.savez_compressed if packed else np.savez)(file, **arrays)


def _read(cache: Path, wanted: dict[str, Any]) -> tuple[Weights, dict[str, Any]] | None:
    """Weights and metadata of a file; None if there is none, if it is damaged, or if it is of something else."""
    try:
        with cache.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            metadata = dict(json.loads(str(file["metadata"])))
            weights = {name: np.asarray(file[name], "<f4") for name in file.files if name != "metadata"}
        whole = digest_of(weights) == metadata["weights"] and metadata["correct"] <= metadata["count"]
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    return (weights, metadata) if whole and wanted.items() <= metadata.items() else None


def _say(line: str) -> None:
    if jax.process_index() == 0:
        print(f"gengen: {line}", file=sys.stderr)
