"""`--mode=benchmark --all`: every experiment measured, each in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gengen.cli.experiments import experiments, read_config
from gengen.core.refusal import Refusal
from gengen.files.whole import write_whole
from gengen.reports.benchmarks import LEAST, shown_together, unexplained

PACKAGE = Path(__file__).parent.parent
"""Of gengen."""

PATIENCE = 600.0
"""Seconds after which an experiment is given up."""


def measure_all(configs: Path, asked: str, output: Path, seconds: int | None) -> Path:
    """Measures experiments, each in a process of its own: memory is counted by process, and one may fail.

    Prints a line for each as it ends and a table at last, and writes the table beside `output`, as Markdown. Both files
    are whole after each experiment, so that what was measured stays where the rest is interrupted.

    Args:
      configs: the folder of experiments.
      asked: names with commas between them, NAME or NAME:VARIANT; "" for all, without variants.
      output: the JSON file to write.
      seconds: for how long the steps of each are measured; None for what a benchmark takes by default.

    Returns:
      The path of that file.

    Raises:
      Refusal: there is no experiment of a name, or none could be measured.
    """
    names = list(dict.fromkeys(filter(None, asked.split(",")))) or [each.name for each in experiments(configs)]
    for name in names:
        read_config(configs, name)
    output.parent.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # which ends the child, too
    found: dict[str, dict[str, Any] | str] = {}
    for name in names:
        found[name] = _measured(configs, name, () if seconds is None else (f"--seconds={seconds}",))
        print(f"{name}: {_line(found[name])}", flush=True)
        write_whole(output, json.dumps({"jax": version("jax"), "experiments": found}, indent=2))
        write_whole(output.with_suffix(".md"), f"{shown_together(found)}\n")
    print(f"\n{shown_together(found)}\n")
    if all(isinstance(each, str) for each in found.values()):
        raise Refusal(f"no experiment could be measured; {names[0]} said: {found[names[0]]}")
    if below := unexplained(found):
        print(f"Below {LEAST:.0%} of the floor, and nobody knows why: {', '.join(below)}.")
    return output


def _measured(configs: Path, name: str, flags: Sequence[str]) -> dict[str, Any] | str:
    """What a benchmark of an experiment finds, or the last line of what it says where it fails."""
    file, _, variant = name.partition(":")
    config = ":".join(filter(None, (str(configs / f"{Path(file).stem}.py"), variant)))
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "benchmark.json"
        command = [sys.executable, "-m", "gengen", f"--config={config}", "--mode=benchmark", f"--output={output}"]
        above = os.pathsep.join(filter(None, (str(PACKAGE.parent), os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": above}  # a clone need not be installed
        told = [*command, *flags]
        try:
            done = subprocess.run(told, capture_output=True, text=True, env=environment, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            return f"it did not end within {PATIENCE:.0f} s"
        if done.returncode:
            return (done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"])[-1]
        found: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
        return found


def _line(found: dict[str, Any] | str) -> str:
    if isinstance(found, str):
        return found
    fastest = f"the fastest, {1e3 * found['fastest_seconds_per_step']:.3g} ms, is at {found['share_of_floor']:.0%}"
    return f"{1e3 * found['seconds_per_step']:.3g} ms a step; {fastest} of the floor"
