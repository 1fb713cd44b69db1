"""Charts of scores: numbers with their intervals, shares of classes, samples beside what they resemble."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import SymmetricalLogLocator

COLUMNS = 5
NAMED = 100
"""The most classes that have a bar and a name each."""

WIDTH, HIGHEST = 16.0, 8.0
"""Of the chart, and of the picture in it, in inches."""

COLOURS = ("tab:blue", "tab:green", "tab:gray", "tab:brown")
"""Of the first set shown and of those that it is compared with."""


class Panel(NamedTuple):
    """One score of several sets of images.

    Attributes:
      title: the score and the better direction.
      points: for each set its name, the value, and the lower and upper end of its interval.
      logarithmic: whether the axis is logarithmic, but for a linear part about 0.
    """

    title: str
    points: Sequence[tuple[str, float, float, float]]
    logarithmic: bool = False


class Shares(NamedTuple):
    """Shares of classes in samples and in data.

    Attributes:
      names: of the classes [K].
      samples: share of each class among the samples [K].
      low: lower ends of their intervals [K].
      high: upper ends [K].
      data: share of each class in the training data [K].
    """

    names: Sequence[str]
    samples: np.ndarray
    low: np.ndarray
    high: np.ndarray
    data: np.ndarray


def chart(
    title: str, panels: Sequence[Panel], shares: Shares | None, picture: np.ndarray, picture_title: str
) -> np.ndarray:
    """Draws one panel for each score, the shares of classes, and a picture of what was judged.

    Args:
      title: what was judged.
      panels: the scores.
      shares: of the classes; None where there are no labels.
      picture: of samples and of data, uint8 [H, W, C].
      picture_title: what it shows.

    Returns:
      One picture, uint8 [H', W', 3].
    """
    rows = -(-len(panels) // COLUMNS)
    sets = len(panels[0].points) if panels else 1
    heights = [0.55 + 0.28 * sets] * rows + [2.2] * (shares is not None)
    heights.append(min(HIGHEST, WIDTH * picture.shape[0] / picture.shape[1]))
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.5 * len(heights)), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    figure.suptitle(title)
    space = figure.add_gridspec(len(heights), COLUMNS, height_ratios=heights)
    for index, panel in enumerate(panels):
        _draw_panel(figure.add_subplot(space[index // COLUMNS, index % COLUMNS]), panel)
    if shares is not None:
        _draw_shares(figure.add_subplot(space[rows, :]), shares)
    axes = figure.add_subplot(space[len(heights) - 1, :])
    axes.imshow(picture.squeeze(-1) if picture.shape[-1] == 1 else picture, cmap="gray", vmin=0, vmax=255)
    axes.set_axis_off()
    axes.set_title(picture_title, fontsize=10)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def _draw_panel(axes: Any, panel: Panel) -> None:
    for index, (_, value, low, high) in enumerate(panel.points):
        colour = COLOURS[index % len(COLOURS)]
        axes.plot([low, high], [index, index], color=colour, linewidth=2, solid_capstyle="butt")
        axes.plot([value], [index], "o", color=colour, markersize=4)
    axes.set_yticks(range(len(panel.points)), [point[0] for point in panel.points], fontsize=8)
    axes.set_ylim(len(panel.points) - 0.5, -0.5)
    axes.tick_params(axis="x", labelsize=8)
    axes.margins(x=0.08)
    if panel.logarithmic:
        least = min((high for *_, high in panel.points if high > 0), default=1.0)
        linear = 10.0 ** math.ceil(math.log10(least))
        if linear < max(max(map(abs, point[1:])) for point in panel.points):  # else nothing of it would be logarithmic
            axes.set_xscale("symlog", linthresh=linear)
            axes.xaxis.set_major_locator(SymmetricalLogLocator(axes.xaxis.get_transform()))
            axes.xaxis.get_major_locator().set_params(numticks=5)
    axes.grid(axis="x", alpha=0.3)
    axes.set_title(panel.title, fontsize=9, loc="right")  # a long one goes on above the names on its left


def _draw_shares(axes: Any, shares: Shares) -> None:
    if len(shares.names) > NAMED:
        for name, share, colour in zip(
            ("samples", "training data"), (shares.samples, shares.data), COLOURS, strict=False
        ):
            axes.plot(100 * np.sort(share)[::-1], label=name, color=colour)
        axes.set_ylabel("%")
        axes.set_ylim(bottom=0)
        axes.set_title("classes, of each the most frequent first", fontsize=10)
        axes.legend(fontsize=8, loc="upper right", ncols=2)
        return
    indices = np.arange(len(shares.names))
    errors = np.maximum([shares.samples - shares.low, shares.high - shares.samples], 0)
    axes.bar(indices - 0.2, 100 * shares.samples, 0.4, yerr=100 * errors, label="samples", color=COLOURS[0])
    axes.bar(indices + 0.2, 100 * shares.data, 0.4, label="training data", color=COLOURS[1])
    axes.set_xticks(indices, shares.names, fontsize=8, rotation=90 if max(map(len, shares.names)) > 6 else 0)
    axes.set_ylabel("%")
    axes.set_title("classes", fontsize=10)
    axes.margins(y=0.2)  # room for the legend above the bars
    axes.legend(fontsize=8, loc="upper left", ncols=2)
