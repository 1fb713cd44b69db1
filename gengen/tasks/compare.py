"""`--mode=compare`: what the runs below a folder have reached, side by side."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gengen.core.refusal import Refusal
from gengen.tasks.describe import table
from gengen.training.run_folder import write_whole
from gengen.training.writer import read_lines

SHOWN = ("frechet_distance", "precision", "recall")
"""Scores in the table; the first one with its floor."""

HEADER = ("run", "Fréchet distance", "of data", "precision", "recall", "features", "samples", "steps", "minutes")


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
    print(as_table(rows) + "\n")
    path = output or folder / "comparison.json"
    write_whole(path, json.dumps(rows, indent=2) + "\n")
    return path


def as_table(rows: Sequence[dict[str, Any]]) -> str:
    """Lays out what `run` wrote as a Markdown table."""
    return table([[row[name] for name in HEADER] for row in rows], HEADER)


def _row(path: Path) -> dict[str, Any]:
    """What one run reached, every number as it is shown."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        scores = {name: report["scores"][name] for name in SHOWN}
    except (ValueError, KeyError) as error:
        raise Refusal(f"{path} is damaged or lacks scores; judge that run again with --mode=evaluate.") from error
    distance, precision, recall = scores.values()
    entries = [entry for entry in read_lines(path.parent / "metrics.jsonl") if entry["step"] <= report["step"]]
    minutes = entries[-1]["seconds"] / 60 if entries else None
    return {
        "run": path.parent.name,
        "Fréchet distance": with_interval(distance["samples"]),
        "of data": with_interval(distance["floor"]),
        "precision": with_interval(precision["samples"]),
        "recall": with_interval(recall["samples"]),
        "features": f"{distance['extractor']['name']} {distance['extractor']['digest'][:6]}".strip(),
        "samples": f"{distance['sizes']['samples']:,} / {distance['sizes']['reference']:,}",
        "steps": f"{report['step']:,}",
        "minutes": "not measured" if minutes is None else f"{minutes:.1f}",
    }


def with_interval(estimate: dict[str, float]) -> str:
    """A value with its interval: `1.2 [1.1, 1.3]`."""
    return f"{number(estimate['value'])} [{number(estimate['low'])}, {number(estimate['high'])}]"


def number(value: float) -> str:
    """Three significant digits, and none after the point from 1,000 on."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
