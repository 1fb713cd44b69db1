"""Points: scattered over their density, with lines to their reconstructions, along paths, and each as a thumbnail."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gengen.pictures.figure import FAINT, FONT, NOTE, OTHER, REFERENCE, SMALL, drawn, finite, limits, panels
from gengen.pictures.raster import bars, dots, framed, positions

LogDensity = Callable[[np.ndarray], np.ndarray]
"""Points [M, D] to their log-density [M]."""

SIDE = 5.4
"""Width and height of a panel, in inches."""

CELLS, BLUR = 240, 3.0
"""Cells of the shading along each axis, and the standard deviation, in cells, by which counts are smoothed."""

SAME = 5
"""What differs in extent by no more than this factor has one scale; columns of a table often differ by more."""


class Plane(NamedTuple):
    """The plane in which points [N, D] are drawn: (points - origin) @ axes.

    Attributes:
      origin: [D].
      axes: [D, 2].
      labels: names of its two axes, empty where they are the features themselves.
    """

    origin: np.ndarray
    axes: np.ndarray
    labels: tuple[str, str] = ("", "")

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Where points [..., D] lie in the plane, [..., 2]."""
        projected: np.ndarray = (points - self.origin) @ self.axes
        return projected


def plane(points: np.ndarray) -> Plane:
    """The plane of two features; of more, that of the first two principal axes.

    Features whose deviations differ by more than a factor of `SAME` are divided by them first.

    Args:
      points: the reference [N, D]. One feature lies on a line.
    """
    number = points.shape[1]
    if number <= 2:
        return Plane(np.zeros(number), np.eye(number, 2))
    mean, deviation = points.mean(0), points.std(0)
    deviation = np.where(deviation > 0, deviation, deviation.max() or 1.0)
    scale = deviation if deviation.max() > SAME * deviation.min() else np.ones(number)
    variances, vectors = np.linalg.eigh(np.cov((points - mean) / scale, rowvar=False, bias=True))
    first = vectors[:, :-3:-1]
    first = first * np.sign(first[np.abs(first).argmax(0), [0, 1]])  # an axis has no sign of its own
    shares = variances[:-3:-1] / variances.sum() if variances.sum() > 0 else np.zeros(2)
    labels = [f"principal axis {index + 1} of {number} ({share:.0%})" for index, share in enumerate(shares)]
    return Plane(mean, first / scale[:, None], (labels[0], labels[1]))


