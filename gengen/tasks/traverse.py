"""`--mode=traverse`: what changes in a picture when one thing that it is told, or one number of it, changes."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from gengen.core.model import GenerativeModel, require
from gengen.core.refusal import Refusal
from gengen.core.state import Tree, Variables
from gengen.data.signature import Signature
from gengen.inference.axes import chosen_axes, shares
from gengen.inference.conditions import COLUMNS, DOMAIN, LABEL, Conditions, first_of
from gengen.inference.domains import names_of_domains
from gengen.inference.latents import Latents
from gengen.inference.shown import thumbnails
from gengen.pictures.captions import Block, save_sheet
from gengen.runs.coded import label_of
from gengen.runs.run import Run
from gengen.runs.traversal import traversed

ROWS = 8
"""Rows of different noise."""

STEPS = 11
"""Values of each number of a latent."""

VALUES = np.linspace(-2, 2, STEPS, dtype=np.float32)
"""What a number is told to be: twice as far as in training, as in Figure 2 of Chen et al. 2016, arXiv:1606.03657."""


class Row(NamedTuple):
    """One row of a picture: samples that share their noise.

    Attributes:
      title: of the row.
      noise: number of the noise.
      condition: what the samples are told to be, by the names of all conditions [columns, ...].
    """

    title: str
    noise: int
    condition: Conditions


class Sheet(NamedTuple):
    """A picture of rows that change in one thing.

    Attributes:
      name: of the file.
      title: what changes.
      across: titles of the columns.
      rows: the rows.
    """

    name: str
    title: str
    across: list[str]
    rows: list[Row]


def main(run: Run, *, seed: int, output: Path | None, label: str | None, axes: str | None, dark: bool) -> Path:
    """Writes one picture for each class condition, for each number that samples can be told, and for latents.

    NAME.png has a column for each of its classes (at most `COLUMNS`) and `ROWS` rows of different noise. NAME_1.png,
    NAME_2.png and so on have a column for each of `VALUES` of one number; the rows are the classes of the first class
    condition, all with the same noise, or `ROWS` different noises where there is no such condition. Along a row the
    noise and all the rest stay the same: other numbers are 0 and other classes the first.

    latents.png has a row for each of some numbers of a latent, which goes through quantiles of the prior from left to
    right, while all other numbers stay those of one latent: the first draw of the prior, or the code of a held-out
    image where there is no prior. The numbers are those that change pictures most (`inference.axes.ranked_axes`), at
    most ten; numbers that say a class have pictures of their own.

    Args:
      run: the run.
      seed: of the noise.
      output: the folder for the pictures; `traversals` in the run folder by default.
      label: name or number of the class of latents.png, for a model that takes labels; the first by default.
      axes: which numbers of the latents, such as "3,7", in the place of those that change pictures most.
      dark: whether the sheets are light on dark.

    Returns:
      The folder of the pictures; the path of each is printed.

    Raises:
      Refusal: `output` is a file, samples of the model cannot be told anything and there are no latents to change, or
        `label` or `axes` are none of the model's.
    """
    folder, model, kind = output or run.folder / "traversals", run.model, label_of(run, label)
    if folder.exists() and not folder.is_dir():
        raise Refusal(f"--output={folder} is a file; name a folder for the pictures.")
    walkable = model.decode is not None and (model.prior or model.encode) is not None
    if not walkable and (axes is not None or not model.conditions):
        lacks = "has no latents" if axes else "cannot be told anything and has no latents"
        raise Refusal(f"the model of {run.folder} {lacks}, so there is nothing to traverse; --mode=sample draws some.")
    made = traversals(model, run.signature) if model.sample else iter(())
    draw = _drawer(model, run.variables, seed) if model.sample else None
    for sheet in made:
        assert draw is not None
        examples = run.signature.units.to_data(np.concatenate([draw(row) for row in sheet.rows]))
        named = [row.title for row in sheet.rows]
        block = Block(
            thumbnails(run.signature, examples),
            len(sheet.across),
            rows=named if any(named) else (),
            across=sheet.across,
        )
        print(_saved(run, folder / f"{sheet.name}.png", [block], sheet.title, dark))
    if walkable:
        latents = Latents(model, run.signature.units, run.variables, seed)
        kept = latents.kind(run.signature.shape, first_of(model, 1))
        if np.issubdtype(kept.dtype, np.floating) or axes is not None or not model.conditions:
            chosen = None if axes is None else chosen_axes(axes, math.prod(kept.shape[1:]), pair=False)
            print(_saved(run, folder / "latents.png", *_of_latents(run, latents, chosen, seed, kind), dark))
    return folder


def _saved(run: Run, path: Path, blocks: list[Block], title: str, dark: bool) -> Path:
    save_sheet(path, blocks, f"{run.title} · {title}", dark=dark)
    return path


def _of_latents(
    run: Run, latents: Latents, axes: tuple[int, ...] | None, seed: int, label: int | None
) -> tuple[list[Block], str]:
    """A row for each of some numbers of a latent, in each domain, and what is shown."""
    found = traversed(run, latents, axes=axes, steps=STEPS, seed=seed, label=label)
    rows = [f"number {axis}" for axis in found.axes]
    across = [f"{share:.0%}" for share in shares(STEPS)]
    domains = names_of_domains(run.signature) if len(found.examples) > 1 else ("",)
    blocks = [
        Block(thumbnails(run.signature, shown.reshape(-1, *shown.shape[2:])), STEPS, name, rows, across)
        for name, shown in zip(domains, found.examples, strict=True)
    ]
    most = axes is None and len(rows) < found.size
    chosen = f"the {len(rows)} of {found.size} numbers of a latent that change most" if most else "numbers of a latent"
    return blocks, f"{chosen}, at quantiles of {found.title}"


def traversals(model: GenerativeModel, signature: Signature) -> Iterator[Sheet]:
    """The pictures of a model that can be told something."""
    kinds = [(name, condition) for name, condition in model.conditions.items() if condition.classes]
    for name, condition in kinds:
        along = np.arange(min(condition.classes, COLUMNS), dtype=np.int32)
        rows = [Row("", noise, first_of(model, len(along), {name: along})) for noise in range(ROWS)]
        yield Sheet(name, f"{name}, and the same noise in a row", _named(name, along, signature), rows)
    for name, condition in model.conditions.items():
        for index in range(condition.size):
            along = np.zeros((STEPS, condition.size), np.float32)
            along[:, index] = VALUES
            rows = [Row("", noise, first_of(model, STEPS, {name: along})) for noise in range(ROWS)]
            if kinds:
                kind, classes = kinds[0][0], np.arange(min(kinds[0][1].classes, COLUMNS), dtype=np.int32)
                rows = [
                    Row(title, 0, first_of(model, STEPS, {name: along, kind: np.full(STEPS, number, np.int32)}))
                    for number, title in zip(classes, _named(kind, classes, signature), strict=True)
                ]
            title = f"number {index + 1} of {name}, from {VALUES[0]:g} to {VALUES[-1]:g}"
            yield Sheet(f"{name}_{index + 1}", title, [f"{value:.2g}" for value in VALUES], rows)


def _named(condition: str, numbers: np.ndarray, signature: Signature) -> list[str]:
    """What the classes of a condition are called."""
    names = {LABEL: signature.classes, DOMAIN: names_of_domains(signature)}.get(condition)
    return [names[number] if names else f"{condition} {number}" for number in numbers]


def _drawer(model: GenerativeModel, variables: Variables, seed: int) -> Callable[[Row], np.ndarray]:
    """Returns what draws a row [columns, *shape] in the model's units: sample 0 of one key, whatever it is told."""
    sample = require(model, "sample")

    @jax.jit
    def look(key: jax.Array, variables: Variables, condition: Conditions) -> Tree:
        def one(condition: Conditions) -> Tree:
            return sample(key, variables, 1, {name: value[None] for name, value in condition.items()})[0]

        return jax.vmap(one)(condition)

    key = jax.random.key(seed)
    return lambda row: np.asarray(look(jax.random.fold_in(key, row.noise), variables, dict(row.condition)))
