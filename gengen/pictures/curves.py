"""Curves of what a run writes as it trains: one panel for each group of metrics, raw behind and smoothed in front."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gengen.pictures.captions import DARK
from gengen.pictures.figure import CURVES, FONT, SMALL, drawn, limits, panels

WINDOW = 0.05
"""Share of the points of a curve that its running mean goes over."""

COLUMNS = 3
"""Panels beside each other, at most."""

SIZE = 6.4, 4.0
"""Width and height of a panel, in inches."""

EARLY = 0.1
"""Share of the points at the start which may lie outside of the axes: a loss that falls from 500 to 100 in the first
steps would hide all that comes later."""

LIGHT_ON_DARK = ("#7db1f5", "#f07f89", "#5fd3c4", "#f2c14e", "#c5a3ff", "#b4bdc9")
"""`CURVES` on a dark ground."""

NAMES = 3
"""Names beside each other in a legend."""

LONGEST = 45
"""Letters of a title that are as wide as a panel; of longer ones, letters are smaller."""

HANDLE, LETTER = 1.0, 0.12
"""Inches of a name in the legend of a sheet: of its line with the space about it, and of a letter at most."""

MARKED = 20
"""Curves of no more points have a mark at each."""


class Curve(NamedTuple):
    """One metric of one run.

    Attributes:
      label: what it is.
      steps: at which it was measured [N].
      values: what it was [N].
      low: lower ends of its intervals [N], NaN where there is none.
      high: upper ends [N].
      seeds: whether these ends are the least and the greatest of several seeds, and `values` their mean.
    """

    label: str
    steps: np.ndarray
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    seeds: bool = False


class Panel(NamedTuple):
    """Metrics that belong together.

    Attributes:
      title: what they are.
      curves: at least one.
      logarithmic: whether the axis is logarithmic where it holds more than a factor of ten; it then has no place for
        values that are not positive.
      smooth: whether curves are smoothed.
      legend: whether curves are named in the panel.
    """

    title: str
    curves: Sequence[Curve]
    logarithmic: bool = False
    smooth: bool = True
    legend: bool = True


def running_mean(values: np.ndarray, share: float = WINDOW) -> np.ndarray:
    """The mean of the points about each one, [N] of values [N].

    The window holds an odd number of points, `share` of them all, and is cut where it passes an end.
    """
    half = _half(len(values), share)
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    index = np.arange(len(values))
    first, last = np.maximum(index - half, 0), np.minimum(index + half + 1, len(values))
    mean: np.ndarray = (sums[last] - sums[first]) / (last - first)
    return mean


def _half(number: int, share: float = WINDOW) -> int:
    """Points on each side of one in its window."""
    return round(share * number) // 2


def curves(shown: Sequence[Panel], title: str, *, dark: bool = False, runs: Sequence[str] = ()) -> np.ndarray:
    """Draws panels in rows of at most `COLUMNS`.

    A label has the same colour in every panel.

    Args:
      shown: the panels, at least one.
      title: of the sheet; "" for none.
      dark: whether it is light on dark.
      runs: labels of all panels alike, at most as many as there are colours, named in one legend above them; without
        them each panel has a legend of its own.

    Returns:
      One picture, uint8 [H, W, 3], at least 1,200 wide.
    """
    import matplotlib

    columns = COLUMNS if len(shown) > 4 else min(2, len(shown))
    rows = -(-len(shown) // columns)
    size = SIZE if columns > 1 else (2 * SIZE[0], 1.5 * SIZE[1])
    steps = [curve.steps for panel in shown for curve in panel.curves]
    last = 1.02 * max(float(np.max(part)) for part in steps) or 1
    with matplotlib.rc_context(_theme(dark)):
        figure, axes = panels(rows, columns, size)
        palette = LIGHT_ON_DARK if dark else CURVES
        colours = _colours(shown, palette, runs)
        for panel, place, colour in zip(shown, axes.flat, colours, strict=False):
            _draw(place, panel, colour, legend=panel.legend and not runs)
            place.set_xlim(0, last)
        for place in axes.flat[len(shown) :]:
            place.set_visible(False)
        if title and not runs:  # which have it above their legend
            figure.suptitle(title, fontsize=FONT + 3)
        figure.supxlabel(_remark(shown), fontsize=SMALL, color="0.7" if dark else "0.35")
        if runs:
            handles = [matplotlib.lines.Line2D([], [], color=palette[index], linewidth=3) for index in range(len(runs))]
            figure.legend(
                handles,
                list(runs),
                loc="outside upper left",
                ncols=max(1, int(columns * size[0] / (HANDLE + LETTER * max(map(len, runs))))),
                fontsize=SMALL + 2,
                frameon=False,
                title=title or None,
                title_fontsize=FONT + 3,
                alignment="left",
            )
        return drawn(figure)


def _theme(dark: bool) -> Any:
    if not dark:
        return {}
    paper, ink = (tuple(part / 255 for part in colour) for colour in (DARK.paper, DARK.ink))
    grounds = dict.fromkeys(("figure.facecolor", "axes.facecolor"), paper)
    inks = ("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color")
    return grounds | dict.fromkeys(inks, ink)


def _colours(shown: Sequence[Panel], palette: Sequence[str], runs: Sequence[str]) -> list[dict[str, str]]:
    """The colours of each panel's labels: those that several panels have keep theirs, the others take what is free."""
    labels = [[curve.label for curve in panel.curves] for panel in shown]
    common = [label for there in labels for label in there if sum(label in own for own in labels) > 1]
    several = dict.fromkeys(runs or common)
    kept = {label: palette[index % len(palette)] for index, label in enumerate(several)}
    found = []
    for there in labels:
        free = [colour for colour in palette if colour not in {kept.get(label) for label in there}] or list(palette)
        others = [label for label in there if label not in kept]
        chosen = {label: free[index % len(free)] for index, label in enumerate(others)}
        found.append({label: kept.get(label) or chosen[label] for label in there})
    return found


