"""A strip of what a run showed of itself over time: one column a step, and in each row the same example."""

from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from PIL import Image

from gengen.files.whole import whole
from gengen.pictures.captions import Block
from gengen.pictures.grid import without_alpha
from gengen.pictures.sheet import alike

KEPT, COLUMNS, ROWS = 16, 8, 5
"""The most steps that are kept, those that are shown, and the examples of each."""

SIDE, DRAWN_SIDE = 96, 300
"""Pixels of the longer side of what is kept, of pictures made of pixels and of drawings; larger ones are reduced."""


class Kept(NamedTuple):
    """What a run showed.

    Attributes:
      steps: ascending [K].
      cells: pictures of each step, uint8 [K, n, H, W, C].
      given: what was given to the model that they come of, uint8 [n, H, W, C]; none of them where nothing was.
      name: of what was given; where nothing was, of whom it shows, "" for the only one.
      pixels: whether pictures may be enlarged.
    """

    steps: np.ndarray
    cells: np.ndarray
    given: np.ndarray
    name: str
    pixels: bool


def keep(path: Path, step: int, block: Block, *, given: bool = True) -> None:
    """Adds what is shown at a step to a file of at most `KEPT` steps, which appears whole.

    Steps from this one on are left out: a run that went on from an earlier checkpoint comes there again. Where there
    are too many, one goes whose neighbours are nearest to each other, never the first nor the last.

    Args:
      path: the .npz.
      step: the step.
      block: what is shown. Of one whose rows have titles, the second row comes of the first one, which is given; of
        others the first pictures are kept.
      given: whether titles of rows mean that; rows of samples are titled by members, and the first one's are kept.
    """
    side = SIDE if block.pixels else DRAWN_SIDE
    pictures = [_reduced(cell, side) for cell in without_alpha(block.cells)]
    model_input, cells = np.array(pictures[:0]), np.stack(pictures[:ROWS])
    if not given:
        cells = cells[: block.columns]
    elif len(block.rows) > 1:
        model_input, cells = (np.stack(pictures[start:][: min(ROWS, block.columns)]) for start in (0, block.columns))
    kept = _read(path)
    steps, before = np.array([step]), cells[None]
    if kept and kept.cells.shape[1:] == cells.shape:
        earlier = kept.steps < step
        steps, before = np.append(kept.steps[earlier], step), np.concatenate([kept.cells[earlier], cells[None]])
    while len(steps) > KEPT:
        least = 1 + int(np.argmin(steps[2:] - steps[:-2]))
        steps, before = np.delete(steps, least), np.delete(before, least, axis=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    name = block.rows[0] if block.rows else ""
    with whole(path) as file:
        np.savez_compressed(file, **Kept(steps, before, model_input, name, block.pixels)._asdict())


def strip(path: Path) -> list[Block]:
    """At most `COLUMNS` of the steps that `keep` kept, evenly chosen, the first and the last among them.

    Returns:
      One block for a sheet; none where fewer than two steps were kept.
    """
    kept = _read(path)
    if kept is None or len(kept.steps) < 2:
        return []
    wanted = np.linspace(kept.steps[0], kept.steps[-1], COLUMNS)
    chosen = np.unique(np.abs(kept.steps[:, None] - wanted).argmin(axis=0))
    columns, across = list(kept.cells[chosen]), [f"step {step:,}" for step in kept.steps[chosen]]
    if len(kept.given):
        columns, across = alike([kept.given, *columns]), [kept.name, *across]
    cells, title = np.stack(columns, axis=1), "" if len(kept.given) else kept.name
    return [Block(cells.reshape(-1, *cells.shape[2:]), len(columns), title, across=across, pixels=kept.pixels)]


def _read(path: Path) -> Kept | None:
    """What was kept; None where nothing was, or the file is damaged, which must not end a training."""
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file) as kept:
            return Kept(kept["steps"], kept["cells"], kept["given"], str(kept["name"]), bool(kept["pixels"]))
    except (ValueError, KeyError, EOFError, BadZipFile):
        return None


def _reduced(cell: np.ndarray, side: int) -> np.ndarray:
    """A picture [H, W, C] whose longer side has at most so many pixels."""
    height, width, channels = cell.shape
    if max(height, width) <= side:
        return cell
    size = (max(1, width * side // max(height, width)), max(1, height * side // max(height, width)))
    small = Image.fromarray(cell.squeeze(-1) if channels == 1 else cell).resize(size, Image.Resampling.LANCZOS)
    return np.asarray(small).reshape(size[1], size[0], channels)
