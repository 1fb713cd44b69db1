"""`--mode=compare`: what the runs below a folder have reached, side by side."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gengen.core.refusal import Refusal
from gengen.tasks.describe import table
from gengen.tasks.outputs import output_files
from gengen.training.run_folder import write_whole
from gengen.training.writer import read_lines

SHOWN = ("frechet_distance", "precision", "recall")
"""Scores in the table; the first one with its floor."""

HEADER = (
    "run",
    "Fréchet distance",
    "of real images",
    "precision",
    "recall",
    "features",
    "samples",
    "weights",
    "steps",
    "minutes",
)


def run(folder: Path, output: Path | None) -> Path:
    """Prints a table of all runs directly below a folder that were judged, and writes the same as JSON.

    Args:
      folder: where the run folders lie.
      output: the .json to write; `comparison.json` in the folder by default.

    Returns:
      The path of the JSON.

    Raises:
      Refusal: no run there was judged, or its file is damaged.
    """
    rows = [_row(path) for path in sorted(folder.glob("*/evaluation.json"))]
    if not rows:
        raise Refusal(f"no run below {folder} was judged; do so with --mode=evaluate --workdir={folder}/NAME.")
    (path,) = output_files(output, folder / "comparison.json", ".json")
    print(as_table(rows) + "\n")
    write_whole(path, json.dumps(rows, indent=2) + "\n")
    return path


def as_table(rows: Sequence[dict[str, Any]]) -> str:
    """Lays out what `run` wrote as a Markdown table."""
    return table([[row[name] for name in HEADER] for row in rows], HEADER)


def _row(path: Path) -> dict[str, Any]:
    """What one run reached, every number as it is shown."""
    try:
        return _shown(path.parent, json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(f"{path} is damaged or lacks scores; judge that run again with --mode=evaluate.") from error


def _shown(folder: Path, report: dict[str, Any]) -> dict[str, Any]:
    distance, precision, recall = (report["scores"][name] for name in SHOWN)
    entries = [entry for entry in read_lines(folder / "metrics.jsonl") if entry["step"] <= report["step"]]
    return {
        "run": folder.name,
        "Fréchet distance": with_interval(distance["samples"]),
        "of real images": with_interval(distance["floor"]),
        "precision": with_interval(precision["samples"]),
        "recall": with_interval(recall["samples"]),
        "features": f"{distance['extractor']['name']} {distance['extractor']['digest'][:6]}".strip(),
        "samples": f"{distance['sizes']['samples']:,} / {distance['sizes']['reference']:,}",
        "steps": f"{report['step']:,}",
        "weights": f"{report['weights']}, {report['checkpoint']}",
        "minutes": f"{entries[-1]['seconds'] / 60:.1f}" if entries else "not measured",
    }


def with_interval(estimate: dict[str, float]) -> str:
    """A value with its interval: `1.2 [1.1, 1.3]`."""
    return f"{number(estimate['value'])} [{number(estimate['low'])}, {number(estimate['high'])}]"


def number(value: float) -> str:
    """Three significant digits, and none after the point from 1,000 on."""
    return f"{value:.3g}" if abs(value) < 999.5 else f"{value:,.0f}"
