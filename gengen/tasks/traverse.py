"""`--mode=traverse`: what changes in a picture when one thing that a model can be told changes, and no other."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from gengen.core.model import GenerativeModel, require
from gengen.core.refusal import Refusal
from gengen.core.state import Tree, Variables
from gengen.inference.conditions import COLUMNS, Conditions
from gengen.inference.shown import thumbnails
from gengen.pictures.grid import grid, save_png
from gengen.runs.run import Run

ROWS = 8
"""Rows of different noise."""

VALUES = np.linspace(-2, 2, 11, dtype=np.float32)
"""What a number is told to be: twice as far as in training, as in Figure 2 of Chen et al. 2016, arXiv:1606.03657."""


class Row(NamedTuple):
    """One row of a picture: samples that share their noise.

    Attributes:
      noise: number of the noise.
      condition: what the samples are told to be, by the names of all conditions [columns, ...].
    """

    noise: int
    condition: Conditions


def main(run: Run, *, seed: int, output: Path | None) -> Path:
    """Writes one picture for each class condition and for each number that samples of a run can be told.

    NAME.png has a column for each of its classes (at most `COLUMNS`) and `ROWS` rows of different noise. NAME_1.png,
    NAME_2.png and so on have a column for each of `VALUES` of one number; the rows are the classes of the first class
    condition, all with the same noise, or `ROWS` different noises where there is no such condition. Along a row the
    noise and all the rest stay the same: other numbers are 0 and other classes the first.

    Args:
      run: the run.
      seed: of the noise.
      output: the folder for the pictures; `traversals` in the run folder by default.

    Returns:
      The folder of the pictures; the path of each is printed.

    Raises:
      Refusal: `output` is a file, or samples of the model cannot be told anything.
    """
    folder = output or run.folder / "traversals"
    if folder.exists() and not folder.is_dir():
        raise Refusal(f"--output={folder} is a file; name a folder for the pictures.")
    if not run.model.conditions:
        raise Refusal(
            f"samples of {run.folder} cannot be told anything, so there is nothing to traverse; --mode=sample draws "
            f"some."
        )
    draw = _drawer(run.model, run.variables, seed)
    for name, rows in traversals(run.model):
        made = run.signature.units.to_data(np.concatenate([draw(row) for row in rows]))
        images = thumbnails(run.signature, made)
        path = folder / f"{name}.png"
        save_png(path, grid(images, columns=len(images) // len(rows)))
        print(path)
    return folder


def traversals(model: GenerativeModel) -> Iterator[tuple[str, list[Row]]]:
    """The pictures of a model that can be told something: each one's name and rows."""
    kinds = [(name, condition) for name, condition in model.conditions.items() if condition.classes]
    for name, condition in kinds:
        along = np.arange(min(condition.classes, COLUMNS), dtype=np.int32)
        yield name, [Row(noise, _condition(model, len(along), {name: along})) for noise in range(ROWS)]
    for name, condition in model.conditions.items():
        for index in range(condition.size):
            along = np.zeros((len(VALUES), condition.size), np.float32)
            along[:, index] = VALUES
            rows = [Row(noise, _condition(model, len(VALUES), {name: along})) for noise in range(ROWS)]
            if kinds:
                kind, classes = kinds[0][0], min(kinds[0][1].classes, COLUMNS)
                fixed = [np.full(len(VALUES), number, np.int32) for number in range(classes)]
                rows = [Row(0, _condition(model, len(VALUES), {name: along, kind: values})) for values in fixed]
            yield f"{name}_{index + 1}", rows


def _condition(model: GenerativeModel, columns: int, changed: Conditions) -> Conditions:
    """What the samples of a row are told: what is `changed`, and zeros for all other conditions."""
    rest = {
        name: np.zeros(columns, np.int32) if condition.classes else np.zeros((columns, condition.size), np.float32)
        for name, condition in model.conditions.items()
    }
    return {**rest, **changed}


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
