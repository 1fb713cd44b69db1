"""What each number of a latent does: pictures in which it changes, and no other number does."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gengen.inference.axes import along_axes, ranked_axes
from gengen.inference.batched import SIZE
from gengen.inference.conditions import LABEL
from gengen.inference.latents import Latents
from gengen.runs.coded import Coded, alike, drawn, population
from gengen.runs.run import Run

SHOWN = 10
"""The most numbers that are shown where none are named."""

DRAWS, BASES = 1_000, 8
"""Latents whose quantiles are taken, and those in which numbers are tried."""


class Traversal(NamedTuple):
    """A latent, some of whose numbers change, one at a time.

    Attributes:
      axes: the numbers [A].
      values: what each is given, [A, steps].
      examples: what is decoded, [domains, A, steps, *shape] in the data's units.
      size: how many numbers a latent has.
      title: where the values are from, in words.
    """

    axes: tuple[int, ...]
    values: np.ndarray
    examples: np.ndarray
    size: int
    title: str


def traversed(
    run: Run, latents: Latents, *, axes: Sequence[int] | None, steps: int, seed: int, label: int | None
) -> Traversal:
    """Takes numbers of a latent through quantiles of the prior, or of the codes of held-out examples if there is none.

    All other numbers stay those of one latent: the first draw of the prior, or the first held-out example's code.
    Quantiles are (i + 0.5) / steps, of latents of all classes unless one is named.

    Args:
      run: the run.
      latents: of its model.
      axes: the numbers; None for the `SHOWN` that change what is decoded most (`ranked_axes`). Among these are none
        that say what samples are told, which would change the class of the picture.
      steps: values of each.
      seed: of the latents.
      label: the class of all examples, for a model that takes labels; None for the first, and quantiles of all.

    Raises:
      Refusal: the latents are whole numbers.
    """
    draws = population(run, latents, DRAWS, seed, label)
    told = 0 if label is None and latents.heeds(run.signature.shape, LABEL) else label
    bases = _bases(run, latents, draws, told)
    flat, fixed = (some.reshape(len(some), -1) for some in (draws.codes, bases))
    shape, condition = draws.codes.shape[1:], alike(run, 1, told)

    def decode(codes: np.ndarray) -> np.ndarray:
        everywhere = {name: np.repeat(value, len(codes), axis=0) for name, value in condition.items()}
        return latents.decode(codes.reshape(-1, *shape), np.zeros(len(codes), int), everywhere)

    if axes is None:
        free = [axis for axis in range(flat.shape[1]) if len(fixed) == 1 or np.ptp(fixed[:, axis]) > 0]
        axes = ranked_axes(decode, fixed, flat, free)[:SHOWN]
    along = along_axes(fixed[0], flat, axes, steps)
    values = np.stack([along[row, :, axis] for row, axis in enumerate(axes)])
    examples = latents.alike(along.reshape(len(axes), steps, *shape), condition)
    return Traversal(tuple(axes), values, examples, flat.shape[1], draws.title)


def _bases(run: Run, latents: Latents, draws: Coded, label: int | None) -> np.ndarray:
    """Latents whose numbers are changed, all told the same: where their numbers are equal, what is told says them."""
    if run.model.prior is None or not run.model.conditions:
        return draws.codes[:BASES]
    # as many as the draws have in a batch, so that nothing is compiled for these alone
    return drawn(run, latents, SIZE, alike(run, SIZE, label)).codes[:BASES]
