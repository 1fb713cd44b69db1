"""Runs between two domains: what is said of one, and rows of all, side by side, for each direction or domain."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gengen.core.refusal import Refusal
from gengen.reports.tables import each_report, table, with_interval
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
"""Sections of an `evaluation.json` of which one without scores of samples has one."""


SETS = {"outputs": "made", "floor": "real", "inputs": "inputs"}
"""What is judged as images of a domain: what a model made, training images in their place, what it was made of."""

ANSWERS = {
    "outputs": "the model",
    "retrieval": "the pair whose input is nearest",
    "fill": "the trivial fill",
}
"""What is compared with targets."""

COLUMNS = {"absolute_error": "absolute error", "psnr": "PSNR in dB", "ssim": "SSIM", "sharpness": "sharpness"}
"""Scores of pairs."""

NAMED = {"outputs": "translations", "real": "held-out images of the target", "inputs": "inputs as they are"}
"""What a classifier of the target names."""


def tells(path: Path) -> bool:
    """Whether an `evaluation.json` is about a run between two domains, and not about samples of a data set."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    first = (report.get("combinations") or [report])[0] if isinstance(report, dict) else {}
    return "scores" not in first and bool(KINDS & first.keys())


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


def sentences(report: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Says in tables and lines how good translations, or samples in pairs, are.

    Args:
      report: what an `evaluation.json` has as "translation"; {} where there is nothing to say.
    """
    told = any("agreement" in found for found in report.values())
    made, column = ("Samples of domain", "domain") if told else ("Translations", "direction")
    sets = [name for name in SETS if any(name in score for found in report.values() for score in _scores(found))]
    if rows := [row for way, found in report.items() for row in _image_rows(way, found, sets)]:
        what = "Samples that were told their domain" if told else "Translations of held-out images"
        yield f"{what}, as images of their domain:\n\n" + table(
            rows, (column, "images", "score [95 % interval]", *(SETS[name] for name in sets), "sees")
        )
    for way, found in report.items():
        if "unfit" in found:
            yield f"{made} {_way(way)} are not judged as images of their domain: {found['unfit']}"
        elif found["images"] < found["meaningful_from"]:
            yield (
                f"Fréchet distance {_way(way)}: {found['images']:,} images are fewer than the "
                f"{found['meaningful_from']:,} from which it means something."
            )
        if cycle := found.get("cycle"):
            yield f"There and back {_way(way)}: mean absolute error of a pixel in [0, 1] {with_interval(cycle)}."
    if rows := [row for way, found in report.items() for row in _pair_rows(way, found)]:
        yield "Answers against their targets (sharpness: Laplacian energy as a part of the targets'):\n\n" + table(
            rows, ("direction", "answer", *COLUMNS.values())
        )
    if rows := [_survival_row(way, found["survival"]) for way, found in report.items() if found.get("survival")]:
        yield "Labels that a classifier of the target's domain names right:\n\n" + table(
            rows, ("direction", *NAMED.values(), "classifier")
        )
    for agreed in [found["agreement"] for found in report.values() if found.get("agreement")][:1]:
        yield (
            f"Both halves of a pair are of one class, by the classifier of each domain: "
            f"{with_interval(agreed['pairs'])} of the pairs; halves of different pairs "
            f"{with_interval(agreed['by_chance'])}."
        )


def _read(path: Path) -> list[dict[str, str]]:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        return [row for name, each in each_report(path.parent.name, report) for row in _rows(path.parent, name, each)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refusal(f"{path} is damaged; judge that run again with --mode=evaluate.") from error


def _rows(folder: Path, name: str, report: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    entries = [entry for entry in read_lines(folder / "metrics.jsonl") if entry["step"] <= report["step"]]
    recognition = report.get("recognition")
    told = {way for way, found in report.get("translation", {}).items() if "agreement" in found}
    for way, found in (report.get("translation") or {"": {}}).items():
        # What a model recognises are images of domain b, or of the only one.
        at_last = recognition if way in ("", "b", "ab") else None
        whole = {**found, "recognition": at_last, "best": _best(found.get("pairs", {}))}
        yield {
            "run": name,
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


def _scores(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(found.get("scores", {}).values())


def _image_rows(way: str, found: Mapping[str, Any], sets: Sequence[str]) -> Iterator[list[str]]:
    for name, score in found.get("scores", {}).items():
        shown = [with_interval(score[kind]) if kind in score else "" for kind in sets]
        title = name.replace("_", " ").replace("frechet", "Fréchet")
        yield [_way(way), f"{found['images']:,}", title, *shown, found["extractor"]["title"]]


def _pair_rows(way: str, found: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, scores in found.get("pairs", {}).items():
        cells = [with_interval(scores[column]) if column in scores else "" for column in COLUMNS]
        yield [_way(way), ANSWERS[name], *cells]


def _survival_row(way: str, found: Mapping[str, Any]) -> list[str]:
    return [
        _way(way),
        *(with_interval(found[name]) if name in found else "" for name in NAMED),
        found["classifier"],
    ]


def _way(name: str) -> str:
    """A direction or a domain, in words."""
    return " to ".join(name)
