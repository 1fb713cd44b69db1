"""`--mode=interpolate`: what lies between two images."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from gengen.core.average import evaluation_variables
from gengen.core.model import GenerativeModel, require
from gengen.core.refusal import Refusal
from gengen.inference.conditions import LABEL, by_class, classes_of, shown_to
from gengen.inference.latents import Latents, check_continuous, label_condition
from gengen.inference.paths import lerp, slerp
from gengen.pictures.grid import grid, save_png, to_pixels
from gengen.runs.data import data_of, held_out
from gengen.runs.limits import check_flags, check_room
from gengen.runs.opened import opened, restore
from gengen.runs.outputs import output_files

STEPS = 10
"""Latents on a path, both ends among them."""


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


def run(
    workdir: Path,
    *,
    num: int,
    seed: int,
    output: Path | None,
    best: bool = False,
    raw: bool = False,
    config: ConfigDict | None = None,
    steps: int = STEPS,
    spherical: bool = False,
) -> Path:
    """Writes a picture with a row for each path between the codes of two held-out images.

    The images themselves stand at both sides of their row, and between them what is decoded from the first code, from
    the second one and from those between. The two images of a row have one class if the model takes labels, which all
    of the row is told. A model that can decode and not encode goes from one draw of its prior to another.

    Args:
      workdir: the run folder.
      num: number of rows.
      seed: of the choice of the images, and of what the model draws.
      output: the .png to write, its ending added if it has none; `interpolations.png` in the run folder by default.
      best: take the best checkpoint instead of the latest.
      raw: take the weights as trained instead of their average.
      config: where the places of the data come from; the run's own config by default.
      steps: latents on a path, both ends among them.
      spherical: go on arcs (`slerp`), not on straight lines (`lerp`).

    Returns:
      The path of the .png.

    Raises:
      Refusal: a number is out of range, the run has no checkpoint, its model cannot decode, or can neither encode nor
        draw from a prior, its data are gone or other ones, or its latents are whole numbers.
    """
    check_flags(num=num, least=1, seed=seed)
    if steps < 2:
        raise Refusal(f"--steps={steps} must be at least 2, the two ends.")
    model, step, state = restore(workdir, best=best)
    require(model, "decode")
    if model.prior is None:
        require(model, "encode")
    _check_room(workdir, model, num, steps)
    latents = Latents(model, evaluation_variables(state, raw=raw), seed)
    ends = _images(workdir, model, num, seed, config) if model.encode is not None else _draws(model, num)
    (picture,) = output_files(output, workdir / "interpolations.png", ".png")
    sides, labels, rows = ends.images, ends.labels, ends.rows
    condition, indices = label_condition(model, None if labels is None else np.tile(labels, 2)), np.arange(2 * rows)
    codes = latents.draw(indices, condition) if sides is None else latents.encode(sides, indices, condition)
    check_continuous(codes, workdir)
    path = (slerp if spherical else lerp)(codes[:rows], codes[rows:], np.linspace(0, 1, steps)).astype(np.float32)
    condition = label_condition(model, None if labels is None else np.repeat(labels, steps))
    decoded = latents.decode(path.reshape(-1, *codes.shape[1:]), np.repeat(np.arange(rows), steps), condition)
    shown = to_pixels(decoded).reshape(rows, steps, *decoded.shape[1:])
    if sides is not None:
        shown = np.concatenate([sides[:rows, None], shown, sides[rows:, None]], axis=1)
    save_png(picture, grid(shown.reshape(-1, *shown.shape[2:]), columns=shown.shape[1]))
    print(f"{rows} {'spherical' if spherical else 'straight'} paths of {steps} steps between {ends.title}, step {step}")
    return picture


def _check_room(workdir: Path, model: GenerativeModel, num: int, steps: int) -> None:
    signature = opened(workdir)[1]
    rows = num if model.encode is None else min(num, signature.counts["test"])
    check_room(rows * steps, signature, f"--num={num} --steps={steps}")


def _draws(model: GenerativeModel, num: int) -> Ends:
    """Draws of the prior; those of a model that takes labels have one class after the other."""
    condition = by_class(model, num)
    return Ends(None, condition[LABEL] if condition else None, num, f"{2 * num} draws of the prior")


def _images(workdir: Path, model: GenerativeModel, num: int, seed: int, config: ConfigDict | None) -> Ends:
    """Held-out images, for at most num rows."""
    data = shown_to(model, data_of(workdir, config))
    shown = held_out(data, data.signature.counts["test"], seed)
    indices = pairs(shown.labels if classes_of(model) else None, len(shown.images))[:num]
    if not len(indices):
        alike = " of one class" if classes_of(model) else ""
        raise Refusal(f"in {shown.title} there are no two{alike} to go between.")
    labels = None if shown.labels is None else shown.labels[indices[:, 0]]
    title = f"{2 * len(indices)} held-out images of {data.signature.name}"
    return Ends(shown.images[indices.T.ravel()], labels, len(indices), title)


def pairs(labels: np.ndarray | None, number: int) -> np.ndarray:
    """Joins images in pairs, each image in one pair at most, and both of one class if there are labels.

    Args:
      labels: classes of the images [number], or None.
      number: of images.

    Returns:
      Places of the images, int [P, 2]; the classes take turns.
    """
    labels = np.zeros(number, np.int32) if labels is None else labels
    found = []
    for kind in np.unique(labels):
        indices = np.flatnonzero(labels == kind)
        found += list(enumerate(indices[: len(indices) // 2 * 2].reshape(-1, 2).tolist()))
    return np.array([pair for _, pair in sorted(found, key=lambda turn: turn[0])], int).reshape(-1, 2)
