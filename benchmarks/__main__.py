"""Measures training steps of gengen and of plain loops in PyTorch in turn, and prints how they compare.

python -m benchmarks --peer-python=path/to/python/with/torch
"""

import argparse
import datetime
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.cases import CASES
from benchmarks.machine import cores, description, version_of
from benchmarks.report import as_table, heading
from benchmarks.rounds import contenders, measure


def parser() -> argparse.ArgumentParser:
    """The flags of the command."""
    found = argparse.ArgumentParser("python -m benchmarks", description=__doc__, allow_abbrev=False)
    found.add_argument("--peer-python", help="an interpreter that has PyTorch and NumPy; without it, no peers")
    found.add_argument(
        "--against", type=Path, help="the folder of another checkout of gengen, measured in float32, too"
    )
    found.add_argument("--only", default=",".join(CASES), help=f"steps, by comma: {', '.join(CASES)}")
    found.add_argument("--threads", default="2,1", help="numbers of threads, by comma")
    found.add_argument("--rounds", type=int, default=5, help="turns of each contender")
    found.add_argument("--seconds", type=float, default=3.0, help="least length of a turn")
    found.add_argument(
        "--dispatch", type=int, default=0, help="steps in one dispatch of gengen; 0: as its config has it"
    )
    found.add_argument("--compile", action="store_true", help="measure PyTorch with torch.compile, too")
    found.add_argument("--output", type=Path, default=Path("benchmarks.json"), help="the .json to write")
    return found


def main(arguments: Sequence[str]) -> None:
    """Measures, prints the table as it grows, and writes all that was measured as JSON after each step.

    Args:
      arguments: the flags.
    """
    flags = _checked(parser(), arguments)
    against = flags.against and flags.against.resolve()
    who = contenders(flags.peer_python, against, compiled=flags.compile, dispatch=flags.dispatch)
    report: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "machine": description(),
        "versions": {one.library: version_of(one.checkout) for one in who if one.checkout},
        "rounds": flags.rounds,
        "seconds": flags.seconds,
        "dispatch": flags.dispatch,
        "measured": [],
    }
    for name in flags.only:
        for threads in flags.threads:
            print(f"benchmarks: {CASES[name].title}, {threads} thread{'s' * (threads > 1)}", file=sys.stderr)
            found = measure(name, who, threads=threads, rounds=flags.rounds, seconds=flags.seconds)
            for contender in found.values():
                report["versions"] |= contender.pop("versions")
            entry = {"case": name, "title": CASES[name].title, "threads": threads, "contenders": found}
            report["measured"].append(entry)
            flags.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"{heading(report)}\n\n{as_table(report)}\n\n{flags.output}")


def _checked(flags: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """The values of the flags; whatever is wrong with them ends the command with a sentence."""
    values = flags.parse_args(arguments)
    values.only = values.only.split(",")
    if unknown := set(values.only) - set(CASES):
        flags.error(f"--only names no step {', '.join(sorted(unknown))}; choose from {', '.join(CASES)}")
    if not all(text.isdigit() and int(text) for text in values.threads.split(",")):
        flags.error(f"--threads={values.threads} must be numbers of at least 1, by comma")
    values.threads = [int(text) for text in values.threads.split(",")]
    if max(values.threads) > len(cores()):
        flags.error(f"--threads={max(values.threads)} needs as many cores, and this process may use {len(cores())}")
    if values.rounds < 1 or values.dispatch < 0 or not 0 <= values.seconds < float("inf"):
        flags.error("--rounds must be at least 1, --dispatch and --seconds at least 0")
    if values.against and not (values.against / "gengen").is_dir():
        flags.error(f"--against={values.against} has no folder gengen")
    if values.peer_python and not Path(values.peer_python).is_file():
        flags.error(f"--peer-python={values.peer_python} is no file")
    return values


if __name__ == "__main__":
    main(sys.argv[1:])
