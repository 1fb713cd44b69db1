"""Maps: points in the plane, coloured by class."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gengen.pictures.grid import save_png

SIDE = 7.0
"""Width and height of a map, in inches."""

GREY, UNKNOWN = "0.85", "0.5"
"""Colours of what lies behind, and of points whose class is not known."""

NAMED = 40
"""The most classes that the legend names."""


class Map(NamedTuple):
    """Points in the plane.

    Attributes:
      title: what they are.
      points: where they lie [N, 2].
      labels: their classes, int [N], below 0 where a class is not known; None where there are none.
      behind: points to put behind them in light grey [M, 2], or None.
    """

    title: str
    points: np.ndarray
    labels: np.ndarray | None = None
    behind: np.ndarray | None = None


def colours(classes: int) -> np.ndarray:
    """One colour for each class, [classes, 4]: tab10 or tab20, and a spectrum where these are too few."""
    if classes <= 20:
        table = matplotlib.colormaps["tab10" if classes <= 10 else "tab20"]
        return np.asarray(table(np.arange(classes)))
    return np.asarray(matplotlib.colormaps["turbo"](np.linspace(0, 1, classes)))


def save_maps(path: Path, title: str, maps: Sequence[Map], names: Sequence[str]) -> None:
    """Draws maps side by side, with one legend of the classes that occur, as a PNG that appears whole.

    Both directions of a map have the same scale, so that distances are what they look like.

    Args:
      path: the file.
      title: of all of them.
      maps: what to draw.
      names: of the classes [K].
    """
    figure = Figure(figsize=(SIDE * len(maps) + 1.5, SIDE + 0.6), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    figure.suptitle(title)
    palette = colours(len(names))
    for index, shown in enumerate(maps):
        _draw(figure.add_subplot(1, len(maps), index + 1), shown, palette)
    labels = [shown.labels for shown in maps if shown.labels is not None]
    if labels:
        _legend(figure, np.unique(np.concatenate(labels)), palette, names)
    canvas.draw()
    save_png(path, np.asarray(canvas.buffer_rgba())[..., :3])


def _draw(axes: Any, shown: Map, palette: np.ndarray) -> None:
    size = float(np.clip(20_000 / max(len(shown.points), 1), 3, 20))
    if shown.behind is not None:
        axes.scatter(*shown.behind.T, s=size, color=GREY, linewidths=0)
    colour = "tab:blue" if shown.labels is None else _coloured(shown.labels, palette)
    axes.scatter(*shown.points.T, s=size, color=colour, linewidths=0)  # one call: no class lies above all others
    axes.set_aspect("equal", adjustable="datalim")
    axes.tick_params(labelsize=8)
    axes.set_title(shown.title, fontsize=10)


def _coloured(labels: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """The colour of each point [N, 4]."""
    unknown = np.asarray(matplotlib.colors.to_rgba(UNKNOWN))
    return np.where((labels >= 0)[:, None], palette[np.maximum(labels, 0)], unknown)


def _legend(figure: Figure, present: np.ndarray, palette: np.ndarray, names: Sequence[str]) -> None:
    unknown, present = present[0] < 0, present[present >= 0]
    handles = [
        Line2D([], [], linestyle="", marker="o", markersize=6, color=palette[label], label=names[label])
        for label in present[:NAMED]
    ]
    if unknown:
        handles.append(Line2D([], [], linestyle="", marker="o", markersize=6, color=UNKNOWN, label="not known"))
    if len(present) > NAMED:
        handles.append(Line2D([], [], linestyle="", label=f"and {len(present) - NAMED} more"))
    figure.legend(handles=handles, loc="outside right upper", fontsize=8, frameon=False)
