"""What was measured, as a Markdown table: medians, and ratios with their spread over rounds."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gengen.reports.tables import number, table

HEADER = (
    "step",
    "threads",
    "contender",
    "ms a step",
    "times as fast as PyTorch float32",
    "as PyTorch bfloat16",
    "as gengen before",
    "compiles in s",
    "MiB",
)

RIVALS = ("PyTorch float32", "PyTorch bfloat16", "gengen before float32")
"""Contenders that others are compared with, in the order of the columns."""


class Ratio(NamedTuple):
    """How many times as fast a contender is as another one.

    Attributes:
      value: the other's median over this one's.
      low: the smallest ratio of any round.
      high: the largest.
    """

    value: float
    low: float
    high: float


def ratio(seconds: Sequence[float], rival: Sequence[float]) -> Ratio:
    """How many times as fast a contender is as a rival.

    A round measures both within seconds of each other, so what slows the machine down hits both, and the ratios of
    single rounds say how far to trust that of the medians.

    Args:
      seconds: of a step, by round.
      rival: the same of the rival.
    """
    each = [theirs / own for own, theirs in zip(seconds, rival, strict=True)]
    return Ratio(statistics.median(rival) / statistics.median(seconds), min(each), max(each))


def as_table(report: Mapping[str, Any]) -> str:
    """Lays out what the command wrote as a Markdown table, without the columns that would be empty.

    Args:
      report: as `benchmarks.__main__` writes it.
    """
    rows = [row for entry in report["measured"] for row in _rows(entry)]
    kept = [column for column, _ in enumerate(HEADER) if any(row[column] for row in rows)]
    return table([[row[column] for column in kept] for row in rows], tuple(HEADER[column] for column in kept))


def _rows(entry: Mapping[str, Any]) -> list[list[str]]:
    """Rows of one step on so many threads."""
    contenders: Mapping[str, Any] = entry["contenders"]
    rows = []
    for name, found in contenders.items():
        seconds = found["seconds_per_step"]
        compared = [
            _shown(ratio(seconds, contenders[rival]["seconds_per_step"]))
            if rival in contenders and rival != name
            else ""
            for rival in RIVALS
        ]
        milliseconds = number(1e3 * statistics.median(seconds))
        compiled = "" if name in RIVALS[:2] else number(found["compile_seconds"])  # eager programs do not compile
        memory = f"{found['peak_memory_mib']:,.0f}"
        rows.append([entry["title"], str(entry["threads"]), name, milliseconds, *compared, compiled, memory])
    return rows


def _shown(found: Ratio) -> str:
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def heading(report: Mapping[str, Any]) -> str:
    """Machine, versions and date, in two lines."""
    machine, versions = report["machine"], report["versions"]
    dispatch = f", gengen in dispatches of {report['dispatch']} steps" if report["dispatch"] else ""
    return (
        f"{machine['processor']} ({machine['flags']}), {machine['cores']} cores, huge pages {machine['huge pages']}, "
        f"load {machine['load']} from others; {machine['system']}.\n"
        f"{', '.join(f'{name} {version}' for name, version in versions.items())}; {report['date']}, "
        f"{report['rounds']} rounds of at least {report['seconds']:g} s{dispatch}."
    )
