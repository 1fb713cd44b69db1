"""`--mode=compare`: what the runs below a folder have reached, side by side."""

import itertools
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gengen.build.sweep import combinations_of, with_numbers
from gengen.core.refusal import Refusal
from gengen.files.whole import write_whole
from gengen.reports import adaptations, detections, translations
from gengen.reports.tables import each_report, table, with_interval
from gengen.runs.folder import read_folder
from gengen.runs.outputs import output_files
from gengen.training.writer import read_lines

DISTANCE = "frechet_distance"
"""The score that stands in the table with its floor."""

NOT_MEASURED = "not measured"

HEADER = (
    "run",
    "seeds",
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


LATENTS = {
    "bits per dimension": ("likelihood", "bits_per_dimension"),
    "bound of nats": ("likelihood", "nats"),
    "linear probe": ("representation", "linear", "accuracy"),
    "nearest neighbour": ("representation", "nearest", "accuracy"),
    "clusters": ("representation", "clusters", "accuracy"),
    "wrong codes": ("codes", "error"),
    "continuity": ("regularity", "continuity"),
    "completeness": ("regularity", "completeness"),
}
"""Columns of the second table, of models with codes, and where a report holds their estimates."""


def main(folder: Path, *, output: Path | None) -> Path:
    """Prints a table of all runs directly below a folder that were judged, and writes the same as JSON.

    Runs whose configs differ in `training.seed` alone, and that were judged alike, are one row, which has the number of
    their seeds and the common part of their names. What stands in brackets differs: for one seed, the 95 % interval of
    its score, which tells how much the score would change with other samples of the same run; for several, the smallest
    and the largest score of any seed beside their mean, which tells how much it changes from training to training.
    Minutes are means.

    Of a run that trained a sweep, each combination is a row, as the run of its numbers would be.

    Runs between two domains, adaptations and detections are tables of their own. The first kind that there is, in the
    order of `KINDS`, is written to `output`; others are written beside the runs, as `translations.json` and so on.

    Args:
      folder: where the run folders lie.
      output: the .json to write; named after the kind, in the folder, by default.

    Returns:
      The path of the JSON of the first kind.

    Raises:
      Refusal: no run there was judged, adapted or has detected anomalies, or its file is damaged.
    """
    judged = [path for path in sorted(folder.glob("*/evaluation.json")) if not translations.tells(path)]
    runs = [run for path in judged for run in _read(path)]
    found = {
        "comparison": [_row(group) for group in _groups(runs)],
        "translations": translations.translations(folder),
        "adaptations": adaptations.adaptations(folder),
        "detections": detections.detections(folder),
    }
    kept = [kind for kind in KINDS if found[kind]]
    if not kept:
        raise Refusal(f"no run below {folder} was judged; do so with --mode=evaluate --workdir={folder}/NAME.")
    paths: list[Path] = []
    for line in _incomparable(runs):
        print(f"gengen: {line}", file=sys.stderr)
    for kind in kept:
        paths += output_files(None if paths else output, folder / f"{kind}.json", ".json")
        print("".join(f"{shown}\n\n" for lay in KINDS[kind] if (shown := lay(found[kind]))), end="")
        write_whole(paths[-1], json.dumps(found[kind], indent=2) + "\n")
    return paths[0]


def as_table(rows: Sequence[dict[str, Any]]) -> str:
    """Lays out what `main` wrote as a Markdown table."""
    return table([[row[name] for name in HEADER] for row in rows], HEADER)


def as_table_of_latents(rows: Sequence[dict[str, Any]]) -> str:
    """Lays out what codes and likelihoods of the runs are worth, as a Markdown table; "" if no run has any."""
    columns = [column for column in LATENTS if any(row.get(column) for row in rows)]
    chosen = [row for row in rows if any(row.get(column) for column in columns)]
    lines = [[row["run"], row["seeds"], *(row.get(column, "") for column in columns)] for row in chosen]
    return table(lines, ("run", "seeds", *columns)) if columns else ""


KINDS: dict[str, tuple[Callable[..., str], ...]] = {
    "comparison": (as_table, as_table_of_latents),
    "translations": (translations.as_table,),
    "adaptations": (adaptations.as_table,),
    "detections": (detections.as_table,),
}
"""Kinds of rows, and the tables that show each."""


def _incomparable(runs: "Sequence[_Judged]") -> Iterator[str]:
    """Says which data were judged by different features, whose scores do not compare."""
    seen: dict[str, set[str]] = {}
    for run in runs:
        seen.setdefault(run.digest, set()).add(run.circumstances["features"])
    for features in seen.values():
        if len(features) > 1:
            yield (
                f"runs on the same data were judged by {', '.join(sorted(features))}: scores compare within one of "
                f"these alone (two classifiers of one recipe moved a Fréchet distance by up to a third on the digits)"
            )


class _Judged(NamedTuple):
    """What one run reached.

    Attributes:
      name: of its folder, and of the combination of a sweep.
      seeds: how many were trained together, and judged.
      seed: of its training; None where the folder has no config.
      config: the rest of its config, as text.
      estimates: columns with numbers: value, low and high.
      circumstances: columns with words, in which runs of one row are the same.
      digest: of the data.
      minutes: of its training; None where they were not measured.
    """

    name: str
    seeds: int
    seed: int | None
    config: str
    estimates: dict[str, dict[str, float]]
    circumstances: dict[str, str]
    digest: str
    minutes: float | None


def _read(path: Path) -> list[_Judged]:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        return [_judged(path.parent, name, each) for name, each in each_report(path.parent.name, report)]
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(f"{path} is damaged or lacks scores; judge that run again with --mode=evaluate.") from error


def _judged(folder: Path, name: str, report: Mapping[str, Any]) -> _Judged:
    """What a run has reached, or a combination of its sweep, whose share of its time it is given."""
    scores = report["scores"]
    least = scores[DISTANCE if DISTANCE in scores else "copied"]  # of few examples, distances are left out
    entries = [entry for entry in read_lines(folder / "metrics.jsonl") if entry["step"] <= report["step"]]
    there = (folder / "config.json").exists()
    config = _config(folder, report) if there else {}
    share = 1 / len(combinations_of(read_folder(folder)[0])) if there and "combination" in report else 1
    found = {
        **({"Fréchet distance": least["samples"], "of real images": least["floor"]} if DISTANCE in scores else {}),
        **{name: scores[name]["samples"] for name in ("precision", "recall") if name in scores},
        **_of_latents(report),
    }
    return _Judged(
        name=name,
        seeds=len(report.get("seeds", [0])),
        seed=config.get("training", {}).pop("seed", None),
        config=json.dumps(config, sort_keys=True),
        estimates={name: _among_members(estimate) for name, estimate in found.items()},
        circumstances={
            "features": f"{least['extractor']['name']} {least['extractor']['digest'][:6]}".strip(),
            "samples": " / ".join(f"{size:,}" for size in least["sizes"].values()),
            "weights": f"{report['weights']}, {report['checkpoint']}",
            "steps": f"{report['step']:,}",
        },
        digest=report["data_digest"],
        minutes=share * entries[-1]["seconds"] / 60 if entries else None,
    )


def _config(folder: Path, report: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a run, or the one that a combination of its sweep would have as a run of its own."""
    config: dict[str, Any] = with_numbers(read_folder(folder)[0], report.get("numbers", {})).to_dict()
    config.pop("sweep", None)  # older versions had no such key
    return config


def _among_members(estimate: dict[str, Any]) -> dict[str, float]:
    """An estimate as it is; of several seeds that were trained together the mean, and the least and greatest of any."""
    if "members" not in estimate:
        return estimate
    return {"value": estimate["value"], "low": min(estimate["members"]), "high": max(estimate["members"])}


def _of_latents(report: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """The estimates of `LATENTS` that a report holds; of several bounds the tightest, of several codes the first."""
    found = {}
    for column, (section, *path) in LATENTS.items():
        entry = report.get(section) or {}
        if section == "likelihood" and entry:
            entry = entry[max(entry, key=int)]
        elif section == "codes" and entry:
            entry = next(iter(entry.values()))
        for step in path:
            entry = entry.get(step, {})
        if entry:
            found[column] = entry
    if "bits per dimension" in found:  # the same in another unit
        del found["bound of nats"]
    return found


def _groups(runs: Sequence[_Judged]) -> list[list[_Judged]]:
    """Puts runs together that differ in their seed alone; a second run of the same seed says nothing new."""
    groups: dict[tuple[Any, ...], list[_Judged]] = {}
    for run in runs:
        same = (run.config, run.digest, *run.circumstances.items())
        twin = run.seed is None or run.seed in [other.seed for other in groups.get(same, [])]
        groups.setdefault((*same, run.name) if twin else same, []).append(run)
    return list(groups.values())


def _row(runs: Sequence[_Judged]) -> dict[str, Any]:
    """One row, every number as it is shown."""
    minutes = [run.minutes for run in runs if run.minutes is not None]
    columns = [column for column in runs[0].estimates if all(column in run.estimates for run in runs)]
    return dict.fromkeys(HEADER, NOT_MEASURED) | {
        "run": common_name([run.name for run in runs]),
        "seeds": str(sum(run.seeds for run in runs)),
        **{column: with_interval(_over_seeds([run.estimates[column] for run in runs])) for column in columns},
        **runs[0].circumstances,
        "minutes": f"{sum(minutes) / len(minutes):.1f}" if minutes else NOT_MEASURED,
    }


def _over_seeds(estimates: Sequence[dict[str, float]]) -> dict[str, float]:
    """One estimate, or the same one several times, as it is; of others the mean, the smallest and the largest value."""
    if all(estimate == estimates[0] for estimate in estimates):
        return estimates[0]
    values = [estimate["value"] for estimate in estimates]
    return {"value": sum(values) / len(values), "low": min(values), "high": max(values)}


def common_name(names: Sequence[str]) -> str:
    """What names of runs have in common, without what tells seeds apart: gan-0 and gan-1, or gan-s10 and gan-s11."""
    if len(names) == 1:
        return names[0]
    letters = zip(*(name.rstrip("0123456789") for name in names), strict=False)
    common = "".join(letter for letter, *_ in itertools.takewhile(lambda column: len(set(column)) == 1, letters))
    return re.sub(r"([-_]+(seed|s)?)+$", "", common) or names[0]
