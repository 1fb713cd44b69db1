"""`--mode=manifold`: all that a model makes of two numbers of its latents, laid out as a map."""

import math
from pathlib import Path

import numpy as np

from gengen.core.model import require
from gengen.core.refusal import Refusal
from gengen.inference.conditions import LABEL, Conditions, classes_of, of_class, shown_to
from gengen.inference.latents import Latents, check_continuous, label_condition
from gengen.inference.shown import thumbnails
from gengen.pictures.grid import grid, save_png
from gengen.runs.data import held_out
from gengen.runs.outputs import output_files
from gengen.runs.run import Run

DRAWS = 10_000
"""Latents whose quantiles are taken."""


def main(run: Run, *, num: int, seed: int, output: Path | None, axes: str | None, label: str | None) -> Path:
    """Writes a picture of num x num decoded latents, as in figure 4 of Kingma and Welling 2014.

    https://arxiv.org/abs/1312.6114. To the right the first of the two numbers grows, upwards the second, in steps that
    are equally probable: cell i has the quantile (i + 0.5) / num of that number's own distribution. Quantiles are those
    of `DRAWS` draws of the prior, so any prior will do. A model without one, such as a plain autoencoder, gets those of
    the codes of held-out images. Other numbers of the latents stay at their medians, and all noise is the same.

    Args:
      run: the run.
      num: cells in a row and in a column.
      seed: of the draws.
      output: the .png to write, its ending added if it has none; `manifold.png` in the run folder by default.
      axes: which two numbers of the latents, such as "0,1"; needed where there are more than two.
      label: name or number of the class that all cells are told, for a model that takes labels; the first by default.

    Returns:
      The path of the .png.

    Raises:
      Refusal: the model cannot decode, or has no prior and cannot encode, there is no such class, or the latents are no
        two numbers and `axes` names none.
    """
    model = run.model
    require(model, "decode")
    if model.prior is None:
        require(model, "encode")
    (picture,) = output_files(output, run.folder / "manifold.png", ".png")
    latents = Latents(model, run.signature.units, run.variables, seed)
    condition, said = _condition(run, label)
    if model.prior is not None:
        chosen_axes(axes, latents.drawn_size())  # refuses before draws that may take long
    draws, of = _draws(run, latents, condition, seed)
    check_continuous(draws, run.folder)
    across, up = chosen_axes(axes, math.prod(draws.shape[1:]))
    cells = laid_out(draws.reshape(len(draws), -1), across, up, num).reshape(-1, *draws.shape[1:])
    everywhere = {name: np.repeat(value[:1], len(cells)) for name, value in condition.items()}
    decoded = latents.decode(cells, np.zeros(len(cells), int), everywhere)
    images = thumbnails(run.signature, run.signature.units.to_data(decoded))
    save_png(picture, grid(images, columns=num, margin=0))
    where = f"to the right quantiles of number {across}, upwards of number {up}, in {of}"
    print(f"{num} x {num} decoded latents{said}, step {run.step}: {where}")
    return picture


def laid_out(draws: np.ndarray, across: int, up: int, num: int) -> np.ndarray:
    """Lays latents out on the quantiles of two of their numbers.

    Args:
      draws: of the latents [M, L], whose quantiles are taken.
      across: the number that grows to the right.
      up: the number that grows upwards.
      num: cells in a row and in a column.

    Returns:
      Latents float32 [num * num, L], row after row from above; all other numbers have their medians.
    """
    shares = (np.arange(num) + 0.5) / num
    cells = np.tile(np.median(draws, axis=0), (num, num, 1))
    cells[..., across] = np.quantile(draws[:, across], shares)[None, :]
    cells[..., up] = np.quantile(draws[:, up], shares)[::-1, None]
    return cells.reshape(num * num, -1).astype(np.float32)


def chosen_axes(asked: str | None, size: int) -> tuple[int, int]:
    """Which two numbers of latents [size] are shown.

    Args:
      asked: two different numbers with a comma between them, or None.
      size: how many numbers the latents have.

    Raises:
      Refusal: `asked` is something else, or is missing where latents are not two numbers.
    """
    if size < 2:
        raise Refusal("a latent of this run is one number, and a map needs two; --mode=interpolate shows a line.")
    if asked is None:
        if size > 2:
            raise Refusal(f"a latent of this run is {size} numbers; name two of them for the map, as in --axes=0,1.")
        return 0, 1
    parts = [part.strip() for part in asked.split(",")]
    numbers = [int(part) for part in parts if part.isdecimal() and int(part) < size]
    if len(parts) != 2 or len(set(numbers)) != 2:
        raise Refusal(f"--axes={asked} must be two different numbers from 0 to {size - 1}, as in --axes=0,1.")
    return numbers[0], numbers[1]


def _condition(run: Run, label: str | None) -> tuple[Conditions, str]:
    """The class that all draws are told, if the model takes labels, and how that is said."""
    if label is None and not classes_of(run.model):
        return {}, ""
    names = run.signature.classes
    condition = {LABEL: np.zeros(DRAWS, np.int32)} if label is None else of_class(run.model, DRAWS, label, names)
    return condition, f" of class {names[condition[LABEL][0]]}"


def _draws(run: Run, latents: Latents, condition: Conditions, seed: int) -> tuple[np.ndarray, str]:
    """Latents [M, ...] whose quantiles are taken, and what they are."""
    if run.model.prior is not None:
        return latents.draw(np.arange(DRAWS), condition), f"{DRAWS:,} draws of the prior"
    shown = held_out(shown_to(run.model, run.data()), DRAWS, seed)
    codes = latents.encode(shown.images, np.arange(len(shown.images)), label_condition(run.model, shown.labels))
    return codes, f"the codes of {shown.title}"
