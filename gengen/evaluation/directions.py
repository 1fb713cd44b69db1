"""Directions of the latent space: to a class, to pictures of the user, or along which a decoder changes most."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gengen.core.refusal import Refusal
from gengen.data.labels import present
from gengen.evaluation.extractor import Extractor
from gengen.evaluation.features import class_extractor, on_unit_scale
from gengen.inference.conditions import LABEL, Conditions
from gengen.inference.formula import CLASS, parsed
from gengen.inference.jacobians import steepest
from gengen.inference.latents import Latents
from gengen.inference.restoring import Restorer
from gengen.metrics.interval import of_share
from gengen.metrics.separation import separating
from gengen.runs.coded import alike, encoded, population, shown_of
from gengen.runs.data import pictures_of
from gengen.runs.run import Run

FITTED, MEASURED = 2_000, 500
"""Samples by whose classes a direction is found, and the most others that are moved along it."""

JACOBIANS, DIRECTIONS = 32, 5
"""Latents at which a decoder is looked at, and the directions along which it changes most that are shown."""

PICTURES, INVERTED, DESCENT = 500, 50, 300
"""The most pictures of a folder, the most where latents have to be looked for, and the steps of that."""

HELD_OUT = 4
"""One in so many pictures of a folder says how often a probe is right, and teaches it nothing."""

LEAST = 4
"""The fewest samples, or pictures, that have something and that do not."""


class Directions(NamedTuple):
    """Directions of the latent space.

    Attributes:
      way: where they are from: "labels", "folders" or "jacobian".
      titles: of each, in words [k].
      vectors: of length 1, [k, ...] as latents are.
      deviations: the standard deviation of latents along each [k].
      spread: the standard deviation of each number of latents [...].
      codes: latents to be moved, [n, ...].
      told: what they are told when they are decoded, arrays [1, ...].
      verifier: what tells whether the first direction changed samples; None where nothing says what it is to do.
      facts: what else is said of how they were found.
    """

    way: str
    titles: list[str]
    vectors: np.ndarray
    deviations: np.ndarray
    spread: np.ndarray
    codes: np.ndarray
    told: Conditions
    verifier: "Verifier | None" = None
    facts: Mapping[str, Any] = {}


class Verifier(NamedTuple):
    """What tells whether samples were changed.

    Attributes:
      has: `examples [n, *shape] in the data's units -> bool [n]`: whether they have what was to come.
      kinds: `examples -> int [n]`: their classes; None where nothing names them.
      stays: whether the class should stay.
    """

    has: Callable[[np.ndarray], np.ndarray]
    kinds: Callable[[np.ndarray], np.ndarray] | None
    stays: bool


def unsupervised(run: Run, latents: Latents, *, seed: int, label: int | None) -> Directions:
    """The directions along which the decoder changes most, as `inference.jacobians.steepest` says.

    Args:
      run: the run.
      latents: of its model.
      seed: of the latents.
      label: the class that all are told, or None.
    """
    codes = population(run, latents, FITTED, seed, label).codes
    told = alike(run, 1, label)
    found = steepest(
        run.model,
        run.variables,
        codes[:JACOBIANS],
        _repeated(told, len(codes[:JACOBIANS])),
        number=DIRECTIONS,
        seed=seed,
    )
    share = found.gains / max(found.mean, 1e-12)
    titles = [
        f"direction {index}: {times:.2g} times the change along one at random" for index, times in enumerate(share, 1)
    ]
    facts = {"gains": found.gains.tolist(), "gain of random directions": found.mean}
    return _directions("jacobian", titles, found.directions, codes, codes, told, facts=facts)


def of_classes(run: Run, latents: Latents, formula: str, *, seed: int) -> Directions:
    """The direction from samples of one class, or of all others, to those of another: the way across a hyperplane.

    Samples are draws of the prior, or decoded codes of held-out examples where there is none; the classifier of the
    data names their classes. The first half says the direction, the other one is moved.

    Args:
      run: the run.
      latents: of its model.
      formula: "label:A", or "label:A-label:B" to begin at class B alone.
      seed: of the samples.

    Raises:
      Refusal: the formula is something else, the model is told classes, or there are too few samples of one.
    """
    names = run.signature.classes
    to, start = _asked(formula, names)
    if latents.heeds(run.signature.shape, LABEL):
        raise Refusal(
            f"--formula={formula}: the model of {run.folder} is told the class of what it decodes, so no direction "
            f"leads from one to another; --mode=sample --label={names[to]} draws samples of it."
        )
    extractor = class_extractor(run.data())

    kinds = _kinds(extractor)
    drawn, told = population(run, latents, 2 * FITTED, seed, None), alike(run, 1, None)
    half = len(drawn.codes) // 2
    named = kinds(decoded_samples(run, latents, drawn.codes, told))
    has, lacks = named == to, (named != to) if start is None else named == start
    for where, title in ((has, names[to]), (lacks, "any other class" if start is None else names[start])):
        if min(where[:half].sum(), where[half:].sum()) < LEAST:
            raise Refusal(
                f"--formula={formula}: of {drawn.title} only {where.sum()} are taken for {title} by {extractor.title}, "
                f"too few to find a direction; choose other classes."
            )
    both = np.flatnonzero(has[:half] | lacks[:half])
    vector = _across(drawn.codes[both], has[both])
    title = f"to {names[to]} from {'all others' if start is None else names[start]}"
    left = drawn.codes[half:][lacks[half:]][:MEASURED]
    verifier = Verifier(lambda examples: kinds(examples) == to, kinds, stays=False)
    facts = {"samples": drawn.title, "classifier": extractor.title, "accuracy": extractor.accuracy}
    return _directions("labels", [title], vector, drawn.codes, left, told, verifier, facts)


def of_folders(run: Run, latents: Latents, source: Path, without: Path, *, seed: int, label: int | None) -> Directions:
    """The direction from pictures without something to pictures with it, across a hyperplane between latents.

    Latents are the pictures' codes, or are looked for where the model cannot encode. Samples that have it are told from
    others by a linear probe of pixels, and of what the classifier of the data sees in them, where there is one: it may
    have learnt not to see what makes no difference between classes, such as how thick strokes are.

    Args:
      run: the run.
      latents: of its model.
      source: the folder of pictures with it.
      without: the folder of those without it.
      seed: of the samples, and of where latents are looked for.
      label: the class of all pictures and samples, for a model that takes labels.

    Raises:
      Refusal: a folder cannot be read or holds too few pictures, or there are no latents of pictures.
    """
    folders = [
        _latents_of(run, latents, folder, flag, seed, label)
        for folder, flag in ((source, "--input"), (without, "--without"))
    ]
    images, codes = (np.concatenate([folder[part] for folder in folders]) for part in (0, 1))
    has = np.repeat([True, False], [len(folder[0]) for folder in folders])
    learnt = np.concatenate([np.arange(len(folder[0])) % HELD_OUT != HELD_OUT - 1 for folder in folders])
    extractor = class_extractor(run.data()) if run.signature.classes and len(present(run.data())) > 1 else None

    def seen(examples: np.ndarray) -> np.ndarray:
        points = on_unit_scale(run.signature.fields["data"], examples)
        return points if extractor is None else np.concatenate([points, extractor.extract(examples)[0]], axis=1)

    probe = separating(seen(images[learnt]), has[learnt])
    right = probe.beyond(seen(images[~learnt])) == has[~learnt]
    drawn, told = population(run, latents, FITTED, seed, label), alike(run, 1, label)
    lacks = ~probe.beyond(seen(decoded_samples(run, latents, drawn.codes, told)))
    if lacks.sum() < LEAST:
        raise Refusal(
            f"--input={source}: by the probe only {lacks.sum()} of {drawn.title} lack what its pictures have, too few "
            f"to be moved; give pictures of something rarer."
        )
    verifier = Verifier(
        lambda examples: probe.beyond(seen(examples)), _kinds(extractor) if extractor is not None else None, stays=True
    )
    facts = {
        "samples": drawn.title,
        "pictures": {"with": len(folders[0][0]), "without": len(folders[1][0]), "latents": folders[0][2]},
        "probe": {
            "accuracy": of_share(right.sum(), len(right))._asdict(),
            "held out": len(right),
            "of": f"pixels and {extractor.title}" if extractor else "pixels",
        },
    }
    title = f"to {source.name} from {without.name}"
    vector = _across(codes[learnt], has[learnt])
    return _directions("folders", [title], vector, drawn.codes, drawn.codes[lacks][:MEASURED], told, verifier, facts)


def decoded_samples(run: Run, latents: Latents, codes: np.ndarray, told: Conditions) -> np.ndarray:
    """Decodes latents [n, ...] in the data's units [n, *shape]; the i-th has the noise of index i."""
    made = latents.decode(codes, np.arange(len(codes)), _repeated(told, len(codes)))
    return np.asarray(run.signature.units.to_data(made))


