"""Series: lines of some in a band of all, and each as a thumbnail."""

from collections.abc import Mapping

import numpy as np

from gengen.pictures.figure import FAINT, FONT, OTHER, REFERENCE, SMALL, drawn, finite, limits, panels
from gengen.pictures.raster import curves, framed, positions

SHARES = (0.05, 0.5, 0.95)
"""Of the series that lie below the lower end of the band, its middle, and its upper end."""

FEATURES, LINES = 5, 8
"""The most features that are drawn, and single series of each group."""

PALE = {REFERENCE: FAINT, OTHER: "#efb3ba"}
"""Colours of bands."""


def band(series: np.ndarray) -> np.ndarray:
    """The 5 %, 50 % and 95 % quantiles of series at each step.

    Args:
      series: float [N, T, D].

    Returns:
      [3, T, D].
    """
    quantiles: np.ndarray = np.quantile(series, SHARES, axis=0)
    return quantiles


def lines(groups: Mapping[str, np.ndarray]) -> np.ndarray:
    """Draws for each group a row of panels, one for each feature: the first series in the band of all of them.

    The band holds 90 % of the finite series at each step, and its line is their median. All panels of a feature have
    the same axes. Of many features the first few are drawn.

    Args:
      groups: titles and series, float [N, T, D]; the first group, of at least one finite series, is the reference.

    Returns:
      One picture, uint8 [H', W', 3].
    """
    shown = [finite(series) for series in groups.values()]
    _, steps, features = shown[0].shape
    columns = min(features, FEATURES)
    low, high = limits([series.reshape(-1, features) for series in shown])
    figure, axes = panels(len(shown), columns, (3.4 if columns > 1 else 7.0, 2.7), sharex=True, sharey="col")
    for index, (row, title, series) in enumerate(zip(axes, groups, shown, strict=True)):
        colour = OTHER if index else REFERENCE
        for feature, panel in enumerate(row):
            if len(series):
                lower, middle, upper = band(series[:, :, feature])
                panel.fill_between(range(steps), lower, upper, color=PALE[colour], alpha=0.6, linewidth=0)
                panel.plot(series[:LINES, :, feature].T, color=colour, linewidth=0.8, alpha=0.7)
                panel.plot(middle, color=colour, linewidth=3)
            panel.set(xlim=(0, max(steps - 1, 1)), ylim=(low[feature], high[feature]))
        row[0].set_ylabel(title, fontsize=FONT)
    for feature, (above, below) in enumerate(zip(axes[0], axes[-1], strict=True)):
        more = f" of {features}" if features > columns else ""
        above.set_title(f"feature {feature + 1}{more}" if features > 1 else "", fontsize=FONT)
        below.set_xlabel("step", fontsize=SMALL)
    return drawn(figure)


def thumbnails(series: np.ndarray, low: np.ndarray, high: np.ndarray, height: int = 64, width: int = 96) -> np.ndarray:
    """Draws each series as a small picture of its features' curves.

    Args:
      series: float [N, T, D]. What lies beyond the bounds comes to lie at the frame; what is no number is not drawn.
      low: bounds of each feature [D], near the lower edge.
      high: bounds [D], near the upper edge.
      height: pixels.
      width: pixels.

    Returns:
      Pictures, uint8 [N, height, width, 3].
    """
    return framed(curves(positions(series, low, high), height, width))
