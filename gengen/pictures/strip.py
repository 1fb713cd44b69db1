"""A strip of what a run showed of itself over time: one column a step, and in each row the same example."""

from pathlib import Path

import numpy as np
from PIL import Image

from gengen.files.whole import whole
from gengen.pictures.captions import Block
from gengen.pictures.grid import without_alpha

KEPT, COLUMNS, ROWS = 16, 8, 5
"""The most steps that are kept, those that are shown, and the examples of each."""

SIDE, DRAWN_SIDE = 96, 300
"""Pixels of the longer side of what is kept, of pictures made of pixels and of drawings; larger ones are reduced."""


def keep(path: Path, step: int, cells: np.ndarray, *, pixels: bool = True) -> None:
    """Adds what is shown at a step to a file of at most `KEPT` steps, which appears whole.

    Steps from this one on are left out: a run that went on from an earlier checkpoint comes there again. Where there
    are too many, one goes whose neighbours are nearest to each other, never the first nor the last.

    Args:
      path: the .npz.
      step: the step.
      cells: pictures, uint8 [n, H, W, C], the first of which are kept.
      pixels: whether they may be enlarged when they are shown.
    """
    steps, kept, _ = _read(path)
    cells = np.stack([_reduced(cell, SIDE if pixels else DRAWN_SIDE) for cell in without_alpha(cells[:ROWS])])
    before = steps < step
    if kept.shape[1:] != cells.shape:
        before = np.zeros(len(steps), bool)
    steps, kept = np.append(steps[before], step), np.concatenate([kept[before].reshape(-1, *cells.shape), cells[None]])
    while len(steps) > KEPT:
        least = 1 + int(np.argmin(steps[2:] - steps[:-2]))
        steps, kept = np.delete(steps, least), np.delete(kept, least, axis=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as file:
        np.savez_compressed(file, steps=steps, cells=kept, pixels=pixels)


def strip(path: Path) -> list[Block]:
    """At most `COLUMNS` of the steps that `keep` kept, evenly chosen, the first and the last among them.

    Returns:
      One block for a sheet; none where fewer than two steps were kept.
    """
    steps, kept, pixels = _read(path)
    if len(steps) < 2:
        return []
    wanted = np.linspace(steps[0], steps[-1], COLUMNS)
    chosen = np.unique(np.abs(steps[:, None] - wanted).argmin(axis=0))
    cells = np.swapaxes(kept[chosen], 0, 1)
    across = [f"step {step:,}" for step in steps[chosen]]
    return [Block(cells.reshape(-1, *cells.shape[2:]), len(chosen), across=across, pixels=pixels)]


def _read(path: Path) -> tuple[np.ndarray, np.ndarray, bool]:
    """Steps [K], cells [K, n, H, W, C] and whether these may be enlarged."""
    if not path.exists():
        return np.zeros(0, np.int64), np.zeros((0, 0, 0, 0, 0), np.uint8), True
    with np.load(path) as kept:
        return kept["steps"], kept["cells"], bool(kept["pixels"])


def _reduced(cell: np.ndarray, side: int) -> np.ndarray:
    """A picture [H, W, C] whose longer side has at most so many pixels."""
    height, width, channels = cell.shape
    if max(height, width) <= side:
        return cell
    size = (max(1, width * side // max(height, width)), max(1, height * side // max(height, width)))
    small = Image.fromarray(cell.squeeze(-1) if channels == 1 else cell).resize(size, Image.Resampling.LANCZOS)
    return np.asarray(small).reshape(size[1], size[0], channels)