def _asked(formula: str, names: Sequence[str]) -> tuple[int, int | None]:
    """The class to come, and the class to begin at, None for all others."""
    terms = parsed(formula, names)
    labels, signs = [term.label for term in terms if term.label is not None], [term.sign for term in terms]
    if len(labels) < len(terms) or signs not in ([1], [1, -1]) or len(set(labels)) < len(labels):
        raise Refusal(
            f"--formula={formula} must be the class to come, as in {CLASS}7, or that and the class to begin at, as in "
            f"{CLASS}7-{CLASS}1."
        )
    return labels[0], labels[1] if len(labels) > 1 else None


def _latents_of(
    run: Run, latents: Latents, folder: Path, flag: str, seed: int, label: int | None
) -> tuple[np.ndarray, np.ndarray, str]:
    """Pictures of a folder, their latents, and where these are from."""
    if run.model.encode is not None:
        shown = shown_of(run, latents, PICTURES, seed, folder, label, flag)
        way, codes = "encoded", encoded(run, latents, shown).codes
    else:
        shown, way = pictures_of(folder, run.signature, INVERTED, flag), f"inverted in {DESCENT} steps"
        restorer = Restorer(run.model, run.signature.units, run.variables, seed, run.signature.shape)
        codes = (
            np.asarray(restorer.invert(shown.images, DESCENT).latents) if len(shown.images) >= LEAST else np.empty(0)
        )
    if len(shown.images) < LEAST:
        raise Refusal(f"{flag}={folder} holds {len(shown.images)} of the {LEAST} pictures that it takes; add some.")
    return shown.images, codes, way


