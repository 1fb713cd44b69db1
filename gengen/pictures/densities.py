"""Densities in the plane, as heat maps beside each other."""

from collections.abc import Mapping

import numpy as np

from gengen.pictures.figure import FONT, SMALL, drawn, limits, panels
from gengen.pictures.points import LogDensity

SIDE = 5.4
"""Width and height of a panel, in inches."""

CELLS = 240
"""Of a map along each axis."""

DECADES = 4
"""Powers of ten below the highest density of the first map that are told apart; what is below them is one colour."""


def heat_maps(densities: Mapping[str, LogDensity], points: np.ndarray) -> np.ndarray:
    """Draws densities on one grid and one scale of log10, whose top is the highest value of the first one.

    Args:
      densities: titles and log-densities of points [M, 2] in nats; the first one is the reference.
      points: where the axes end, float [N, 2].

    Returns:
      One picture, uint8 [H, W, 3].
    """
    low, high = limits([np.asarray(points, np.float64)])
    reach = (high - low).max() / 2  # one scale on both axes
    low, high = (low + high) / 2 - reach, (low + high) / 2 + reach
    ends = np.stack([low, high], axis=-1)
    centres = low + (high - low) * (np.arange(CELLS)[:, None] + 0.5) / CELLS
    grid = np.stack(np.meshgrid(*centres.T), axis=-1).reshape(-1, 2)
    maps = [np.asarray(density(grid), np.float64).reshape(CELLS, CELLS) / np.log(10) for density in densities.values()]
    top = np.nanmax(maps[0])
    figure, axes = panels(1, len(maps), (SIDE, SIDE + 0.4), sharex=True, sharey=True)
    for panel, title, found in zip(axes[0], densities, maps, strict=True):
        shade = {"cmap": "magma", "vmin": top - DECADES, "vmax": top, "extent": ends.ravel(), "origin": "lower"}
        image = panel.imshow(found, interpolation="nearest", **shade)
        panel.set_title(title, fontsize=FONT)
    bar = figure.colorbar(image, ax=list(axes[0]), shrink=0.8)
    bar.set_label("log10 of the density", fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)
    return drawn(figure)
