"""Runs that detect anomalies: what is said of one, and all side by side, one for each class that was normal."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gengen.core.nouns import NOUNS
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


def table_of(title: str, report: Mapping[str, Any]) -> str:
    """Lays out how well anomalies are told, beside the baselines and by class."""
    rows = [[title, percent(report["auroc"]), percent(report["auprc"])]]
    others = [*report.get("beside", {}).values(), *report["baselines"].values()]
    rows += [[entry["title"], percent(entry["auroc"]), percent(entry["auprc"])] for entry in others]
    classes = [
        [name, f"{entry['images']:,}", percent(entry["auroc"]), percent(entry["caught"])]
        for name, entry in report["classes"].items()
    ]
    return "\n\n".join(
        (
            table(rows, ("score [95 % interval]", "AUROC %", "AUPRC %")),
            table(classes, ("anomalies of class", "images", "AUROC %", "caught %")),
        )
    )


def sentences(report: Mapping[str, Any]) -> Iterator[str]:
    """Says what was found, from a `detection.json`."""
    many = NOUNS[report.get("kind", "picture")][1]
    alarms, sizes = report["false_alarms"], report["sizes"]
    which = f" of {', '.join(report['normal_classes'])}" if report["normal_classes"] else ""
    yield (
        f"Threshold {report['threshold']:.4g}: number {alarms['rank']:,} from above of the scores of "
        f"{sizes['calibration']:,} training {many}{which} that were set aside, for {100 * alarms['asked']:g} % of "
        f"false alarms."
    )
    low, high = alarms["plausible"]
    agrees = "which agrees with" if alarms["consistent"] else "which does NOT agree with"
    yield (
        f"False alarms: {percent(alarms['realised'])} % of {sizes['normal']:,} normal test {many}, {alarms['count']:,} "
        f"in all, {agrees} the {low:,} to {high:,} that such a threshold gives in 95 % of cases."
    )
    expected = alarms["expected"]
    yield (
        f"By the choice of the {many} that were set aside alone, its rate lies between {100 * expected['low']:.1f} and "
        f"{100 * expected['high']:.1f} %."
    )
    if not alarms["consistent"]:
        yield f"Test {many} are not like the {many} that were set aside, and its rate is not to be relied on."
    if report["caught"]:
        yield f"Caught: {percent(report['caught'])} % of {sizes['anomalous']:,} anomalies."
        share = sizes["anomalous"] / (sizes["anomalous"] + sizes["normal"])
        yield f"Scores that say nothing have an AUROC of 50 % and here an AUPRC of {100 * share:.1f} %."
    else:
        yield "No anomalies are known, as the run was not restricted to classes: how many it would find is not known."
    if report["scorer"]["heat"]:
        yield f"The heat map is the {report['scorer']['heat']}."


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
