"""Pictures of anomaly detection: how scores lie about the threshold, and examples with what explains their scores."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gengen.pictures.grid import WHITE, grid, save_png

COLUMNS = 12
"""Examples beside each other."""

BINS = 80
WIDTH = 14.0
"""Of a figure, in inches."""

MARGIN = 2
LETTERS = 16
"""The most letters in a line of a caption."""

HEAT = "inferno"
"""The colour map of heat maps: black is nothing."""


class Examples(NamedTuple):
    """Images that show what a detector does.

    Attributes:
      title: what they are.
      captions: what stands above each [n].
      images: uint8 [n, H, W, C].
      reconstructions: what came back of them, uint8 [n, H, W, C], or None.
      heat: what each pixel adds to the score, at least 0 [n, H, W], or None.
    """

    title: str
    captions: Sequence[str]
    images: np.ndarray
    reconstructions: np.ndarray | None = None
    heat: np.ndarray | None = None


def save_detection(
    path: Path,
    title: str,
    label: str,
    sets: Sequence[tuple[str, np.ndarray]],
    threshold: float,
    examples: Sequence[Examples],
) -> None:
    """Draws histograms of scores with the threshold, and below them examples, as a PNG that appears whole.

    All heat maps have one scale. Scores beyond the largest 0.5 % are drawn in the last bin.

    Args:
      path: the file.
      title: of the whole.
      label: what the scores are.
      sets: names of sets of images and their scores [N]; sets without scores are left out.
      threshold: above which there is an alarm.
      examples: rows of at most `COLUMNS` images; those without images are left out.
    """
    shown = [group for group in examples if len(group.images)]
    heights = [2.6, *(_height(group) for group in shown)]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.4), dpi=100, layout="constrained")
    figure.suptitle(title, fontsize=11)
    space = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    _draw_scores(figure.add_subplot(space[0]), label, sets, threshold)
    most = _most(shown)
    for index, group in enumerate(shown):
        _draw_examples(figure.add_subplot(space[index + 1]), group, most)
    _save(path, figure)


def save_verdicts(path: Path, title: str, examples: Examples) -> None:
    """Draws pictures with their captions in rows of `COLUMNS`, as a PNG that appears whole.

    Args:
      path: the file.
      title: of the whole.
      examples: at least one image; all heat maps have one scale.
    """
    rows = [_part(examples, start) for start in range(0, len(examples.images), COLUMNS)]
    heights = [_height(row) for row in rows]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.4), dpi=100, layout="constrained")
    figure.suptitle(title, fontsize=11)
    space = figure.add_gridspec(len(rows), 1, height_ratios=heights)
    for index, row in enumerate(rows):
        _draw_examples(figure.add_subplot(space[index]), row, _most(rows))
    _save(path, figure)


def strip(examples: Examples, most: float) -> np.ndarray:
    """Lays examples out in columns: the image, its reconstruction and its heat map below each other.

    Args:
      examples: at most `COLUMNS` images; places that are left over are white.
      most: the heat that is drawn brightest.

    Returns:
      One picture, uint8 [H', W', 3].
    """
    rows = [_coloured(examples.images)]
    if examples.reconstructions is not None:
        rows.append(_coloured(examples.reconstructions))
    if examples.heat is not None:
        shares = np.asarray(examples.heat) / (most or 1.0)
        rows.append((matplotlib.colormaps[HEAT](shares)[..., :3] * WHITE).round().astype(np.uint8))
    spare = COLUMNS - len(examples.images)
    white = np.full((spare, *rows[0].shape[1:]), WHITE, np.uint8)
    return grid(np.concatenate([part for row in rows for part in (row, white)]), columns=COLUMNS, margin=MARGIN)


def _draw_scores(axes: Any, label: str, sets: Sequence[tuple[str, np.ndarray]], threshold: float) -> None:
    present = [(name, np.asarray(scores, np.float64)) for name, scores in sets if len(scores)]
    pooled = np.concatenate([scores for _, scores in present] + [np.array([threshold])])
    low, high = float(pooled.min()), float(max(np.quantile(pooled, 0.995), threshold))
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    for name, scores in present:
        counted = np.minimum(scores, edges[-1])
        shares = np.full(len(scores), 100 / len(scores))
        axes.hist(counted, edges, weights=shares, alpha=0.6, label=f"{name} ({len(scores):,})")
    axes.axvline(threshold, color="black", linestyle="--", linewidth=1, label=f"threshold {threshold:.3g}")
    axes.set_xlabel(label, fontsize=9)
    axes.set_ylabel("% of each set", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8)


def _draw_examples(axes: Any, examples: Examples, most: float) -> None:
    picture = strip(examples, most)
    axes.imshow(picture, interpolation="nearest", aspect="equal")
    width = (picture.shape[1] - MARGIN) / COLUMNS
    centres = MARGIN + width * (np.arange(len(examples.images)) + 0.5) - MARGIN / 2
    axes.xaxis.set_ticks_position("top")
    axes.set_xticks(centres, [_shortened(caption) for caption in examples.captions], fontsize=8)
    rows = _rows(examples)
    height = (picture.shape[0] - MARGIN) / len(rows)
    axes.set_yticks(height * (np.arange(len(rows)) + 0.5), rows, fontsize=8)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(examples.title, fontsize=10, loc="left")


def _shortened(caption: str) -> str:
    """The ends of long lines, which would run into those beside them."""
    lines = caption.split("\n")
    return "\n".join(line if len(line) <= LETTERS else f"...{line[3 - LETTERS :]}" for line in lines)


def _rows(examples: Examples) -> list[str]:
    named = {"image": examples.images, "given back": examples.reconstructions, "heat map": examples.heat}
    return [name for name, row in named.items() if row is not None]


def _height(examples: Examples) -> float:
    """In inches, with room for the title and three lines of captions."""
    _, height, width, _ = examples.images.shape
    return float(len(_rows(examples)) * (WIDTH - 1) / COLUMNS * height / width + 0.8)


def _most(groups: Sequence[Examples]) -> float:
    return max((float(np.max(group.heat)) for group in groups if group.heat is not None), default=0.0)


def _part(examples: Examples, start: int) -> Examples:
    """The examples of one row."""
    chosen = slice(start, start + COLUMNS)
    return Examples(
        examples.title if start == 0 else "",
        examples.captions[chosen],
        examples.images[chosen],
        None if examples.reconstructions is None else examples.reconstructions[chosen],
        None if examples.heat is None else examples.heat[chosen],
    )


def _coloured(images: np.ndarray) -> np.ndarray:
    """Grey images as RGB."""
    return np.repeat(images, 3, axis=3) if images.shape[-1] == 1 else images


def _save(path: Path, figure: Figure) -> None:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    save_png(path, np.asarray(canvas.buffer_rgba())[..., :3])