def _draw(axes: Any, panel: Panel, colours: dict[str, str], *, legend: bool) -> None:
    from matplotlib.ticker import EngFormatter

    late, everything = [], []
    for curve in panel.curves:
        colour, smoothed = colours[curve.label], running_mean(curve.values) if panel.smooth else curve.values
        if panel.smooth:
            axes.plot(curve.steps, curve.values, color=colour, linewidth=1, alpha=0.35)
        marker = "-o" if len(curve.steps) <= MARKED else "-"
        axes.plot(curve.steps, smoothed, marker, color=colour, linewidth=2.5, markersize=4, label=curve.label)
        axes.fill_between(curve.steps, curve.low, curve.high, color=colour, alpha=0.25, linewidth=0)
        everything += [curve.values, curve.low, curve.high]
        late += [part[int(EARLY * len(part) * panel.smooth) :] for part in everything[-3:]]
    _limit(axes, np.concatenate(late), np.concatenate(everything), logarithmic=panel.logarithmic)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.grid(axis="y", alpha=0.25)
    lines = -(-len(panel.curves) // NAMES)
    size = FONT * min(1, LONGEST / max(len(panel.title), 1))
    axes.set_title(panel.title, fontsize=size, loc="left", pad=8 + 20 * lines if legend else 8)
    if legend and panel.curves and any(curve.label for curve in panel.curves):
        place = {"loc": "lower left", "bbox_to_anchor": (-0.02, 0.98), "borderaxespad": 0.2, "ncols": NAMES}
        axes.legend(fontsize=SMALL, frameon=False, handlelength=1.2, columnspacing=1.2, **place)


def _limit(axes: Any, late: np.ndarray, everything: np.ndarray, *, logarithmic: bool) -> None:
    """Sets the ends of the axis by what came after the first steps; a value that diverged does not widen it much."""
    groups = [group[np.isfinite(group)][:, None] for group in (late, everything)]
    if not all(len(group) for group in groups):
        return
    if np.ptp(groups[1]) == 0 and groups[1][0] > 0:  # a learning rate that does not change
        axes.set_ylim(0, 1.5 * groups[1][0, 0])
        return
    positive = [group[group > 0][:, None] for group in groups]
    if logarithmic and len(positive[0]) and np.ptp(np.log10(positive[0])) > 1:
        low, high = limits([np.log10(group) for group in positive])
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter("")
        axes.set_ylim(10 ** low[0], 10 ** high[0])
    else:
        low, high = limits(groups)
        axes.set_ylim(low[0], high[0])


def _remark(shown: Sequence[Panel]) -> str:
    parts = ["steps"]
    if any(panel.smooth and _half(len(curve.steps)) for panel in shown for curve in panel.curves):
        parts.append(f"thin: as written; thick: running mean over {WINDOW:.0%} of the points".replace("%", " %"))
    bands = {curve.seeds for panel in shown for curve in panel.curves if np.isfinite(curve.low).any()}
    if bands:
        ends = {False: "95 % intervals", True: "from the least to the greatest seed"}
        parts.append("bands: " + " or ".join(ends[seeds] for seeds in sorted(bands)))
    return " · ".join(parts)
