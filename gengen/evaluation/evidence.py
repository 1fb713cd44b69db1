"""What can be said of a model beyond its samples: likelihoods, what its codes are good for, how regular they lie."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from gengen.core.model import GenerativeModel
from gengen.core.state import Variables
from gengen.data.labels import with_labels
from gengen.data.signature import DataSet, Signature
from gengen.evaluation.judge import REFERENCE, pick
from gengen.inference.conditions import LABEL, classes_of
from gengen.inference.latents import Latents, label_condition
from gengen.inference.paths import lerp
from gengen.metrics.interval import Estimate
from gengen.metrics.likelihood import log_likelihood
from gengen.metrics.parzen import parzen
from gengen.metrics.probes import PROBES, probe
from gengen.metrics.regularity import completeness, continuity

IMAGES = 100
"""Images whose likelihood is bounded in one call."""

WALKS, STEPS = 200, 20
"""Straight ways between two draws of the prior, and the steps of each."""

VALIDATION = 1_000
"""Training images that choose the width of Parzen's windows, as published."""

Probabilities = Callable[[np.ndarray], np.ndarray]
"""Images uint8 [n, H, W, C] -> log-probabilities of classes [n, K]."""


def judge_likelihood(
    model: GenerativeModel, variables: Variables, data: DataSet, settings: ConfigDict
) -> dict[str, dict[str, Any]]:
    """Bounds the log-likelihood of at most `REFERENCE` held-out images with each number of importance samples.

    Bits of binarised images and latents are drawn from a fixed seed, the same for every model and every number.

    Returns:
      For each number of samples, as text, "nats" and the number of "images"; empty where the model has no likelihood.
    """
    if model.log_likelihood is None:
        return {}
    test = with_labels(data.splits["test"]) if classes_of(model) else data.splits["test"]
    indices, images = pick(test["data"], REFERENCE)
    labels = test["label"][indices] if classes_of(model) else np.zeros(len(indices), np.int32)
    bound = jax.jit(_bound(model), static_argnums=4)
    found = {}
    for samples in settings.get("importance_samples", (1,)):
        parts = []
        for start in range(0, len(images), IMAGES):
            chosen = np.minimum(np.arange(start, start + IMAGES), len(images) - 1)
            key = jax.random.fold_in(jax.random.key(0), start)
            parts.append(np.asarray(bound(key, variables, images[chosen], labels[chosen], samples)))
        nats = log_likelihood(np.concatenate(parts)[: len(images)].astype(np.float64))
        found[str(samples)] = {"nats": nats._asdict(), "images": len(images)}
    return found


def _bound(model: GenerativeModel) -> Callable[..., jax.Array]:
    def bound(key: jax.Array, variables: Variables, image: jax.Array, label: jax.Array, samples: int) -> jax.Array:
        assert model.log_likelihood is not None
        condition = {LABEL: label} if classes_of(model) else None
        scaled = image.astype(jnp.float32) / 127.5 - 1
        nats: jax.Array = model.log_likelihood(key, variables, scaled, condition, samples)
        return nats

    return bound


def judge_parzen(samples: np.ndarray, data: DataSet) -> dict[str, Any]:
    """The log-likelihood of Parzen windows around samples: Goodfellow et al. 2014, arXiv:1406.2661, section 5.

    Args:
      samples: uint8 [N, H, W, C].
      data: whose training images, some at random, choose the width of the windows, and whose held-out ones are judged.
    """

    def points(images: np.ndarray) -> np.ndarray:
        return np.asarray(images, np.float32).reshape(len(images), -1) / np.float32(255)

    _, held_out = pick(data.splits["test"]["data"], REFERENCE)
    _, validation = pick(data.splits["train"]["data"], VALIDATION)
    nats, bandwidth = parzen(points(samples), points(validation), points(held_out))
    return {"nats": nats._asdict(), "bandwidth": bandwidth, "samples": len(samples), "images": len(held_out)}


