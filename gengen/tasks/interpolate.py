"""`--mode=interpolate`: what lies between two images."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from gengen.core.model import GenerativeModel, require
from gengen.core.nouns import counted
from gengen.core.refusal import Refusal
from gengen.inference.conditions import LABEL, by_class, classes_of, names_of, shown_to
from gengen.inference.latents import Latents, check_continuous, label_condition
from gengen.inference.shown import paths
from gengen.pictures.captions import save_sheet
from gengen.runs.data import held_out
from gengen.runs.limits import check_room
from gengen.runs.outputs import output_files
from gengen.runs.run import Run


class Ends(NamedTuple):
    """What paths go between.

    Attributes:
      images: the first ends and then the second ones, uint8 [2 * rows, H, W, C]; None for draws of the prior.
      labels: what all of a row is told if the model takes labels [rows], or None.
      rows: number of paths.
      title: what they are, in words.
    """

    images: np.ndarray | None
    labels: np.ndarray | None
    rows: int
    title: str


def main(run: Run, *, num: int, seed: int, output: Path | None, steps: int, spherical: bool, dark: bool) -> Path:
    """Writes a picture with a row for each path between the codes of two held-out images.

    The images themselves stand at both sides of their row, and between them what is decoded from the first code, from
    the second one and from those between. The two images of a row have one class if the model takes labels, which all
    of the row is told. A model that can decode and not encode goes from one draw of its prior to another.

    Args:
      run: the run.
      num: number of rows.
      seed: of the choice of the images, and of what the model draws.
      output: the .png to write, its ending added if it has none; `interpolations.png` in the run folder by default.
      steps: latents on a path, both ends among them.
      spherical: go on arcs (`slerp`), not on straight lines (`lerp`).
      dark: whether the sheet is light on dark.

    Returns:
      The path of the .png.

    Raises:
      Refusal: the model cannot decode, or can neither encode nor draw from a prior, its data are gone or other ones,
        its latents are whole numbers, or there would be no room for so many.
    """
    model = run.model
    require(model, "decode")
    if model.prior is None:
        require(model, "encode")
    rows = num if model.encode is None else min(num, run.signature.counts["test"])
    check_room(rows * steps, run.signature, f"--num={num} --steps={steps}")
    latents = Latents(model, run.signature.units, run.variables, seed)
    ends = _images(run, num, seed) if model.encode is not None else _draws(model, num)
    (picture,) = output_files(output, run.folder / "interpolations.png", ".png")
    sides, labels, rows = ends.images, ends.labels, ends.rows
    condition, indices = label_condition(model, None if labels is None else np.tile(labels, 2)), np.arange(2 * rows)
    codes = latents.draw(indices, condition) if sides is None else latents.encode(sides, indices, condition)
    check_continuous(codes, run.folder)
    condition = label_condition(model, labels)
    shown = latents.between(codes[:rows], codes[rows:], condition, steps=steps, spherical=spherical)
    if sides is not None:
        shown = np.concatenate([sides[:rows, None], shown, sides[rows:, None]], axis=1)
    how = "spherical" if spherical else "straight"
    along = [f"{share:.2g}" for share in np.linspace(0, 1, steps)]
    across = along if sides is None else ["image", *along, "image"]
    named = () if labels is None or not classes_of(model) else names_of(labels, run.signature.classes)
    save_sheet(
        picture, [paths(run.signature, shown, rows=named, across=across)], f"{run.title} · {how} paths", dark=dark
    )
    print(f"{rows} {how} paths of {steps} steps between {ends.title}, step {run.step}")
    return picture


def _draws(model: GenerativeModel, num: int) -> Ends:
    """Draws of the prior; those of a model that takes labels have one class after the other."""
    condition = by_class(model, num)
    return Ends(None, condition[LABEL] if condition else None, num, f"{2 * num} draws of the prior")


def _images(run: Run, num: int, seed: int) -> Ends:
    """Held-out images, for at most num rows."""
    data = shown_to(run.model, run.data())
    shown = held_out(data, data.signature.counts["test"], seed)
    indices = pairs(shown.labels if classes_of(run.model) else None, len(shown.images))[:num]
    if not len(indices):
        alike = " of one class" if classes_of(run.model) else ""
        raise Refusal(f"in {shown.title} there are no two{alike} to go between.")
    labels = None if shown.labels is None else shown.labels[indices[:, 0]]
    title = f"{counted(data.signature.kind, 2 * len(indices), 'held-out')} of {data.signature.name}"
    return Ends(shown.images[indices.T.ravel()], labels, len(indices), title)


def pairs(labels: np.ndarray | None, number: int) -> np.ndarray:
    """Joins images in pairs, each image in one pair at most, and both of one class if there are labels.

    Args:
      labels: classes of the images [number], or None.
      number: of images.

    Returns:
      Indices of the images, int [P, 2]; the classes take turns.
    """
    labels = np.zeros(number, np.int32) if labels is None else labels
    found = []
    for kind in np.unique(labels):
        indices = np.flatnonzero(labels == kind)
        found += list(enumerate(indices[: len(indices) // 2 * 2].reshape(-1, 2).tolist()))
    return np.array([pair for _, pair in sorted(found, key=lambda turn: turn[0])], int).reshape(-1, 2)
