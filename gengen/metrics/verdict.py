"""What the scores say in plain sentences."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gengen.metrics.interval import Estimate

MISSING, STARVED = 0.1, 0.5
"""A class is missing below a tenth of its share in the data, and starved below half of it."""

COLLAPSED = 0.5
"""Two samples that are near-duplicates more often than this are one image."""


OBEYED = 0.95
"""Samples are often of another class than asked for where fewer than this share of what real images reach agree."""


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
    samples: Mapping[str, Estimate],
    floor: Mapping[str, Estimate],
    to_noise: Estimate,
    classes: Classes | None,
    *,
    number: int,
    training: int,
) -> list[str]:
    """Says what is wrong with the samples, if anything is by more than the intervals, worst first.

    Args:
      samples: scores of the samples by name: frechet_distance, collisions, copied and, where samples
        were asked to be of a class, label_agreement.
      floor: the same of training images in their place.
      to_noise: the Fréchet distance of the samples from noise, instead of from data.
      classes: shares of the classes; None where there are none.
      number: of samples.
      training: number of training images.

    Returns:
      At least one sentence.
    """
    distance = samples["frechet_distance"]
    if to_noise.high < distance.low:
        return [
            f"These samples are noise: they are nearer to noise (Fréchet distance {to_noise.value:.4g}) than to data "
            f"({distance.value:.4g})."
        ]
    found = [
        *_repeated(samples, floor, training),
        *_copied(samples, floor),
        *_disobedient(samples, floor),
        *(_unequal(classes) if classes else ()),
    ]
    if not found:
        missing = "no class is missing, " if classes else ""
        found = [f"In {number:,} samples {missing}nothing is repeated and nothing is memorised."]
    return [*found, _distance(distance, floor["frechet_distance"])]


def _repeated(samples: Mapping[str, Estimate], floor: Mapping[str, Estimate], training: int) -> list[str]:
    """Repetitions by which there are fewer different samples than training images."""
    chance = samples["collisions"]
    if chance.low <= floor["collisions"].high or chance.value * training < 1:
        return []
    if chance.value > COLLAPSED:
        return [f"One image is repeated: {chance.value:.0%} of all pairs of samples are near-duplicates."]
    return [
        f"Images repeat as if there were about {1 / chance.value:,.0f} different ones (between {1 / chance.high:,.0f} "
        f"and {1 / chance.low:,.0f}), fewer than the {training:,} training images."
    ]


def _copied(samples: Mapping[str, Estimate], floor: Mapping[str, Estimate]) -> list[str]:
    share = samples["copied"]
    if share.low <= floor["copied"].high:
        return []
    return [
        f"Training images are memorised: {share.value:.1%} of the samples copy one; {floor['copied'].value:.1%} of the "
        f"training images are as near to another."
    ]


def _disobedient(samples: Mapping[str, Estimate], floor: Mapping[str, Estimate]) -> list[str]:
    if "label_agreement" not in samples:
        return []
    share, real = samples["label_agreement"], floor["label_agreement"]
    if share.high >= OBEYED * real.low:
        return []
    return [
        f"Samples are often of another class than asked for: the classifier agrees with {share.value:.1%} of them and "
        f"with {real.value:.1%} of real images."
    ]


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
        if listed:
            kind, are = ("Class", "is") if len(listed) == 1 else ("Classes", "are")
            sentences.append(f"{kind} {', '.join(listed)} {are} {what}.")
    return sentences


def _distance(samples: Estimate, floor: Estimate) -> str:
    if samples.low <= floor.high:
        return (
            f"The Fréchet distance ({samples.value:.4g}) cannot be told from that of real images ({floor.value:.4g})."
        )
    times = f"{samples.value / floor.value:.1f} times" if floor.value > 0 else "more than"
    return f"The Fréchet distance ({samples.value:.4g}) is {times} that of real images ({floor.value:.4g})."
