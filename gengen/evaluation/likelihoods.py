"""What densities say: bounds of the likelihood of held-out data, Parzen windows, and the exact density of samples."""

from collections.abc import Callable
from functools import partial

import jax
import numpy as np

from gengen.core.model import GenerativeModel
from gengen.core.state import Variables
from gengen.core.units import Units
from gengen.data.labels import with_labels
from gengen.data.points import density_of
from gengen.evaluation.features import on_unit_scale
from gengen.evaluation.judge import REFERENCE, Section, Subject, pick
from gengen.inference.batched import batched, chosen
from gengen.inference.conditions import LABEL, classes_of
from gengen.metrics.likelihood import log_likelihood
from gengen.metrics.parzen import parzen

CHUNK = 100
"""Examples whose likelihood is bounded in one call: each with many importance samples."""

VALIDATION = 1_000
"""Training examples that choose the width of Parzen's windows, as published."""


def likelihood(subject: Subject) -> Section | None:
    """Bounds the log-likelihood of at most `REFERENCE` held-out examples with each number of importance samples.

    Bits of binarised images and latents are drawn from a fixed seed, the same for every model and every number.

    Returns:
      For each number of samples, as text, "nats" and the number of "images"; None where the model has no likelihood.
    """
    run, data = subject.run, subject.data
    if run.model.log_likelihood is None:
        return None
    conditional = classes_of(run.model) > 0
    test = with_labels(data.splits["test"]) if conditional else data.splits["test"]
    indices, examples = pick(test["data"], REFERENCE)
    labels = test["label"][indices] if conditional else np.zeros(len(indices), np.int32)
    bound = jax.jit(_bound(run.model, data.signature.units), static_argnums=3)

    def look(samples: int, rows: np.ndarray) -> jax.Array:
        key = jax.random.fold_in(jax.random.key(0), int(rows[0]))
        nats: jax.Array = bound(key, run.variables, chosen((examples, labels), rows), samples)
        return nats

    found = {}
    for samples in run.settings.get("importance_samples", (1,)):
        nats = batched(partial(look, samples), len(examples), CHUNK)
        estimate = log_likelihood(nats.astype(np.float64))
        found[str(samples)] = {"nats": estimate._asdict(), "images": len(examples)}
    return Section(found)


Batch = tuple[jax.Array, jax.Array]
"""Examples [n, *shape] and their labels [n]."""


def _bound(model: GenerativeModel, units: Units) -> Callable[[jax.Array, Variables, Batch, int], jax.Array]:
    def bound(key: jax.Array, variables: Variables, batch: Batch, samples: int) -> jax.Array:
        assert model.log_likelihood is not None
        data, label = batch
        condition = {LABEL: label} if classes_of(model) else None
        nats: jax.Array = model.log_likelihood(key, variables, units.to_model(data), condition, samples)
        return nats

    return bound


def windows(subject: Subject) -> Section | None:
    """The log-likelihood of Parzen windows around samples: Goodfellow et al. 2014, arXiv:1406.2661, section 5.

    Training examples, some at random, choose the width of the windows, and held-out ones are judged.

    Returns:
      "nats", "bandwidth", and the numbers of "samples" and of held-out "images"; None where it is not asked for.
    """
    if subject.samples is None or not subject.run.settings.get("parzen", False):
        return None
    data, samples = subject.data, subject.samples.examples.data
    _, held_out = pick(data.splits["test"]["data"], REFERENCE)
    _, validation = pick(data.splits["train"]["data"], VALIDATION)
    field = data.signature.fields["data"]
    points = (on_unit_scale(field, examples) for examples in (samples, validation, held_out))
    nats, bandwidth = parzen(*points)
    sizes = {"samples": len(samples), "images": len(held_out)}
    return Section({"nats": nats._asdict(), "bandwidth": bandwidth, **sizes})


def density(subject: Subject) -> Section | None:
    """The exact log-density of samples, beside that of held-out data.

    Returns:
      For "samples" and "held_out" their number of "points" and the mean "nats"; None where no density is known.
    """
    exact = density_of(subject.data.signature)
    if subject.samples is None or exact is None:
        return None
    judge, drawn = subject.samples
    sets = {"samples": drawn.data, "held_out": judge.real.reference.data}
    found = {
        name: {"points": len(points), "nats": log_likelihood(exact(points))._asdict()} for name, points in sets.items()
    }
    return Section(found)
