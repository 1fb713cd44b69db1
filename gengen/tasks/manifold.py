"""`--mode=manifold`: what a model makes of two numbers of its latents, or of a plane through three, as a map.

A map of two numbers is figure 4 of Kingma and Welling 2014, https://arxiv.org/abs/1312.6114. To the right the first of
them grows, upwards the second, in steps that are equally probable: cell i has the quantile (i + 0.5) / num of that
number's own distribution. Quantiles are those of `DRAWS` draws of the prior, of all classes in turn, so any prior will
do. A model without one, such as a plain autoencoder, gets those of the codes of held-out images. Other numbers of the
latents stay at their medians, and all noise is the same.

A plane goes through three latents a (lower left), b (lower right) and c (upper left): a + s (b - a) + t (c - a), s to
the right and t upwards from 0 to 1. They are the codes of three pictures of the user or of three held-out images, or
three draws of the prior where the model cannot encode.
"""

import math
from pathlib import Path

import numpy as np

from gengen.core.refusal import Refusal
from gengen.inference.axes import chosen_axes, laid_out, shares
from gengen.inference.conditions import LABEL, first_of
from gengen.inference.domains import names_of_domains
from gengen.inference.latents import Latents
from gengen.inference.shown import paths
from gengen.pictures.captions import save_sheet
from gengen.runs.coded import Coded, alike, asked_of, check_walkable, drawn, encoded, label_of, population, shown_of
from gengen.runs.outputs import output_files
from gengen.runs.run import Run

DRAWS = 10_000
"""Latents whose quantiles are taken."""

CORNERS = 3
"""Latents that a plane goes through."""

NAMED = 20
"""The most cells in a row beside which their places are written."""


def main(
    run: Run,
    *,
    num: int,
    seed: int,
    output: Path | None,
    source: Path | None,
    axes: str | None,
    label: str | None,
    spherical: bool,
    dark: bool,
) -> Path:
    """Writes a picture of num x num decoded latents: a map of two numbers, or a plane where latents are wider.

    Args:
      run: the run; of a model of two domains both are shown.
      num: cells in a row and in a column.
      seed: of the draws, and of the choice of held-out images.
      output: the .png to write, its ending added if it has none; `manifold.png` in the run folder by default.
      source: a folder of the user's pictures, of which the first three are the corners of a plane.
      axes: which two numbers of wider latents a map is of, such as "0,1".
      label: name or number of the class of all cells, for a model that takes labels; the first by default, where the
        decoder looks at it.
      spherical: in a plane, bring latents to the norms of the corners (`inference.paths.plane`).
      dark: whether the sheet is light on dark.

    Returns:
      The path of the .png.

    Raises:
      Refusal: there are no latents of numbers or they are one number, there is no such class, or `axes`, `source` and
        `spherical` do not go together.
    """
    check_walkable(run, source)
    (picture,) = output_files(output, run.folder / "manifold.png", ".png", source=source)
    latents, asked = Latents(run.model, run.signature.units, run.variables, seed), label_of(run, label)
    flat = _flat(run, latents, source, axes, spherical)
    told = 0 if asked is None and source is None and latents.heeds(run.signature.shape, LABEL) else asked
    if flat is not None:
        cells, said = _quantiles(run, latents, flat, num, seed, asked)
        shown = latents.alike(cells, alike(run, 1, told))
    else:
        corners = _corners(run, latents, seed, source, told)
        norms = ", brought to the norms of its corners" if spherical else ""
        said = f"a + s (b - a) + t (c - a), s to the right, t upwards, through {corners.title}{norms}"
        shown = latents.plane(corners.codes, alike(run, 1, told), num=num, spherical=spherical)
    said = said if told is None else f"class {run.signature.classes[told]}, {said}"
    rows, across = _captions(num, flat is not None)
    domains = names_of_domains(run.signature) if len(shown) > 1 else ("",)
    blocks = [
        paths(run.signature, cells, rows=rows, across=across)._replace(title=name)
        for name, cells in zip(domains, shown, strict=True)
    ]
    save_sheet(picture, blocks, f"{run.title} · {said}", dark=dark)
    print(f"{num} x {num} decoded latents, step {run.step}: {said}")
    return picture


def _flat(run: Run, latents: Latents, source: Path | None, axes: str | None, spherical: bool) -> tuple[int, ...] | None:
    """The two numbers of which there is a map; None for a plane through three latents.

    Raises:
      Refusal: the latents are one number, or the flags do not go together.
    """
    size = math.prod(latents.kind(run.signature.shape, first_of(run.model, 1)).shape[1:])
    if size < 2:
        raise Refusal("a latent of this run is one number, and a map needs two; --mode=interpolate shows a line.")
    if axes is not None and source is not None:
        raise Refusal(f"--axes={axes} is a map of quantiles, which --input={source} has none of; leave one out.")
    if source is not None or (axes is None and size > 2):
        return None
    if spherical:
        raise Refusal("--spherical is for a plane through three latents, and this is a map of quantiles; leave it out.")
    return chosen_axes(axes or "0,1", size, pair=True)


def _quantiles(
    run: Run, latents: Latents, axes: tuple[int, ...], num: int, seed: int, label: int | None
) -> tuple[np.ndarray, str]:
    """Latents [num, num, ...] at quantiles of two numbers, and what they are; a class that is named is that of all."""
    draws = population(run, latents, DRAWS, seed, label)
    flat = rest = draws.codes.reshape(DRAWS if draws.images is None else len(draws.codes), -1)
    if run.model.prior is not None and run.model.conditions:  # numbers that say a class have no median over classes
        rest = drawn(run, latents, DRAWS, alike(run, DRAWS, label)).codes.reshape(DRAWS, -1)
    across, up = axes
    cells = laid_out(flat, np.median(rest, axis=0), across, up, num)
    said = f"to the right quantiles of number {across}, upwards of number {up}, in {draws.title}"
    return cells.reshape(num, num, *draws.codes.shape[1:]), said


def _corners(run: Run, latents: Latents, seed: int, source: Path | None, label: int | None) -> Coded:
    """Three latents: codes of pictures, or draws of the prior where the model cannot encode."""
    if run.model.encode is None:
        return drawn(run, latents, CORNERS, asked_of(run, CORNERS, label))
    found = encoded(run, latents, shown_of(run, latents, CORNERS, seed, source, label))
    if len(found.codes) < CORNERS:
        raise Refusal(f"a plane goes through three pictures, and there are no more than {found.title}.")
    return found


def _captions(num: int, flat: bool) -> tuple[list[str], list[str]]:
    """What stands beside the rows, from above, and above the columns: quantiles, or the shares t and s of a plane."""
    if not flat:
        ends = ["0", *[""] * (num - 2), "1"][:num]
        return ends[::-1], ends
    named = [f"{share:.0%}" for share in shares(num)] if num <= NAMED else []
    return named[::-1], named
