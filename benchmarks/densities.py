"""Trains flows on points whose density is known, with several seeds, and says how far their densities are from it.

    python -m benchmarks.densities --workdir=runs/densities
    python -m benchmarks.densities --workdir=runs/densities --only=maf:ring --seeds=2

KL(truth || model) is the mean of log p_true - log p_model over 20,000 points that no model has seen. Rows that the
.json has already stay as they are, and a run that was interrupted goes on. Flags that begin with --config. are handed
to each training.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.asked import asked
from benchmarks.rounds import ROOT
from gengen.reports.tables import number, table, with_interval
from gengen.training.writer import read_lines

ENTRIES = tuple(f"{name}:{on}" for on in ("ring", "moons", "swiss_roll") for name in ("realnvp", "maf", "spline_flow"))

JUDGED = 2_000
"""Samples that `evaluate` looks at beside the densities, of which nothing is said here."""

HEADER = ("what", "seeds", "steps", "KL(truth, model), nats", "seconds of a seed")


def row_of(experiment: str, folder: Path, seeds: int, settings: Sequence[str]) -> dict[str, Any]:
    """Trains and judges an experiment.

    Args:
      experiment: of `ENTRIES`.
      folder: of the run.
      seeds: that are trained together.
      settings: more flags of the training.

    Returns:
      The numbers of seeds and of steps, the divergence in nats over seeds, and the seconds of all of them together.

    Raises:
      subprocess.CalledProcessError: it failed; what was said stands on standard error.
    """
    name, _, variant = experiment.partition(":")
    launch = [sys.executable, str(ROOT / "launch.py"), f"--workdir={folder}"]
    config = f"--config={ROOT / 'configs' / name}.py:{variant}"
    own = [f"--config.training.seeds={seeds}", "--config.evaluation.every=0"]
    subprocess.run([*launch, config, *own, *settings], check=True)
    report = folder / "densities.json"
    subprocess.run([*launch, "--mode=evaluate", f"--num={JUDGED}", f"--output={report}"], check=True)
    lines = read_lines(folder / "metrics.jsonl")
    return {
        "seeds": seeds,
        "steps": lines[-1]["step"],
        "nats": json.loads(report.read_text(encoding="utf-8"))["divergence"]["nats"],
        "seconds": max(line.get("seconds", 0.0) for line in lines),
    }


def as_table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Lays rows out as a Markdown table, in the order of `ENTRIES`."""
    lines = []
    for name, row in ((name, rows[name]) for name in ENTRIES if name in rows):
        seconds = number(row["seconds"] / row["seeds"])
        lines.append([name, row["seeds"], f"{row['steps']:,}", with_interval(row["nats"]), seconds])
    return table(lines, HEADER)


def parser() -> argparse.ArgumentParser:
    """The flags of the command."""
    found = argparse.ArgumentParser("python -m benchmarks.densities", description=__doc__, allow_abbrev=False)
    found.add_argument("--workdir", type=Path, default=Path("runs/densities"), help="the folder of all run folders")
    found.add_argument("--only", default=",".join(ENTRIES), help=f"rows, by comma: {', '.join(ENTRIES)}")
    found.add_argument("--seeds", type=int, default=3, help="trained in each run")
    found.add_argument("--output", type=Path, help="the .json to write; densities.json in the folder by default")
    return found


def main(arguments: Sequence[str]) -> int:
    """Trains and judges what is missing, prints the table and writes it as JSON; returns the exit status.

    Args:
      arguments: the flags.
    """
    flags, names, settings = asked(parser(), arguments, ENTRIES, "row", least=2)
    output = flags.output or flags.workdir / "densities.json"
    rows = json.loads(output.read_text(encoding="utf-8")) if output.exists() else {}
    for name in (name for name in names if name not in rows):
        rows[name] = row_of(name, flags.workdir.resolve() / name.replace(":", "_"), flags.seeds, settings)
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    print(as_table(rows))
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
