"""Latents to begin with: those of a user's pictures or of held-out ones, or draws of the prior."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from gengen.core.model import require
from gengen.core.refusal import Refusal
from gengen.inference.conditions import DOMAIN, LABEL, Conditions, first_of, in_turn, of_class, shown_to
from gengen.inference.latents import Latents, check_continuous, label_condition
from gengen.runs.data import Shown, held_out, pictures_of
from gengen.runs.run import Run


class Coded(NamedTuple):
    """Latents, and what they are of.

    Attributes:
      codes: the latents [n, ...].
      images: what was encoded, [n, *shape] in the data's units; None for draws of the prior.
      condition: what each example is told, arrays [n, ...].
      title: what they are, in words.
    """

    codes: np.ndarray
    images: np.ndarray | None
    condition: Conditions
    title: str


def check_walkable(run: Run, source: Path | None) -> None:
    """Checks that a model can decode, and that there are latents for it to decode.

    Raises:
      Refusal: it cannot, or has no prior and cannot encode, or the user's pictures are to be encoded and it cannot.
    """
    require(run.model, "decode")
    if run.model.prior is None:
        require(run.model, "encode")
    if source is not None and run.model.encode is None:
        raise Refusal(
            f"--input={source}: the model of {run.folder} cannot encode, so it has no latents of pictures; leave the "
            f"flag out, and it starts from draws of its prior."
        )


def label_of(run: Run, label: str | None) -> int | None:
    """The number of the class that `--label` names, for a model that takes labels; None where none is named.

    Raises:
      Refusal: the model takes no labels, or there is no such class.
    """
    if label is None:
        return None
    return int(of_class(run.model, 1, label, run.signature.classes)[LABEL][0])


def shown_of(
    run: Run,
    latents: Latents,
    number: int,
    seed: int,
    source: Path | None,
    label: int | None,
    flag: str = "--input",
) -> Shown:
    """What a model that can encode is shown: a user's pictures, or held-out examples, at most so many.

    Args:
      run: the run.
      latents: of its model.
      number: how many.
      seed: of the choice of held-out examples.
      source: a picture of the user, or a folder of them, in the place of held-out ones.
      label: the class of the user's pictures, or that held-out ones are to be of.
      flag: that names the user's pictures.

    Raises:
      Refusal: the model has to be told the class of the user's pictures, or these or the data cannot be had.
    """
    if source is None:
        return held_out(shown_to(run.model, run.data()), number, seed, label)
    if label is None and latents.heeds(run.signature.shape, LABEL):
        raise Refusal(f"the model of {run.folder} has to be told the class of what it encodes; add --label=CLASS.")
    shown = pictures_of(source, run.signature, number, flag)
    return shown if label is None else shown._replace(labels=np.full(len(shown.images), label, np.int32))


def encoded(run: Run, latents: Latents, shown: Shown) -> Coded:
    """Encodes examples, each told its own class if the model takes labels.

    Raises:
      Refusal: the latents are whole numbers.
    """
    condition = label_condition(run.model, shown.labels)
    codes = latents.encode(shown.images, np.arange(len(shown.images)), condition)
    check_continuous(codes, run.folder)
    return Coded(codes, shown.images, condition, shown.title)


def drawn(run: Run, latents: Latents, number: int, condition: Conditions) -> Coded:
    """Draws of the prior: the latents of the first samples of the same seed and condition.

    Raises:
      Refusal: the latents are whole numbers.
    """
    codes = latents.draw(number, condition)
    check_continuous(codes, run.folder)
    return Coded(codes, None, condition, f"{number:,} draws of the prior")


def asked_of(run: Run, number: int, label: int | None) -> Conditions:
    """What n draws are told: one class, or one after the other, where the model takes labels.

    Of several domains they are told the first, so that each has a latent of its own: that of the pair of its number.
    """
    told = (in_turn(run.model, number) or {}) if label is None else {LABEL: np.full(number, label, np.int32)}
    return {**told, **({DOMAIN: np.zeros(number, np.int32)} if DOMAIN in run.model.conditions else {})}


def alike(run: Run, number: int, label: int | None) -> Conditions:
    """What n examples are told that are to differ in nothing else: a class, and the first of what is not given."""
    return first_of(run.model, number, {} if label is None else {LABEL: np.full(number, label, np.int32)})


def population(run: Run, latents: Latents, number: int, seed: int, label: int | None) -> Coded:
    """Latents whose quantiles are taken: draws of the prior, or the codes of held-out examples where there is none."""
    if run.model.prior is not None:
        return drawn(run, latents, number, asked_of(run, number, label))
    coded = encoded(run, latents, shown_of(run, latents, number, seed, None, label))
    return coded._replace(title=f"the codes of {coded.title}")
