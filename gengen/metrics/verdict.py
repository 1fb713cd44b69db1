"""What the scores say in plain sentences."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gengen.metrics.interval import Estimate

MISSING, STARVED = 0.1, 0.5
"""A class is missing below a tenth of its share in the data, and starved below half of it."""

COLLAPSED = 0.5
"""Two samples that are near-duplicates more often than this are one image."""


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
    noise: Mapping[str, Estimate],
    classes: Classes | None,
) -> list[str]:
    """Says what is wrong with the samples, if anything is by more than the intervals, worst first.

    Args:
      samples: scores of the samples by name: frechet_distance, collisions and copied.
      floor: the same of data.
      noise: the same of noise.
      classes: shares of the classes; None where there are none.

    Returns:
      At least one sentence.
    """
    if _is_noise(samples, floor, noise):
        distance, worst = samples["frechet_distance"].value, noise["frechet_distance"].value
        return [
            f"These samples are noise: as far from the data (Fréchet distance {distance:.4g}) as noise ({worst:.4g})."
        ]
    found = [*_repeated(samples, floor), *_copied(samples, floor), *(_unequal(classes) if classes else ())]
    return [*found, _distance(samples["frechet_distance"], floor["frechet_distance"], bool(found))]


def _is_noise(samples: Mapping[str, Estimate], floor: Mapping[str, Estimate], noise: Mapping[str, Estimate]) -> bool:
    """As far from the data as noise is, and without the repetitions of a collapse, which may be as far."""
    far = samples["frechet_distance"].high >= noise["frechet_distance"].low
    return far and samples["collisions"].low <= floor["collisions"].high


def _repeated(samples: Mapping[str, Estimate], floor: Mapping[str, Estimate]) -> list[str]:
    chance = samples["collisions"]
    if chance.low <= floor["collisions"].high:
        return []
    if chance.value > COLLAPSED:
        return [f"One image is repeated: {chance.value:.0%} of all pairs of samples are near-duplicates."]
    return [
        f"Images repeat as if there were about {1 / chance.value:,.0f} different ones (between {1 / chance.high:,.0f} "
        f"and {1 / chance.low:,.0f})."
    ]


def _copied(samples: Mapping[str, Estimate], floor: Mapping[str, Estimate]) -> list[str]:
    share = samples["copied"]
    if share.low <= floor["copied"].high:
        return []
    return [
        f"Training images are memorised: {share.value:.1%} of the samples copy one ({floor['copied'].value:.1%} of "
        f"held-out images look like copies by chance)."
    ]


def _unequal(classes: Classes) -> list[str]:
    missing, starved = [], []
    for name, share, expected in zip(classes.names, classes.samples, classes.data, strict=True):
        said = f"{name} ({share.value:.1%} of the samples, {expected:.1%} of the data)"
        if share.high < MISSING * expected or (share.value == 0 and share.high < expected):
            missing.append(said)
        elif share.high < STARVED * expected:
            starved.append(said)
    sentences = []
    for listed, what in ((missing, "missing"), (starved, "starved")):
        if listed:
            kind, are = ("Class", "is") if len(listed) == 1 else ("Classes", "are")
            sentences.append(f"{kind} {', '.join(listed)} {are} {what}.")
    return sentences


def _distance(samples: Estimate, floor: Estimate, faulty: bool) -> str:
    start = "The" if faulty else "No class is missing, nothing is repeated or memorised; the"
    if samples.low <= floor.high:
        return f"{start} Fréchet distance ({samples.value:.4g}) cannot be told from that of data ({floor.value:.4g})."
    return (
        f"{start} Fréchet distance ({samples.value:.4g}) is {samples.value / floor.value:.1f} times that of data "
        f"({floor.value:.4g})."
    )