def _kinds(extractor: Extractor) -> Callable[[np.ndarray], np.ndarray]:
    """Names the class of each example, by a classifier."""

    def kinds(examples: np.ndarray) -> np.ndarray:
        log_probabilities = extractor.extract(examples)[1]
        assert log_probabilities is not None, "it names classes"
        return np.asarray(log_probabilities.argmax(1))

    return kinds


def _across(codes: np.ndarray, has: np.ndarray) -> np.ndarray:
    """The way across a hyperplane between latents [n, ...], [1, ...]."""
    plane = separating(codes.reshape(len(codes), -1), has)
    return plane.across.reshape(1, *codes.shape[1:]).astype(np.float32)


def _directions(
    way: str,
    titles: list[str],
    vectors: np.ndarray,
    draws: np.ndarray,
    codes: np.ndarray,
    told: Conditions,
    verifier: Verifier | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Directions:
    """Directions with the standard deviations of draws [n, ...] along them."""
    along = draws.reshape(len(draws), -1) @ vectors.reshape(len(vectors), -1).T
    return Directions(way, titles, vectors, along.std(0), draws.std(0), codes, told, verifier, facts or {})


def _repeated(told: Conditions, number: int) -> dict[str, np.ndarray]:
    return {name: np.repeat(value, number, axis=0) for name, value in told.items()}
