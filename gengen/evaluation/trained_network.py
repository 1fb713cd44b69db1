"""Networks whose features judge samples of a data set: trained on it once, then read from a file that is kept with it.

Each is trained as any model of gengen is, from a fixed seed, on one device however many the run has. The same steps
round differently on another kind of device or with another number of threads, so a digest of the weights tells networks
apart, and scores are comparable where it is the same. What weights make of an image does not depend on the number of
threads.
"""

import hashlib
import json
import sys
import time
import zipfile
import zlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from gengen.build.units import in_units
from gengen.core.field import Field
from gengen.core.parallel import parallel, replicate
from gengen.core.units import Units
from gengen.data.pipeline import batches
from gengen.data.signature import BYTE, DataSet, Signature
from gengen.evaluation.recipe import DISPATCH, SEED, Recipe
from gengen.files.whole import sweep, whole
from gengen.inference.batched import batched, chosen
from gengen.models.classifier import classify
from gengen.training.loop import train, windows

CHUNK = 500
"""Images seen in one call."""

Weights = dict[str, np.ndarray]
"""Arrays by their path in the network's variables, such as "params/Conv_0/kernel"."""


class TrainedNetwork(NamedTuple):
    """A network with its weights, and what tells it from others.

    Attributes:
      network: the linen module: images in [-1, 1] -> features and logits.
      weights: its variables.
      metadata: what the file says beside the weights: "name", "architecture", "shape" of an image, "data" (digest of
        the data set), "seed", "steps", "correct" and "count" (of the held-out images) and "weights" (SHA-256).
    """

    network: nn.Module
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
        """Share of the held-out images that it names right; NaN where there are none."""
        return self.metadata["correct"] / self.metadata["count"] if self.metadata["count"] else float("nan")

    def extract(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the network makes of images.

        Args:
          images: uint8 [N, H, W, C] of the data's shape.

        Returns:
          Features, float32 [N, F], and log-probabilities in nats of what it was taught to name, float32 [N, K].

        Raises:
          ValueError: the images have another dtype or shape.
        """
        shape = tuple(self.metadata["shape"])
        if images.dtype != np.uint8 or images.shape[1:] != shape:
            raise ValueError(
                f"images should be uint8 [N, {', '.join(map(str, shape))}], not {images.dtype} {images.shape}"
            )
        return seen(self.network, self.weights, images)


def seen(network: nn.Module, weights: Weights, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a network makes of images uint8 [N, H, W, C]: features [N, F] and log-probabilities in nats [N, K].

    `CHUNK` at a time, so that one shape is compiled and memory is bounded.
    """
    variables = jax.device_put(dict(unflatten_dict(weights, sep="/")))

    def look(indices: np.ndarray) -> Any:
        return _look(network, variables, chosen(images, indices))

    features, log_probabilities = batched(look, len(images), CHUNK)
    return features, log_probabilities


def trained(data: DataSet, recipe: Recipe, cache: Path) -> TrainedNetwork:
    """Reads a network of a data set, which came with gengen or is in its file, or trains it and writes the file.

    Each process of a run may call it, and trains on its first device alone.

    Args:
      data: the data set.
      recipe: how it is trained.
      cache: the file, a .npz of plain arrays; it appears whole or not at all. One that is damaged or of another
        architecture, data set or number of steps is written anew.
    """
    wanted = {
        "name": recipe.name,
        "architecture": recipe.architecture,
        "shape": list(data.signature.shape),
        "data": data.signature.digest,
        "seed": SEED,
        "steps": recipe.steps,
    }
    for file in filter(None, (recipe.shipped, cache)):
        kept = _read(file, wanted)
        if kept is not None:
            return TrainedNetwork(recipe.network, *kept)
    clock = time.perf_counter()
    _say(f"training {recipe.what}: {recipe.steps} steps")
    made = tested(recipe, _train(recipe, data.signature), wanted)
    right = f"{made.metadata['correct']} of {made.metadata['count']} {recipe.tested_on} right"
    _say(f"{made.name} {made.digest} names {right} ({made.accuracy:.2%}), after {time.perf_counter() - clock:.0f} s")
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


def _train(recipe: Recipe, signature: Signature) -> Weights:
    """Trains from the seed on this process's first device; returns the weights of the last step."""
    device, key = jax.local_devices()[:1], jax.random.key(SEED)
    model = in_units(recipe.model, signature)
    example = {name: np.asarray(array[:1]) for name, array in recipe.arrays.items()}
    state = replicate(jax.jit(model.init)(key, example), device)

    def cut() -> Any:
        return windows(0, recipe.steps, min(DISPATCH, recipe.steps))

    fed = batches(recipe.arrays, seed=SEED, batch_size=recipe.batch_size, windows=cut(), devices=1)
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


@partial(jax.jit, static_argnums=0)
def _look(network: nn.Module, variables: dict[str, Any], image: jax.Array) -> tuple[jax.Array, jax.Array]:
    return classify(network, variables, Units(Field(image.shape[1:], "uint8", *BYTE)).to_model(image))


def tested(recipe: Recipe, weights: Weights, metadata: Mapping[str, Any]) -> TrainedNetwork:
    """Completes the metadata of weights by their digest and by how many held-out images they name right."""
    images, labels = recipe.held_out
    right = seen(recipe.network, weights, images)[1].argmax(-1) == labels
    found = {"correct": int(right.sum()), "count": len(right), "weights": digest_of(weights)}
    return TrainedNetwork(recipe.network, weights, {**metadata, **found})


def write(cache: Path, weights: Weights, metadata: dict[str, Any], *, packed: bool = False) -> None:
    """Writes weights and metadata, compressed if `packed`; of two processes that do, the last one wins."""
    arrays: dict[str, Any] = {"metadata": np.asarray(json.dumps(metadata)), **weights}
    cache.parent.mkdir(parents=True, exist_ok=True)
    sweep(cache.parent)
    with whole(cache) as file:
        (np.savez_compressed if packed else np.savez)(file, **arrays)


def _read(cache: Path, wanted: Mapping[str, Any]) -> tuple[Weights, dict[str, Any]] | None:
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