def scatter(
    groups: Mapping[str, np.ndarray],
    *,
    density: LogDensity | None = None,
    bounds: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Draws each group of points in a panel of its own, over one density, all with the same axes.

    The shading is the density, where it is known for one or two features, else the smoothed counts of the first group.
    Points of more than two features are projected on the first two principal axes of the first group; one feature
    is drawn as histograms. How many points lie beyond the axes, or are not finite, is written in the panel.

    Args:
      groups: titles and points float [N, D]; the first group, of at least one finite point, is the reference.
      density: the exact log-density of points [M, D].
      bounds: where the data lie, [D] and [D]: axes of one or two features hold them, or else the reference.

    Returns:
      One picture, uint8 [H', W', 3].
    """
    shown = {title: finite(points) for title, points in groups.items()}
    first = next(iter(shown.values()))
    framing = [np.stack(bounds)] if bounds is not None and first.shape[1] <= 2 else []
    if first.shape[1] == 1:
        histograms: np.ndarray = _histograms(groups, shown, density, limits([*framing, *shown.values()]))
        return histograms
    view = plane(first)
    flat = [view(points) for points in shown.values()]
    ends = _same_scale(*limits([*framing, *flat]))
    figure, axes = panels(1, len(groups), (SIDE, SIDE + 0.4), sharex=True, sharey=True)
    for index, (panel, title, points) in enumerate(zip(axes[0], groups, flat, strict=True)):
        _shade(panel, flat[0], ends, density if len(view.origin) == 2 else None)
        _dots(panel, points, OTHER if index else REFERENCE, max(map(len, flat)))
        _frame(panel, ends, view)
        panel.set_title(title, fontsize=FONT)
        _remark(panel, points, ends, len(groups[title]))
    axes[0, 0].set_ylabel(view.labels[1], fontsize=SMALL)
    return drawn(figure)


def pairs(points: np.ndarray, reconstructions: np.ndarray, *, density: LogDensity | None = None) -> np.ndarray:
    """Draws lines from points to what is given back for them, over the density of the points as in `scatter`.

    Args:
      points: float [N, D].
      reconstructions: float [N, D].
      density: the exact log-density of points [M, D].

    Returns:
      One picture, uint8 [H', W', 3].
    """
    both = finite(np.stack([points, reconstructions], axis=1))
    lines = [("reconstruction", OTHER), ("data", REFERENCE)]

    def draw(panel: Any, view: Plane) -> None:
        start, end = view(both[:, 0]), view(both[:, 1])
        panel.plot(*np.stack([start, end]).transpose(2, 0, 1), color="0.4", linewidth=0.8, zorder=2)
        for (label, colour), ends in zip(lines, (end, start), strict=True):
            _dots(panel, ends, colour, len(both), label=label)
        panel.legend(fontsize=SMALL, loc="upper right", markerscale=2, framealpha=0.9)

    return _alone(both[:, 0], [both[:, 1]], density, draw)


def paths(rows: np.ndarray, reference: np.ndarray, *, density: LogDensity | None = None) -> np.ndarray:
    """Draws paths of points over the density of the data as in `scatter`, from blue at their start to red.

    Args:
      rows: float [rows, steps, D].
      reference: points of the data [N, D].
      density: the exact log-density of points [M, D].

    Returns:
      One picture, uint8 [H', W', 3].
    """
    from matplotlib.colors import LinearSegmentedColormap

    rows, reference = finite(rows), finite(reference)
    colours = LinearSegmentedColormap.from_list("path", [REFERENCE, OTHER])(np.linspace(0, 1, rows.shape[1]))

    def draw(panel: Any, view: Plane) -> None:
        for path in view(rows):
            panel.plot(*path.T, color="0.4", linewidth=1.2, zorder=2)
            panel.scatter(*path.T, s=42, c=colours, edgecolors="white", linewidths=0.8, zorder=3)

    return _alone(reference, [rows.reshape(-1, rows.shape[-1])], density, draw)


def thumbnails(points: np.ndarray, low: np.ndarray, high: np.ndarray, side: int = 48) -> np.ndarray:
    """Draws each point as a small picture: two features as a dot in a frame, any other number as a bar for each.

    Args:
      points: float [N, D]. What lies beyond the bounds comes to lie at the frame; what is no number is not drawn.
      low: bounds of each feature [D], near the left and the lower edge.
      high: bounds [D].
      side: pixels.

    Returns:
      Pictures, uint8 [N, side, side, 3].
    """
    draw = dots if np.shape(points)[1] == 2 else bars
    return framed(draw(positions(points, low, high), side)[..., None])


def _alone(
    points: np.ndarray, others: Sequence[np.ndarray], density: LogDensity | None, draw: Callable[[Any, Plane], None]
) -> np.ndarray:
    """One panel, with something drawn over the density of points."""
    view = plane(points)
    bounds = _same_scale(*limits([view(points), *(view(other) for other in others)]))
    figure, axes = panels(1, 1, (SIDE + 0.8, SIDE + 0.8))
    _shade(axes[0, 0], view(points), bounds, density if points.shape[1] == 2 else None)
    draw(axes[0, 0], view)
    _frame(axes[0, 0], bounds, view)
    axes[0, 0].set_ylabel(view.labels[1], fontsize=SMALL)
    return drawn(figure)


def _same_scale(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wider bounds of one extent in both directions, where they are not too different for that."""
    extent = high - low
    if extent.max() > SAME * extent.min() > 0:
        return low, high
    return (low + high - extent.max()) / 2, (low + high + extent.max()) / 2


def _shade(panel: Any, points: np.ndarray, bounds: tuple[np.ndarray, np.ndarray], density: LogDensity | None) -> None:
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm
    from scipy.ndimage import gaussian_filter  # as long as Flax, and only who draws points needs it

    low, high = bounds
    if density is None:
        across, up = points.T
        counts, _, _ = np.histogram2d(up, across, bins=CELLS, range=[(low[1], high[1]), (low[0], high[0])])
        heights = gaussian_filter(counts, BLUR)
    else:
        centres = low + (high - low) * (np.arange(CELLS)[:, None] + 0.5) / CELLS
        across, up = np.meshgrid(*centres.T)
        log = np.asarray(density(np.stack([across.ravel(), up.ravel()], axis=-1)), np.float64)
        heights = np.exp(log - log.max()).reshape(CELLS, CELLS)
    colours = LinearSegmentedColormap.from_list("shade", ["white", FAINT])
    extent = (low[0], high[0], low[1], high[1])
    panel.imshow(heights, cmap=colours, norm=PowerNorm(0.5), extent=extent, origin="lower", aspect="auto", zorder=0)


def _dots(panel: Any, points: np.ndarray, colour: str, most: int, label: str | None = None) -> None:
    """Points, the smaller the more of them the fullest panel has."""
    size = float(np.clip(8_000 / most, 4, 24))
    panel.scatter(*points.T, s=size, color=colour, alpha=0.7, linewidths=0, label=label, zorder=3)


def _frame(panel: Any, bounds: tuple[np.ndarray, np.ndarray], view: Plane) -> None:
    (left, bottom), (right, top) = bounds
    panel.set(xlim=(left, right), ylim=(bottom, top), box_aspect=1)
    panel.set_xlabel(view.labels[0], fontsize=SMALL)


def _remark(panel: Any, points: np.ndarray, bounds: tuple[np.ndarray, np.ndarray], number: int) -> None:
    """How many points of all there are cannot be seen, if any."""
    inside = ((points >= bounds[0]) & (points <= bounds[1])).all(-1).sum()
    if inside < number:
        text = f"{number - inside:,} of {number:,} outside"
        paper = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 2}
        style = {"fontsize": SMALL, "color": NOTE, "bbox": paper, "ha": "right", "va": "top"}
        panel.text(0.98, 0.98, text, transform=panel.transAxes, zorder=4, **style)


