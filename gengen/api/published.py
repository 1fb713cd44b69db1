"""What of a run goes to others: the files that it needs, and its card."""

import json
from collections.abc import Sequence
from typing import Any

from gengen.reports.cards import PICTURES, card
from gengen.runs.folder import WEIGHTS
from gengen.runs.run import Run

CARD = "README.md"
"""The card, where hubs look for it."""

KEPT = ("config.json", "data.json", "versions.json", "evaluation.json", "metrics.jsonl", "cures.json", CARD, WEIGHTS)
"""Files of a run folder that go, where they are there, beside pictures and a checkpoint."""


PLACES = ("data_dir", "manual_dir")
"""Keys of the sections of data that say where it lies."""


def card_of(run: Run) -> str:
    """The card of a run, by what its folder holds."""
    files = [path.name for path in run.folder.iterdir() if path.is_file()]
    report = _read(run, "evaluation.json") if "evaluation.json" in files else None
    if report and ("combinations" in report or report.get("step") != run.step):
        report = None  # of several members, or of another step than what is published
    versions = _read(run, "versions.json") if "versions.json" in files else {}
    config, signature = run.config.to_dict(), run.signature.to_json()
    return card(run.folder.absolute().name, config, signature, run.origin, report, files, versions)


def published(run: Run) -> list[str]:
    """The paths of the files of a run that go, below its folder, with "/" between folders."""
    names = [name for name in (*KEPT, *PICTURES) if (run.folder / name).is_file()]
    checkpoint = run.folder / ("best" if run.origin["checkpoint"] == "best" else "checkpoints") / str(run.step)
    inside = [path.relative_to(run.folder).as_posix() for path in sorted(checkpoint.rglob("*")) if path.is_file()]
    return [*names, *inside]


def without_places(run: Run, files: Sequence[str]) -> dict[str, str]:
    """Texts of those files that say where things lie on this machine, without that."""
    texts = {}
    config = _read(run, "config.json")
    for section in (config["data"], config["data"].get("second") or {}):
        section.update({key: None for key in PLACES if key in section})
    texts["config.json"] = json.dumps(config, indent=2)
    if "evaluation.json" in files:
        texts["evaluation.json"] = json.dumps(
            {**_read(run, "evaluation.json"), "run": run.folder.absolute().name}, indent=2
        )
    return texts


def _read(run: Run, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run.folder / name).read_text(encoding="utf-8"))
    return found
