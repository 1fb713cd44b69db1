"""Panels drawn by matplotlib, as arrays. It is imported where something is drawn, because that takes a second."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

FONT, SMALL = 17, 13
"""Sizes of titles and of numbers in points, at 100 points of the picture an inch: to be read from the last row."""

REFERENCE, OTHER, FAINT, NOTE = "#1d3f72", "#d1495b", "#9db9dc", "0.35"
"""Colours of the first group, of those that are compared with it, of what lies behind, and of remarks."""

CURVES = (REFERENCE, OTHER, "#2a9d8f", "#e9a23b", "#8e6bbf", "#6b7785")
"""Colours of features in one panel."""

WIDTH = 1_152
"""Pixels that a picture is wide at least, so that a sheet of it can be projected."""

MARGIN = 0.08
"""Room about what is drawn, as a share of its extent."""


def panels(rows: int, columns: int, size: tuple[float, float], **shared: Any) -> tuple[Any, np.ndarray]:
    """A figure of panels with large numbers and without the upper and the right line.

    Args:
      rows: panels below each other.
      columns: panels beside each other.
      size: width and height of a panel, in inches.
      **shared: `sharex` and `sharey` of `Figure.subplots`.

    Returns:
      The figure and its panels, [rows, columns].
    """
    from matplotlib.figure import Figure

    wide = size[0] * columns
    figure = Figure(figsize=(wide, size[1] * rows), dpi=max(100, math.ceil(WIDTH / wide)), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **shared)
    for panel in axes.flat:
        panel.tick_params(labelsize=SMALL)
        panel.locator_params(nbins=5)
        panel.spines[["top", "right"]].set_visible(False)
    return figure, axes


def drawn(figure: Any) -> np.ndarray:
    """The picture of a figure, uint8 [H, W, 3]."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def finite(examples: np.ndarray) -> np.ndarray:
    """Those examples [n, ...] of [N, ...] that hold neither NaN nor infinity, as float64."""
    examples = np.asarray(examples, np.float64)
    finite: np.ndarray = examples[np.isfinite(examples).all(axis=tuple(range(1, examples.ndim)))]
    return finite


def limits(groups: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the axes for all groups.

    They hold 99 % of the first group, and 96 % of the others as far as that takes no more than half the first one's
    extent on either side: a model that has diverged does not shrink the data to a dot.

    Args:
      groups: numbers [N, D], the first ones decide.

    Returns:
      Lower and upper ends [D], float64; never equal.
    """
    low, high = (np.quantile(groups[0], share, axis=0) for share in (0.005, 0.995))
    extent = np.where(high > low, high - low, 1.0)
    least, most = low - extent / 2, high + extent / 2
    for group in groups[1:]:
        if len(group):
            low = np.minimum(low, np.maximum(least, np.quantile(group, 0.02, axis=0)))
            high = np.maximum(high, np.minimum(most, np.quantile(group, 0.98, axis=0)))
    room = MARGIN * np.where(high > low, high - low, 1.0)
    return low - room, high + room