def _histograms(
    groups: Mapping[str, np.ndarray],
    shown: Mapping[str, np.ndarray],
    density: LogDensity | None,
    ends: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Panels of histograms of one feature, each over the density or the histogram of the first group."""
    flat = list(shown.values())
    low, high = ends
    edges = np.linspace(low[0], high[0], 61)
    figure, axes = panels(1, len(groups), (SIDE, 0.8 * SIDE), sharex=True, sharey=True)
    for index, (panel, title, points) in enumerate(zip(axes[0], groups, flat, strict=True)):
        if density is None:
            panel.hist(flat[0][:, 0], edges, density=True, color=FAINT)
        else:
            fine = np.linspace(low[0], high[0], 600)
            panel.fill_between(fine, np.exp(density(fine[:, None])), color=FAINT, linewidth=0)
        colour = OTHER if index else REFERENCE
        weights = np.full(len(points), 1 / (max(len(points), 1) * (edges[1] - edges[0])))  # those outside count
        panel.hist(points[:, 0], edges, weights=weights, histtype="step", color=colour, linewidth=2)
        panel.set_xlim(low[0], high[0])
        panel.set_title(title, fontsize=FONT)
        _remark(panel, points, (low, high), len(groups[title]))
    axes[0, 0].set_ylabel("density", fontsize=SMALL)
    return drawn(figure)
