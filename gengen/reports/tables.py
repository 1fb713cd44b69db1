"""Tables and numbers as text."""

from collections.abc import Mapping
from typing import Any

import jax


def table(rows: list[list[Any]], header: tuple[str, ...]) -> str:
    """Lays rows out as a Markdown table."""
    cells = [[str(cell) for cell in row] for row in (list(header), *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def with_interval(estimate: Mapping[str, float]) -> str:
    """A value with its interval, `1.2 [1.1, 1.3]`, and with its standard deviation over seeds where there is one."""
    spread = f" ± {number(estimate['deviation'])}" if "deviation" in estimate else ""
    return f"{number(estimate['value'])}{spread} [{number(estimate['low'])}, {number(estimate['high'])}]"


def number(value: float) -> str:
    """Three significant digits, and none after the point from 1,000 on."""
    return f"{value:.3g}" if abs(value) < 999.5 else f"{value:,.0f}"


def each_report(name: str, report: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The reports of an `evaluation.json` by their names: of a sweep one for each combination that was judged.

    Args:
      name: of the run.
      report: what the file holds.
    """
    return [
        (f"{name}: {each['combination']}" if "combination" in each else name, each)
        for each in report.get("combinations", [report])
    ]


def count(tree: Any) -> int:
    """Number of scalars in a tree of arrays."""
    return sum(leaf.size for leaf in jax.tree.leaves(tree))
