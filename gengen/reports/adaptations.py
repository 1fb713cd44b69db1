"""What adaptations to a domain without labels have reached, side by side: a row for each direction."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gengen.core.refusal import Refusal
from gengen.reports.tables import table

MEASURED = {
    "source": "taught by the source alone",
    "adapted": "adapted",
    "target": "taught by the target",
    "survival": "labels that survive translation",
}
"""What is measured, and its column: means over seeds in percent, with their standard errors."""

HEADER = ("run", "from, to", *MEASURED.values(), "held-out images", "seeds")


def adaptations(folder: Path) -> list[dict[str, str]]:
    """Reads what `--mode=adapt` wrote directly below a folder.

    Args:
      folder: where the folders of adaptations lie.

    Returns:
      One row for each adaptation and direction, every number as it is shown.

    Raises:
      Refusal: a file is damaged.
    """
    return [row for path in sorted(folder.glob("*/adaptation.json")) for row in _read(path)]


def rows_of(report: Mapping[str, Any], run: str = "") -> list[dict[str, str]]:
    """The rows of what one adaptation has reached.

    Args:
      report: what `--mode=adapt` writes.
      run: name of its folder.
    """
    return [
        {
            "run": run,
            "from, to": direction["title"],
            **{column: _percent(direction[name]) if name in direction else "" for name, column in MEASURED.items()},
            "held-out images": f"{direction['images']:,}",
            "seeds": str(report["seeds"]),
        }
        for direction in report["directions"].values()
    ]


def as_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Lays rows out as a Markdown table; columns in which nothing stands are left out."""
    shown = [column for column in HEADER if any(row[column] for row in rows)]
    return table([[row[column] for column in shown] for row in rows], tuple(shown))


def _read(path: Path) -> list[dict[str, str]]:
    try:
        return rows_of(json.loads(path.read_text(encoding="utf-8")), path.parent.name)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refusal(
            f"{path} is damaged; make it again with --mode=adapt --config=configs/NAME.py --workdir={path.parent}."
        ) from error


def _percent(entry: Mapping[str, Any]) -> str:
    """A mean with its standard error, which a single seed does not have: `97.31% ± 0.12%`."""
    error = entry["standard_error"]
    return f"{entry['mean']:.2%}" + ("" if error is None else f" ± {error:.2%}")
