"""What the scores say in plain sentences."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gengen.metrics.comparison import Compared
from gengen.metrics.difference import told_apart
from gengen.metrics.interval import Estimate
from gengen.metrics.scores import SCORES

MISSING, STARVED = 0.1, 0.5
"""A class is missing below a tenth of its share in the data, and starved below half of it."""

COLLAPSED = 0.5
"""Two samples that are near-duplicates more often than this are one example."""

NAMED = 10
"""The most classes that are named one by one where each is missing, or starved."""

OBEYED = 0.95
"""Samples are often of another class than asked for where fewer than this share of what real data reach agree."""


class Classes(NamedTuple):
    """The classes that a classifier sees.

    Attributes:
      names: of the classes [K].
      samples: share of each among the samples.
      data: share of each in the data [K].
    """

    names: Sequence[str]
    samples: Sequence[Estimate]
    data: np.ndarray


def verdict(
    compared: Mapping[str, Compared],
    distance: Estimate | None,
    to_noise: Estimate | None,
    classes: Classes | None,
    *,
    number: int,
    training: int,
    nouns: tuple[str, str] = ("image", "images"),
) -> list[str]:
    """Says what is wrong with the samples, if anything is by more than chance, and which scores tell them from data.

    Every score that has a direction is looked at, and a fault is named where `told_apart` names its score.

    Args:
      compared: scores of samples and of real data by name: collisions, copied, where samples were asked to be of a
        class label_agreement, and any others.
      distance: the Fréchet distance of the samples from data; None where these are too few.
      to_noise: the same from noise, instead of from data; None where it cannot tell noise.
      classes: shares of the classes; None where there are none.
      number: of samples.
      training: number of training examples.
      nouns: what one example and several are called.

    Returns:
      At least one sentence.
    """
    repeats = compared["collisions"].samples.value > COLLAPSED  # which noise does not
    if distance and to_noise and to_noise.high < distance.low and not repeats:
        return [
            f"These samples are noise: they are nearer to noise (Fréchet distance {to_noise.value:.4g}) than to data "
            f"({distance.value:.4g})."
        ]
    worse = told_apart({name: found.difference for name, found in compared.items()})
    faults = {name: compared[name] for name in worse}
    found = [
        *_repeated(faults, training, *nouns),
        *_copied(faults, nouns[1]),
        *_disobedient(faults, nouns[1]),
        *(_unequal(classes) if classes else ()),
    ]
    if not found:
        missing = "no class is missing, " if classes else ""
        memorised = " and nothing is memorised" if "copied" in compared else ""
        found = [f"In {number:,} samples {missing}nothing is repeated{memorised}."]
    return [*found, _apart(faults, len(compared), nouns[1])]


def _repeated(faults: Mapping[str, Compared], training: int, one: str, many: str) -> list[str]:
    """Repetitions by which there are fewer different samples than training examples."""
    if "collisions" not in faults or faults["collisions"].samples.value * training < 1:
        return []
    chance = faults["collisions"].samples
    if chance.value > COLLAPSED:
        return [f"One {one} is repeated: {chance.value:.0%} of all pairs of samples are near-duplicates."]
    return [
        f"{many.capitalize()} repeat as if there were about {1 / chance.value:,.0f} different ones (between "
        f"{1 / chance.high:,.0f} and {1 / chance.low:,.0f}), fewer than the {training:,} training {many}."
    ]


def _copied(faults: Mapping[str, Compared], many: str) -> list[str]:
    if "copied" not in faults:
        return []
    share, real = faults["copied"].samples, faults["copied"].real
    return [
        f"Training {many} are memorised: {share.value:.1%} of the samples copy one; {real.value:.1%} of the "
        f"training {many} are as near to another."
    ]


def _disobedient(faults: Mapping[str, Compared], many: str) -> list[str]:
    if "label_agreement" not in faults:
        return []
    share, real = faults["label_agreement"].samples, faults["label_agreement"].real
    if share.value >= OBEYED * real.value:
        return []
    return [
        f"Samples are often of another class than asked for: the classifier agrees with {share.value:.1%} of them and "
        f"with {real.value:.1%} of real {many}."
    ]


def _apart(faults: Mapping[str, Compared], looked_at: int, many: str) -> str:
    """Which scores tell samples from real data, the clearest first, with both values."""
    if not faults:
        return f"These samples cannot be told from real {many} by any of {looked_at} scores at these sample sizes."
    named = [
        f"{SCORES[name].title_of(many)} ({found.samples.value:.3g}, real {many} {found.real.value:.3g}"
        f"{f', of {found.number:,} each' if found.number else ''})"
        for name, found in faults.items()
    ]
    return (
        f"These samples are told from real {many} by {len(named)} of {looked_at} scores, the clearest first: "
        f"{', '.join(named)}."
    )


def _unequal(classes: Classes) -> list[str]:
    missing, starved = [], []
    for name, share, expected in zip(classes.names, classes.samples, classes.data, strict=True):
        said = f"{name} ({share.value:.1%} of the samples, {expected:.1%} of the data)"
        if share.high < MISSING * expected:
            missing.append(said)
        elif share.high < STARVED * expected:
            starved.append(said)
    sentences = []
    for listed, what in ((missing, "missing"), (starved, "starved")):
        if len(listed) > NAMED:
            few = ", ".join(listed[:NAMED])
            sentences.append(f"{len(listed):,} of {len(classes.names):,} classes are {what}, such as {few}.")
        elif listed:
            kind, are = ("Class", "is") if len(listed) == 1 else ("Classes", "are")
            sentences.append(f"{kind} {', '.join(listed)} {are} {what}.")
    return sentences
