"""Exports every row of the contract and writes docs/export.json, of which the table of docs/export.md is made.

python -m tests.exports          # all rows; takes what the extras export and onnx bring
python -m tests.exports dcgan    # some, beside what the file holds of others
"""

import json
import sys
import tempfile
from pathlib import Path

import jax

from gengen.core.refusal import Refusal
from gengen.export.onnx_file import NoOnnxError, load_onnx, write_onnx
from gengen.export.parity import compared, saved
from gengen.export.stablehlo import load_stablehlo, write_stablehlo
from gengen.reports.tables import table
from tests.contract import ROWS
from tests.export.rows_test import offer_of

PATH = Path(__file__).parent.parent / "docs" / "export.json"

LONGEST = 140
"""Characters of a cause that are shown."""

HEADER = ("row of the contract", "StableHLO", "largest difference", "ONNX", "largest difference", "not as ONNX")


def main(names):
    import onnxruntime  # an extra

    jax.config.update("jax_disable_most_optimizations", True)
    onnxruntime.set_default_logger_severity(4)  # it says on standard error what it then raises
    found = json.loads(PATH.read_text()) if PATH.is_file() else {}
    for name in names or ROWS:
        found[name] = row_of(name)
        print(name, found[name], flush=True)
        PATH.write_text(json.dumps({key: found[key] for key in ROWS if key in found}, indent=1) + "\n")


def row_of(name):
    """By functions and formats: the largest relative difference, or why there is none."""
    functions, _, _, variables = offer_of(name, own=False)  # pixels would hide what is less than a grey level
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for function in functions:
            known = saved(function, variables)
            made[function.name] = {
                form: outcome(Path(folder) / form, function, variables, known, *ways) for form, ways in WAYS.items()
            }
    return made


WAYS = {"stablehlo": (write_stablehlo, load_stablehlo, ()), "onnx": (write_onnx, load_onnx, (1, 3))}


def outcome(path, function, variables, known, write, load, sizes):
    try:
        write(path, function, variables)
        return compared(function, known, load(path), sizes, "it").relative
    except (NoOnnxError, Refusal) as error:
        return str(error)


def as_table(found):
    """A line of each row: which functions there are in each format, the largest difference, and what is left out."""
    lines = []
    for name, functions in found.items():
        line = [f"`{name}`"]
        for form in WAYS:
            there = {function: made[form] for function, made in functions.items() if isinstance(made[form], float)}
            line += [", ".join(there), f"{max(there.values()):.1g}" if there else ""]
        why = {function: made["onnx"] for function, made in functions.items() if isinstance(made["onnx"], str)}
        lines.append([*line, "; ".join(f"{function}: {short(said)}" for function, said in why.items())])
    return table(lines, HEADER)


def short(said):
    return "key" if "by a key" in said else said.replace("|", "/")[:LONGEST]


if __name__ == "__main__":
    main(sys.argv[1:])