def judge_representation(model: GenerativeModel, variables: Variables, data: DataSet) -> dict[str, dict[str, Any]]:
    """What classes can be read from codes, by `PROBES` fitted to those of at most `REFERENCE` training images.

    Images of unknown classes are left out.

    A conditional model is told the labels when it encodes, so its codes are no features, and it is left out.
    """
    if model.encode is None or not data.signature.classes or (classes_of(model) and model.recognise is None):
        return {}
    codes, labels = [], []
    for seed, split in enumerate(("train", "test")):  # no noise in common: it belongs to a seed and a place
        known = with_labels(data.splits[split])
        if not len(known["label"]):
            return {}
        indices, images = pick(known["data"], REFERENCE)
        latents = Latents(model, data.signature.units, variables, seed)
        codes.append(latents.encode(images, indices, {}).reshape(len(indices), -1))
        labels.append(known["label"][indices])
    if len(np.unique(labels[0])) < 2:
        return {}
    found = probe(codes[0], labels[0], codes[1], labels[1], len(data.signature.classes))
    sizes = {"train": len(labels[0]), "test": len(labels[1])}
    return {name: {"accuracy": estimate._asdict(), **sizes} for name, estimate in found.items()}


def judge_regularity(
    model: GenerativeModel, variables: Variables, seen: np.ndarray | None, signature: Signature
) -> dict[str, dict[str, float]]:
    """How evenly pictures change along straight ways between draws of the prior, and how many draws are recognised.

    Args:
      model: the model.
      variables: its variables.
      seen: the classifier's log-probabilities of samples [N, K]; None where there is no classifier.
      signature: of the data; along a walk of a conditional model the class stays the same.
    """
    if model.prior is None or model.decode is None:
        return {}
    latents = Latents(model, signature.units, variables, seed=1)
    condition = label_condition(model, np.arange(2 * WALKS) // 2 % max(len(signature.classes), 1))
    ends = latents.draw(np.arange(2 * WALKS), condition).reshape(WALKS, 2, -1)
    shape = latents.draw(np.arange(1), {name: value[:1] for name, value in condition.items()}).shape[1:]
    walks = lerp(ends[:, 0], ends[:, 1], np.linspace(0, 1, STEPS + 1)).astype(np.float32).reshape(-1, *shape)
    along = {name: np.repeat(value[::2], STEPS + 1) for name, value in condition.items()}
    decoded = latents.decode(walks, np.repeat(np.arange(WALKS), STEPS + 1), along)
    found: dict[str, Estimate] = {"continuity": continuity(decoded.reshape(WALKS, STEPS + 1, -1))}
    if seen is not None:
        found["completeness"] = completeness(seen)
    return {name: estimate._asdict() for name, estimate in found.items()}


def sentences(report: Mapping[str, Any]) -> Iterator[str]:
    """Says what was found."""
    for samples, found in report["likelihood"].items():
        yield (
            f"Log-likelihood of {found['images']:,} held-out images, bounded with {int(samples):,} "
            f"sample{'s' if int(samples) > 1 else ''} each: at least {_within(found['nats'])} nats an image."
        )
    if report["parzen"]:
        found = report["parzen"]
        yield (
            f"Parzen windows of width {found['bandwidth']:.3g} around {found['samples']:,} samples give "
            f"{found['images']:,} held-out images {_within(found['nats'])} nats."
        )
    for name, found in report["representation"].items():
        yield (
            f"The {PROBES[name]} of the codes: {_within(found['accuracy'], 100)} % of {found['test']:,} held-out "
            f"images (fitted to {found['train']:,})."
        )
    regularity = report["regularity"]
    if "continuity" in regularity:
        yield (
            f"Along straight ways between draws of the prior the largest of {STEPS} steps changes the picture "
            f"{_within(regularity['continuity'])} times as much as the mean one (1 is even, {STEPS} a single jump)."
        )
    if "completeness" in regularity:
        yield f"The classifier is 90 % sure of {_within(regularity['completeness'], 100)} % of the samples."


def _within(estimate: Mapping[str, float], factor: float = 1) -> str:
    value, low, high = (factor * estimate[end] for end in ("value", "low", "high"))
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"
