"""What benchmarks found, as tables: of one experiment, and of many side by side."""

from collections.abc import Mapping
from typing import Any

from gengen.reports.tables import number, table

LEAST = 0.2
"""The share of its floor below which a step needs a reason."""

SHORT = 1e-3
"""Seconds of a step that is mostly the start of operations, each of which costs a microsecond or a few."""

NARROW = "maps of 16 channels: many short operations, none above a twentieth of the step"

REASONS: Mapping[str, str] = {"ae_conv": NARROW, "vae_conv": NARROW}
"""Why an experiment stays below `LEAST`, by its name, where the numbers do not say it."""

HEADER = (
    "experiment",
    "ms a step",
    "fastest",
    "floor",
    "share",
    "compile s",
    "peak MiB",
    "slowest operation",
    "its share",
    "why so far from the floor",
)

Found = Mapping[str, Any]


def shown_alone(found: Found) -> str:
    """All that was found of one experiment, as a table, and the slowest operations as another."""
    rows = [[name, _readable(value)] for name, value in found.items() if name != "slowest_operations"]
    slowest = [[each["operation"], _percent(each["share"])] for each in found["slowest_operations"]]
    return f"{table(rows, ('measured', 'value'))}\n\n{table(slowest, ('slowest operations', 'share of the step'))}"


def shown_together(experiments: Mapping[str, Found | str]) -> str:
    """A row for each experiment.

    Args:
      experiments: by name, what was found, or a sentence that says why nothing was.
    """
    return table([_row(name, found) for name, found in experiments.items()], HEADER)


def unexplained(experiments: Mapping[str, Found | str]) -> list[str]:
    """Names of experiments that are below `LEAST` of their floor for no known reason."""
    return [
        name
        for name, found in experiments.items()
        if not isinstance(found, str) and found["share_of_floor"] < LEAST and not reason(name, found)
    ]


def reason(name: str, found: Found) -> str:
    """Why an experiment is below `LEAST` of its floor; "" where it is not, or where nobody knows."""
    if found["share_of_floor"] >= LEAST:
        return ""
    if name in REASONS:
        return REASONS[name]
    return "short step: starting operations" if found["seconds_per_step"] < SHORT else ""


def _row(name: str, found: Found | str) -> list[str]:
    if isinstance(found, str):
        return [name, *[""] * (len(HEADER) - 2), found]
    slowest = found["slowest_operations"] or [{"operation": "not known", "share": float("nan")}]
    return [
        name,
        number(1e3 * found["seconds_per_step"]),
        number(1e3 * found["fastest_seconds_per_step"]),
        number(1e3 * found["floor_seconds_per_step"]),
        _percent(found["share_of_floor"]),
        number(found["compile_seconds"]),
        number(found["peak_memory_mib"]),
        slowest[0]["operation"],
        _percent(slowest[0]["share"]),
        reason(name, found),
    ]


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _readable(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_readable(each)}" for name, each in value.items())
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
