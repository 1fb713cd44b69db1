"""A run as files that need no gengen: a folder of its weights, of its functions, and of what is said about them.

Each artefact is loaded again and compared with the model before the folder appears; one that differs makes none appear.
"""

import json
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jax
import numpy as np

from gengen.core.model import offers
from gengen.core.refusal import Refusal
from gengen.core.state import Variables
from gengen.export.functions import Function, Offer
from gengen.export.onnx_file import NoOnnxError, load_onnx, write_onnx
from gengen.export.parity import Saved, compared, saved, tolerance_of
from gengen.export.stablehlo import PLATFORMS, load_stablehlo, write_stablehlo
from gengen.export.weights import check_weights, write_weights
from gengen.files.whole import sweep, whole_folder, write_whole
from gengen.runs.outputs import save_npz
from gengen.runs.run import Run

FORMATS = ("safetensors", "stablehlo", "onnx")
"""What a run is exported as."""

UNITS = ("data", "model")
"""In whose units functions are given and give examples: the data's own, such as pixels, or the model's, in [-1, 1]."""

MANIFEST = "manifest.json"
"""The file that says what an export holds."""

NEEDED = {"safetensors": ("safetensors",), "stablehlo": ("flatbuffers",), "onnx": ("jax2onnx", "onnxruntime")}
"""Packages that a format takes beside those of gengen."""

EXTRA = {"safetensors": "export", "stablehlo": "export", "onnx": "onnx"}
"""The extra of gengen that brings them."""

SIZES = {"stablehlo": (1,), "onnx": (1, 3)}
"""Sizes of further batches in which a format is compared: ONNX may be right in one and wrong in another."""


def export_run(run: Run, folder: Path, formats: Sequence[str], units: str = UNITS[0]) -> dict[str, Any]:
    """Writes a run into a folder that needs no gengen, and compares each artefact with the model.

    Args:
      run: the run.
      folder: to write, whole or not at all; an export that is there is replaced.
      formats: some of `FORMATS`.
      units: one of `UNITS`.

    Returns:
      What `manifest.json` holds.

    Raises:
      Refusal: a format is unknown or takes a package that is not there, the folder holds something else, the model has
        nothing that can be exported so, or an artefact differs from it.
    """
    check_formats(formats, units)
    check_folder(folder)
    own, variables = units == UNITS[0], jax.device_get(run.variables)
    functions = Offer(run.model, run.signature, variables, own=own).functions()
    programs = [name for name in formats if name in SIZES]
    if programs and not functions:
        can = ", ".join(offers(run.model)) or "nothing"
        raise Refusal(f"the model of {run.folder} can {can}, which is not exported; try --format=safetensors.")
    sweep(folder.absolute().parent)
    with whole_folder(folder.absolute(), anew=True) as partial:
        manifest = {**about(run, formats), "units": units, "batch": "b, at least 1"}
        if "safetensors" in formats:
            manifest["safetensors"] = _weights(partial, run, variables, manifest)
        if programs:
            manifest["functions"] = _functions(partial, functions, variables, programs)
        write_whole(partial / MANIFEST, json.dumps(manifest, indent=2))
    return manifest


def check_formats(formats: Sequence[str], units: str) -> None:
    """Checks what an export is asked for.

    Raises:
      Refusal: a format or the units are unknown, or a package is missing; the sentence names the extra that has it.
    """
    if not formats or (unknown := [name for name in formats if name not in FORMATS]):
        given = ",".join(unknown if formats else formats)
        raise Refusal(f"--format={given} is no format; take some of {', '.join(FORMATS)}, with commas between them.")
    if units not in UNITS:
        raise Refusal(f"--units={units} must be {' or '.join(UNITS)}.")
    for name in formats:
        missing = [package for package in NEEDED[name] if find_spec(package) is None]
        if missing:
            raise Refusal(
                f"--format={name} needs {' and '.join(missing)}, which is not installed; install gengen's extra with "
                f'pip install -e ".[{EXTRA[name]}]", or leave {name} out.'
            )


