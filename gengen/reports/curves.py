"""The lines of metrics.jsonl as panels of curves: which metric belongs where, by its name."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gengen.pictures.curves import Curve, Panel
from gengen.training.writer import HIGH, LOW, MEMBERS

Lines = Sequence[Mapping[str, Any]]
"""What a run wrote, one object a line."""


class Group(NamedTuple):
    """Metrics that belong into one panel.

    Attributes:
      title: of the panel.
      names: what the names of its metrics match.
      logarithmic: whether its axis is logarithmic.
      smooth: whether its curves are smoothed.
      splits: whether it becomes several panels where one metric would be a flat line beside another.
      names_itself: whether its title says what its only metric is.
    """

    title: str
    names: str
    logarithmic: bool = False
    smooth: bool = True
    splits: bool = True
    names_itself: bool = False


_ESTIMATES = "jensen_shannon|le_cam|wasserstein|total_variation|relativistic_divergence|paired_divergence|k_divergence"
_SCORE = "evaluation/[^/]+"

GROUPS = (
    Group("losses", "[^/]+/loss"),
    Group("distances, as the critic estimates them", f"[^/]+/({_ESTIMATES})(_[ab])?"),
    Group("errors", "[^/]+/(squared|absolute)_error"),
    Group("accuracies", "[^/]+/(accuracy(_real|_fake)?|sure)", splits=False),
    Group("Fréchet distance", f"{_SCORE}/frechet_distance", logarithmic=True, smooth=False, names_itself=True),
    Group("kernel distance", f"{_SCORE}/kernel_distance", smooth=False, names_itself=True),
    Group("Inception score", f"{_SCORE}/inception_score", smooth=False, names_itself=True),
    Group("precision and recall", f"{_SCORE}/(precision|recall)", smooth=False, splits=False),
    Group("density and coverage", f"{_SCORE}/(density|coverage)", smooth=False, splits=False),
    Group("other scores", f"{_SCORE}/.+", smooth=False),
    Group("norms of gradients", "[^/]+/gradient_norm", logarithmic=True, splits=False),
    Group("samples, as looks find them", "samples/.+", smooth=False, splits=False),
    Group("changes of networks from look to look", "[^/]+/update", logarithmic=True, smooth=False, splits=False),
    Group("clipped parameters", "[^/]+/(at_bound|flipped)", smooth=False, splits=False),
    Group("learning rates", "[^/]+/learning_rate", smooth=False, splits=False),
    Group("images a second", "images_per_second", names_itself=True),
    Group("terms", ".+"),
)
"""All panels: a metric belongs to the first whose pattern its name matches; the last one takes all that is left."""

ORDER = (*range(4), len(GROUPS) - 1, *range(4, len(GROUPS) - 1))
"""The order in which they are drawn."""

FLAT = 20.0
"""How many times the extent of one metric may be that of another in one panel."""

OF_PLAYERS = ("loss", "gradient_norm", "learning_rate")
"""Metrics that every player has."""

WORDS = {"jensen_shannon": "Jensen-Shannon", "le_cam": "Le Cam", "wasserstein": "Wasserstein"}
"""Metrics that are named after people."""

NOT_METRICS = ("step", "seconds")


def of_run(lines: Lines) -> list[Panel]:
    """The panels of one run, each with the metrics of one group; none where nothing was written."""
    found = []
    for group, names in _grouped(_names(lines)):
        labels = _labels(names)
        made = {name: _curve(lines, name, labels[name]) for name in names}
        for part in _split(list(made.values())) if group.splits else [list(made.values())]:
            legend = not group.names_itself or len(part) > 1
            found.append(Panel(group.title, part, group.logarithmic, group.smooth, legend))
    return found


def of_runs(runs: Mapping[str, Lines], *, alike: bool = False) -> list[Panel]:
    """The panels of several runs, by their names: one for each metric that at least two have, one curve a run.

    Where no two runs have a metric in common, all metrics are shown.

    Args:
      runs: their lines.
      alike: whether what one of them lacks is what it did not live to see, so that all metrics are shown.
    """
    have = {name: [run for run, lines in runs.items() if name in _names(lines)] for name in _all_names(runs)}
    names = [name for name, those in have.items() if len(those) > 1 or alike] or list(have)
    found = []
    for group, there in _grouped(names):
        labels = _labels(there)
        for name in there:
            made = [_curve(runs[run], name, run) for run in have[name]]
            title = group.title if group.names_itself and len(there) == 1 else f"{group.title}: {labels[name]}"
            found.append(Panel(title, made, group.logarithmic, group.smooth))
    return found


def of_members(lines: Lines, groups: Mapping[str, Sequence[int]]) -> dict[str, Lines]:
    """The lines of a run as several runs would have written them, which are groups of its members.

    Args:
      lines: of the run.
      groups: the numbers of members, by the names of the groups.
    """
    found: dict[str, Lines] = {}
    for group, members in groups.items():
        own: list[dict[str, Any]] = []
        for line in lines:
            there = {name: [line[name][index] for index in members] for name in line if name.endswith(MEMBERS)}
            living = {name: [value for value in values if value is not None] for name, values in there.items()}
            made = {name.removesuffix(MEMBERS): values for name, values in living.items() if values}
            several = {name: values for name, values in made.items() if len(members) > 1}
            own.append(
                {name: line[name] for name in NOT_METRICS if name in line}
                | {name: float(np.mean(values)) for name, values in made.items()}
                | {f"{name}{LOW}": min(values) for name, values in several.items()}
                | {f"{name}{HIGH}": max(values) for name, values in several.items()}
                | {f"{name}{MEMBERS}": values for name, values in several.items()}
            )
        found[group] = own
    return found


def _names(lines: Lines) -> list[str]:
    """Names of the metrics that there are, without ends of intervals and members, in the order of their first lines."""
    names = dict.fromkeys(name for line in lines for name in line if name not in NOT_METRICS)
    return [name for name in names if not name.endswith((LOW, HIGH, MEMBERS))]


def _all_names(runs: Mapping[str, Lines]) -> list[str]:
    return list(dict.fromkeys(name for lines in runs.values() for name in _names(lines)))


def _grouped(names: Sequence[str]) -> list[tuple[Group, list[str]]]:
    """The groups that have metrics, in their order."""
    own: dict[int, list[str]] = {}
    for name in names:
        index = next(index for index, group in enumerate(GROUPS) if re.fullmatch(group.names, name))
        own.setdefault(index, []).append(name)
    return [(GROUPS[index], own[index]) for index in ORDER if index in own]


def _labels(names: Sequence[str]) -> dict[str, str]:
    """What tells metrics of a group apart, in words: the player, the metric, or both."""
    heads, tails = ({name: name.rpartition("/")[part] for name in names} for part in (0, 2))
    same = len(set(tails.values())) == 1
    if same and (len(names) > 1 or tails[names[0]] in OF_PLAYERS) and not names[0].startswith("evaluation/"):
        chosen = heads
    elif len(set(tails.values())) == len(names):
        chosen = tails
    else:
        chosen = {name: name.removeprefix("evaluation/").replace("/", " ") for name in names}
    return {name: WORDS.get(label, label.replace("_", " ")) for name, label in chosen.items()}


def _curve(lines: Lines, name: str, label: str) -> Curve:
    there = [line for line in lines if name in line]
    values, low, high = (
        np.array([float(line.get(key, np.nan)) for line in there]) for key in (name, name + LOW, name + HIGH)
    )
    steps, seeds = np.array([line["step"] for line in there]), any(name + MEMBERS in line for line in there)
    return Curve(label, steps, values, low, high, seeds)


def _split(made: Sequence[Curve]) -> list[list[Curve]]:
    """Puts curves together whose extents are alike; one that does not change goes with the first."""
    parts: list[list[Curve]] = []
    extents: list[tuple[float, float]] = []
    for curve in made:
        own = _extent(curve.values)
        for index, (least, most) in enumerate(extents):
            if max(own, most) <= FLAT * min(own or least, least or own):
                parts[index].append(curve)
                extents[index] = min(own or least, least or own), max(own, most)
                break
        else:
            parts.append([curve])
            extents.append((own, own))
    return parts


def _extent(values: np.ndarray) -> float:
    """How far values spread, but for the outermost tenths and for those at the start."""
    late = values[len(values) // 10 :]
    return float(np.ptp(np.quantile(late, (0.1, 0.9))))
