"""The report on several seeds of one run: means over them, each with its spread and its interval."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gengen.metrics.interval import of_blocks

ENDS = {"value", "low", "high"}
"""What every estimate has."""

OWN = ("member", "verdict")
"""What a report says of its own seed alone."""

NOTHING = object()
"""What is said of all seeds where they have nothing in common."""


def over_seeds(reports: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """Makes one report of those on at least two seeds.

    An estimate becomes the mean over seeds, with the standard deviation as its "deviation", Student's 95 % interval of
    the mean from one training to the next as its ends, and what it is of each seed as "members". What is the same for
    all seeds stays as it is, such as the scores of real data; any other number becomes its mean. Sentences say of
    which seed they are. What is not of all seeds, or has no mean, is left out.

    Args:
      reports: by seed, as `evaluate_run.report_of` makes them.
    """
    report = _merged([{key: value for key, value in each.items() if key not in OWN} for each in reports.values()])
    said = [f"Seed {seed}: {line}" for seed, each in reports.items() for line in each.get("verdict", ())]
    return {**report, "seeds": list(reports), **({"verdict": said} if said else {})}


def _merged(each: Sequence[Any]) -> Any:
    """What is said of all seeds together, of values in the same place of their reports, or `NOTHING`."""
    first = each[0]
    if all(other == first for other in each[1:]):
        return first
    if all(isinstance(value, Mapping) for value in each):
        keys = [key for key in first if all(key in value for value in each)]
        if set(keys) >= ENDS:
            return _estimate(each, [key for key in keys if key not in ENDS])
        merged = {key: _merged([value[key] for value in each]) for key in keys}
        return {key: value for key, value in merged.items() if value is not NOTHING}
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in each):
        return float(np.mean(each))
    return NOTHING


def _estimate(each: Sequence[Mapping[str, Any]], others: Sequence[str]) -> dict[str, Any]:
    values = [value["value"] for value in each]
    same = {key: each[0][key] for key in others if all(value[key] == each[0][key] for value in each)}
    return {**same, **of_blocks(values)._asdict(), "deviation": float(np.std(values, ddof=1)), "members": values}
