"""What densities say: the likelihood of held-out data, Parzen windows, and the exact density of samples."""

import math
from functools import partial
from typing import Any

import jax
import numpy as np

from gengen.core.model import GenerativeModel
from gengen.data.labels import with_labels
from gengen.data.points import density_of
from gengen.data.signature import DataSet, Signature
from gengen.evaluation.features import on_unit_scale
from gengen.evaluation.judging import REFERENCE, Section, Subject, pick
from gengen.inference.batched import batched, chosen
from gengen.inference.conditions import classes_of
from gengen.inference.nats import basis, by_class, nats_of
from gengen.metrics.likelihood import in_bits, log_likelihood
from gengen.metrics.parzen import parzen

CHUNK = 100
"""Examples whose likelihood is asked for in one call: each may have many importance samples."""

FEW_CLASSES = 10
"""Up to which all of `REFERENCE` examples are asked about under each class, and with more, as many fewer."""

VALIDATION = 1_000
"""Training examples that choose the width of Parzen's windows, as published."""


def likelihood(subject: Subject) -> Section | None:
    """The log-likelihood of at most `REFERENCE` held-out examples: once if it is exact, or with each number of samples.

    It is that of the data as they are, which `inference.nats` makes of any model's: of whole numbers it compares among
    all models. A model that is told the class has a pass for each class: log sum_c p(c) p(x | c) with the shares p(c)
    of the training examples compares with models that are not told it. Bits of binarised images, noise and latents are
    drawn from a fixed seed, the same for every model and every number.

    Returns:
      For each number of samples, as text, the number of "images", "nats", what they are "of" and what they are ("is"),
      for whole numbers "bits_per_dimension", and for a model that is told the class the same two as "told". The last of
      several has as "gap" the nats by which the bound is above the first one. None where there is no likelihood.
    """
    run, data = subject.run, subject.data
    if run.model.log_likelihood is None:
        return None
    classes, signature = classes_of(run.model), data.signature
    test = with_labels(data.splits["test"]) if classes else data.splits["test"]
    indices, examples = pick(test["data"], REFERENCE * FEW_CLASSES // max(classes, FEW_CLASSES))
    labels = test["label"][indices] if classes else np.zeros(len(indices), np.int32)
    nats = nats_of(run.model, signature)
    each = jax.jit(by_class(nats, classes) if classes else nats, static_argnums=4)

    def look(samples: int, rows: np.ndarray) -> jax.Array:
        key = jax.random.fold_in(jax.random.key(0), int(rows[0]))
        found: jax.Array = each(key, run.variables, chosen(examples, rows), None, samples)
        return found.T  # examples come first

    numbers = run.settings.get("importance_samples", (1,)) if run.model.bound_by else (1,)
    tables = {k: batched(partial(look, k), len(examples), CHUNK).astype(np.float64) for k in numbers}
    shares = _shares(data, classes)
    found = {
        str(k): _measured(run.model, signature, table, labels, shares) | {"is": basis(run.model, signature, k)}
        for k, table in tables.items()
    }
    if len(numbers) > 1:
        first, last = (_unconditional(tables[k], shares) for k in (numbers[0], numbers[-1]))
        gap = log_likelihood(last - first)._asdict()
        found[str(numbers[-1])]["gap"] = {"since": numbers[0], "nats": gap}
    return Section(found)


def _measured(
    model: GenerativeModel, signature: Signature, table: np.ndarray, labels: np.ndarray, shares: np.ndarray | None
) -> dict[str, Any]:
    """The entry of log-likelihoods [N], or [N, K] under each class."""
    of = model.likelihood_of if model.likelihood_of == "bits" else "values" if signature.levels else "numbers"

    def both(nats: np.ndarray) -> dict[str, Any]:
        estimate = log_likelihood(nats)
        bits = in_bits(estimate, math.prod(signature.shape))
        return {"nats": estimate._asdict(), **({"bits_per_dimension": bits._asdict()} if of == "values" else {})}

    entry = {"images": len(table), "of": of, **both(_unconditional(table, shares))}
    return entry | ({} if shares is None else {"told": both(table[np.arange(len(table)), labels])})


def _unconditional(table: np.ndarray, shares: np.ndarray | None) -> np.ndarray:
    """The log-likelihood of each example where nobody tells its class, nats [N]."""
    if shares is None:
        return table
    with np.errstate(divide="ignore"):  # a class without a share
        nats: np.ndarray = np.logaddexp.reduce(table + np.log(shares), axis=1)
    return nats


def _shares(data: DataSet, classes: int) -> np.ndarray | None:
    """The shares [K] of the classes among training examples whose class is known; None where no model is told them."""
    if not classes:
        return None
    counts = np.bincount(with_labels(data.splits["train"])["label"], minlength=classes)
    return np.asarray(counts / counts.sum())


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
