"""Runs that detect anomalies, side by side: one for each class that was normal, and their means."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gengen.core.refusal import Refusal
from gengen.reports.tables import table

HEADER = ("run", "score", "AUROC %", "AUPRC %", "PCA", "1-NN", "false alarms asked", "realised %")

MEAN = "mean"
UNKNOWN = "not known"
"""Where a run was not restricted to classes, so that no anomalies are known."""


def detections(folder: Path) -> list[dict[str, str]]:
    """Reads what runs directly below a folder have detected.

    Args:
      folder: where the run folders lie.

    Returns:
      One row a run, every number as it is shown: AUROC, AUPRC and realised false alarms with their intervals, and the
      AUROC of the baselines. A last row has the means over the runs that have each number, if there are several runs.

    Raises:
      Refusal: a file is damaged.
    """
    runs = [_read(path) for path in sorted(folder.glob("*/detection.json"))]
    rows = [{column: _shown(value) for column, value in run.items()} for run in runs]
    if len(runs) > 1:
        means = {column: _mean([run[column] for run in runs]) for column in HEADER[2:]}
        rows.append({"run": MEAN, "score": f"of {len(runs)}", **means})
    return rows


def as_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Lays rows out as a Markdown table."""
    return table([[row[name] for name in HEADER] for row in rows], HEADER)


def percent(estimate: Mapping[str, float]) -> str:
    """A share with its interval in percent: `98.3 [97.9, 98.6]`."""
    value, low, high = (100 * estimate[end] for end in ("value", "low", "high"))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"


def _read(path: Path) -> dict[str, Any]:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        alarms, baselines = report["false_alarms"], report["baselines"]
        found = {
            "run": path.parent.name,
            "score": report["scorer"]["name"],
            "AUROC %": report["auroc"],
            "AUPRC %": report["auprc"],
            "PCA": baselines["pca"]["auroc"]["value"] if baselines else None,
            "1-NN": baselines["nearest"]["auroc"]["value"] if baselines else None,
            "false alarms asked": alarms["asked"],
            "realised %": alarms["realised"],
        }
        for value in found.values():
            _shown(value)
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(f"{path} is damaged; make it again with --mode=detect --workdir={path.parent}.") from error
    return found


def _shown(value: Any) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, Mapping):
        return percent(value)
    return value if isinstance(value, str) else f"{100 * value:.1f}"


def _mean(values: Sequence[Any]) -> str:
    known = [value["value"] if isinstance(value, Mapping) else value for value in values if value is not None]
    return _shown(sum(known) / len(known) if known else None)