def check_folder(folder: Path) -> None:
    """Checks that an export can be written into a folder.

    Raises:
      Refusal: it is a file, holds something that is no export, or nothing can be written there.
    """
    if folder.exists() and not folder.is_dir():
        raise Refusal(f"--output={folder} is a file; name a folder for the export.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise Refusal(f"{folder} holds something that is no export, which would be lost; name another --output.")
    above = folder.absolute().parent
    while not above.exists():
        above = above.parent
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise Refusal(f"nothing can be written in {above}; choose another --output.")


def about(run: Run, formats: Sequence[str]) -> dict[str, Any]:
    """What is said of a run in each export: where it is from, how far it was trained, of which data."""
    packages = ("jax", *(package for name in formats for package in NEEDED[name]))
    return {
        **run.origin,
        "run": run.folder.absolute().name,
        "data": run.signature.name,
        "data digest": run.signature.digest,
        "example": list(run.signature.shape),
        "classes": list(run.signature.classes),
        "versions": {name: version(name) for name in ("gengen", *dict.fromkeys(packages))},
    }


def _weights(partial: Path, run: Run, variables: Variables, manifest: Mapping[str, Any]) -> dict[str, Any]:
    path = partial / "weights.safetensors"
    more = {"config": run.config.to_json(), "signature": run.signature.to_json()}
    write_weights(path, variables, {**{name: manifest[name] for name in ("run", "step", "data digest")}, **more})
    check_weights(path, variables)
    leaves = jax.tree.leaves(variables)
    numbers = sum(int(np.size(leaf)) for leaf in leaves)
    return {"file": path.name, "arrays": len(leaves), "numbers": numbers, "differences": {"relative": 0.0}}


def _functions(
    partial: Path, functions: Sequence[Function], variables: Variables, programs: Sequence[str]
) -> dict[str, Any]:
    """Writes each function in each format, and what it gives of examples; says how far artefacts are from the model."""
    found, written = dict[str, Any](), set[str]()
    for function in functions:
        known = saved(function, variables)
        names = [one.name for one in (*function.inputs, *function.outputs)]
        save_npz(partial / f"{function.name}.npz", dict(zip(names, (*known.inputs, *known.outputs), strict=True)))
        said: dict[str, Any] = {
            "gives": function.line,
            "inputs": [one.to_json() for one in function.inputs],
            "outputs": [one.to_json() for one in function.outputs],
            "examples": f"{function.name}.npz",
            "tolerance": tolerance_of(function.outputs),
            "files": {name: _file(partial, name, function, variables, known) for name in programs},
        }
        written |= {name for name in programs if "file" in said["files"][name]}
        found |= dict.fromkeys((function.name, *function.also), said)
    if none := [name for name in programs if name not in written]:
        why = "; ".join(f"{name}: {said['files'][none[0]]['left out']}" for name, said in found.items())
        raise Refusal(f"no function of this model can be had as {none[0]} ({why}); leave {none[0]} out of --format.")
    return found


def _file(partial: Path, form: str, function: Function, variables: Variables, known: Saved) -> dict[str, Any]:
    """Writes a function in a format and says how far what is loaded again is from the model, or why it is left out."""
    path = partial / f"{function.name}.{form}"
    write, load = (write_stablehlo, load_stablehlo) if form == "stablehlo" else (write_onnx, load_onnx)
    try:
        write(path, function, variables)
        found = compared(function, known, load(path), SIZES[form], path.name)
    except NoOnnxError as error:
        path.unlink(missing_ok=True)
        return {"left out": str(error)}
    levels = {"levels": found.levels, "share of levels": found.share}
    more = {"platforms": list(PLATFORMS)} if form == "stablehlo" else {}
    whole = any(one.levels for one in function.outputs)
    return {"file": path.name, **more, "differences": {"relative": found.relative, **(levels if whole else {})}}
