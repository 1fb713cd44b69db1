"""Runs between two domains, side by side: a row for each direction of a translation, or each domain of pairs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gengen.core.refusal import Refusal
from gengen.reports.tables import table, with_interval
from gengen.training.writer import read_lines

ESTIMATES = {
    "L1": ("pairs", "outputs", "absolute_error"),
    "PSNR": ("pairs", "outputs", "psnr"),
    "SSIM": ("pairs", "outputs", "ssim"),
    "sharpness": ("pairs", "outputs", "sharpness"),
    "PSNR of the best trivial answer": ("best",),
    "Fréchet distance": ("scores", "frechet_distance", "outputs"),
    "of real images": ("scores", "frechet_distance", "floor"),
    "cycle error": ("cycle",),
    "labels that survive": ("survival", "outputs"),
    "real images named right": ("survival", "real"),
    "pairs of one class": ("agreement", "pairs"),
    "recognised": ("recognition", "accuracy"),
}
"""Columns of numbers, and where a report holds their estimates. Best stands for the trivial answer of the highest PSNR;
recognised is the share of held-out images of the last domain that the model's own classifier names right."""

HEADER = ("run", "direction", *ESTIMATES, "images", "steps", "minutes")

NOT_MEASURED = "not measured"
KINDS = {"translation", "recognition"}
"""Sections of an `evaluation.json` that tell it from one about samples."""


def tells(path: Path) -> bool:
    """Whether an `evaluation.json` is about a run between two domains, and not about samples of a data set."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(report, dict) and bool(KINDS & report.keys())


def translations(folder: Path) -> list[dict[str, str]]:
    """Reads what runs between two domains directly below a folder have reached.

    Args:
      folder: where the run folders lie.

    Returns:
      One row for each run and direction or domain, every number as it is shown, with the 95 % interval over images.

    Raises:
      Refusal: a file is damaged.
    """
    return [row for path in sorted(folder.glob("*/evaluation.json")) if tells(path) for row in _read(path)]


def as_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Lays rows out as a Markdown table; columns in which nothing stands are left out."""
    shown = [column for column in HEADER if any(row[column] for row in rows)]
    return table([[row[column] for column in shown] for row in rows], tuple(shown))


def _read(path: Path) -> list[dict[str, str]]:
    try:
        return list(_rows(path.parent, json.loads(path.read_text(encoding="utf-8"))))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refusal(f"{path} is damaged; judge that run again with --mode=evaluate.") from error


def _rows(folder: Path, report: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    entries = [entry for entry in read_lines(folder / "metrics.jsonl") if entry["step"] <= report["step"]]
    recognition = report.get("recognition")
    told = {name for name, found in report.get("translation", {}).items() if "agreement" in found}
    for way, found in (report.get("translation") or {"": {}}).items():
        # What a model recognises are images of domain b, or of the only one.
        at_last = recognition if way in ("", "b", "ab") else None
        whole = {**found, "recognition": at_last, "best": _best(found.get("pairs", {}))}
        yield {
            "run": folder.name,
            "direction": f"pairs, {way}" if way in told else " to ".join(way),
            **{column: _shown(whole, index) for column, index in ESTIMATES.items()},
            "images": f"{found.get('images') or (recognition or {})['images']:,}",
            "steps": f"{report['step']:,}",
            "minutes": f"{entries[-1]['seconds'] / 60:.1f}" if entries else NOT_MEASURED,
        }


def _best(pairs: Mapping[str, Any]) -> Mapping[str, float] | None:
    """The PSNR of the trivial answer that has the highest."""
    trivial = [scores["psnr"] for name, scores in pairs.items() if name != "outputs"]
    return max(trivial, key=lambda estimate: float(estimate["value"]), default=None)


def _shown(report: Any, index: Sequence[str]) -> str:
    for step in index:
        report = (report or {}).get(step)
    return with_interval(report) if report else ""
