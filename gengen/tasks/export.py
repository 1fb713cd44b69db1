"""`--mode=export`: a run as files that need no gengen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gengen.export.exporting import FORMATS, MANIFEST, UNITS, export_run
from gengen.reports.tables import number, table
from gengen.runs.run import Run

DEFAULT = ",".join(FORMATS[:2])
"""Formats that are written where none is named: those that lose nothing."""


def main(run: Run, *, output: Path | None, format: str | None, units: str | None) -> Path:
    """Writes a run's weights and its functions as files that need no gengen, each compared with the model.

    Args:
      run: the run.
      output: the folder to write; `export` in the run folder by default.
      format: some of safetensors, stablehlo and onnx, with commas between them; the first two by default.
      units: "data" for examples in the data's own units, such as pixels, which is the default; "model" for float32 in
        the model's.

    Returns:
      The path of the manifest.

    Raises:
      Refusal: an artefact differs from the model, or cannot be had.
    """
    formats = [name.strip() for name in (DEFAULT if format is None else format).split(",")]
    folder = output or run.folder / "export"
    manifest = export_run(run, folder, list(dict.fromkeys(formats)), UNITS[0] if units is None else units)
    print("\n".join(report(manifest)))
    return folder / MANIFEST


def report(manifest: Mapping[str, Any]) -> list[str]:
    """What an export holds, line by line: each artefact, and how far it is from the model at most."""
    rows = []
    if "safetensors" in manifest:
        weights = manifest["safetensors"]
        rows.append([weights["file"], f"{weights['numbers']:,} numbers in {weights['arrays']} arrays", "none"])
    for name, function in manifest.get("functions", {}).items():
        given, made = (", ".join(one["name"] for one in function[side]) for side in ("inputs", "outputs"))
        for form, file in function["files"].items():
            if "file" not in file:
                rows.append([f"{name} as {form}", file["left out"], ""])
            elif file["file"].startswith(f"{name}."):
                rows.append([file["file"], f"{given} -> {made}", _apart(file["differences"])])
    return [table(rows, ("file", "what", "largest difference"))]


def _apart(differences: Mapping[str, float]) -> str:
    if "levels" not in differences:
        return number(differences["relative"]) if differences["relative"] else "none"
    share = differences["share of levels"]
    return f"{differences['levels']} level, in {share:.2%} of the numbers" if share else "none"
