"""Trains GANs on data whose modes are known, with several seeds, and says how many of them they hit, and how evenly.

    python -m benchmarks.modes --workdir=runs/modes
    python -m benchmarks.modes --workdir=runs/modes --only=r3gan:ring --seeds=2

Mixtures are judged by 2,500 samples, stacked digits by 26,000, as by Lin et al. 2018, https://arxiv.org/abs/1712.04086.
Rows that the .json has already stay as they are, and a run that was interrupted goes on. Flags that begin with
--config. are handed to each training.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.asked import asked
from benchmarks.rounds import ROOT
from gengen.diagnosis.course import diagnosed
from gengen.evaluation.judging import Judge
from gengen.inference.sampling import sampler
from gengen.metrics.interval import of_blocks
from gengen.reports.tables import number, table, with_interval
from gengen.runs.run import open_run
from gengen.training.writer import read_lines

SCORES = {
    "modes_hit": "modes hit",
    "high_quality": "of high quality",
    "mode_divergence": "divergence of modes",
    "recall": "recall",
    "coverage": "coverage",
}
"""The scores of a row that it may have, and what they are called."""

SEED = 0
"""Of the latents."""

OF_STACKS = ("modes_hit", "mode_divergence")
"""The scores of stacks; others compare all samples with all training examples, which takes longer than the training."""

HEADER = ("what", "seeds", "steps", *SCORES.values(), "it is called", "minutes")


class Entry(NamedTuple):
    """What is trained.

    Attributes:
      experiment: its name, such as "gan:ring".
      num: samples that are judged.
      scores: by which, names of `SCORES`.
      settings: what is changed of the experiment, by the keys of its config.
    """

    experiment: str
    num: int
    scores: Sequence[str]
    settings: Mapping[str, Any]

    def train(self, folder: Path, seeds: int, manual_dir: Path | None, settings: Sequence[str]) -> None:
        """Trains it in a folder.

        Args:
          folder: of the run.
          seeds: that are trained together.
          manual_dir: where the files of MNIST lie; None to fetch them.
          settings: more flags of the training.

        Raises:
          subprocess.CalledProcessError: it failed; what was said stands on standard error.
        """
        name, _, variant = self.experiment.partition(":")
        own = {"training.seeds": seeds, "evaluation.every": 0, **self.settings}
        if manual_dir and own.get("data.name") == "stacked_mnist":
            own["data.manual_dir"] = manual_dir
        flags = [f"--config.{key}={value}" for key, value in own.items()]
        config = f"--config={ROOT / 'configs' / name}.py:{variant}"
        command = [sys.executable, str(ROOT / "launch.py"), config, f"--workdir={folder}", *flags, *settings]
        subprocess.run(command, check=True)

    def judged(self, folder: Path) -> dict[str, dict[str, float]]:
        """The scores of the run of a folder by their names: of several seeds the mean, its deviation and interval."""
        run = open_run(folder)
        data, draw = run.data(), sampler(run.model, run.signature.units)
        judge = Judge(data, run.settings, num=self.num, scores=self.scores)
        each = [judge.scores(judge.samples(draw, one.variables, SEED)) for one in run.each()]
        found = {name: estimate._asdict() for name, estimate in each[0].items()}
        if len(each) > 1:
            for name in found:
                values = [own[name].value for own in each]
                found[name] = {**of_blocks(values)._asdict(), "deviation": float(np.std(values, ddof=1))}
        return found


MNIST = {"data.name": "stacked_mnist"}
NO_R2 = {"model.terms.r2.weight": 0.0}
NO_R1 = {"model.terms.r1.weight": 0.0}

ENTRIES = {
    **{
        f"{what}:{on}": Entry(f"{what}:{on}", 2_500, tuple(SCORES), {})
        for on in ("ring", "grid")
        for what in ("gan", "pacgan", "r3gan")
    },
    "r3gan:stacked": Entry("r3gan:stacked", 26_000, OF_STACKS, MNIST),
    "loss of pairs alone": Entry("r3gan:stacked", 26_000, OF_STACKS, {**MNIST, **NO_R1, **NO_R2}),
    "without R2": Entry("r3gan:stacked", 26_000, OF_STACKS, {**MNIST, **NO_R2}),
    "R1 alone": Entry("r3gan:stacked", 26_000, OF_STACKS, {**MNIST, **NO_R2, "model.loss": "non_saturating"}),
}
"""By the name of a row; the last ones take from R3GAN's loss what the ablations of its paper do."""


def row_of(folder: Path, scores: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """What a run of one or several seeds reached: steps, scores, the illnesses that it was said to have, minutes.

    Args:
      folder: of the run.
      scores: as `Entry.judged` has them.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    lines = read_lines(folder / "metrics.jsonl")
    return {
        "seeds": config["training"].get("seeds", 1),
        "steps": lines[-1]["step"],
        "scores": dict(scores),
        "found": [[one.illness.name, one.since, one.until] for one in diagnosed(lines)],
        "seconds": max(line.get("seconds", 0.0) for line in lines),
    }


def as_table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Lays rows out as a Markdown table, in the order of `ENTRIES`."""
    lines = []
    for name, row in ((name, rows[name]) for name in ENTRIES if name in rows):
        scores = [_shown(row["scores"][score], row["seeds"]) if score in row["scores"] else "" for score in SCORES]
        illnesses = ", ".join(dict.fromkeys(one for one, _, _ in row["found"])) or "healthy"
        lines.append([name, row["seeds"], f"{row['steps']:,}", *scores, illnesses, number(row["seconds"] / 60)])
    return table(lines, HEADER)


def _shown(score: Mapping[str, float], seeds: int) -> str:
    """A score with its interval, which of two seeds says nothing: it is 18 times as wide as their deviation."""
    return f"{number(score['value'])} ± {number(score['deviation'])}" if seeds == 2 else with_interval(score)


def parser() -> argparse.ArgumentParser:
    """The flags of the command."""
    found = argparse.ArgumentParser("python -m benchmarks.modes", description=__doc__, allow_abbrev=False)
    found.add_argument("--workdir", type=Path, default=Path("runs/modes"), help="the folder of all run folders")
    found.add_argument("--only", default=",".join(ENTRIES), help=f"rows, by comma: {', '.join(ENTRIES)}")
    found.add_argument("--seeds", type=int, default=8, help="trained in each run")
    found.add_argument("--manual-dir", type=Path, help="where the four files of MNIST lie, if not to be fetched")
    found.add_argument("--output", type=Path, help="the .json to write; modes.json in the folder by default")
    return found


def main(arguments: Sequence[str]) -> int:
    """Trains and judges what is missing, prints the table and writes it as JSON; returns the exit status.

    Args:
      arguments: the flags.
    """
    flags, names, settings = asked(parser(), arguments, ENTRIES, "row")
    output = flags.output or flags.workdir / "modes.json"
    rows = json.loads(output.read_text(encoding="utf-8")) if output.exists() else {}
    failed = []
    for name in names:
        folder = flags.workdir.resolve() / name.replace(" ", "_").replace(":", "_")
        if name in rows:
            continue
        try:
            ENTRIES[name].train(folder, flags.seeds, flags.manual_dir and flags.manual_dir.resolve(), settings)
        except subprocess.CalledProcessError:  # the others may go on for hours
            failed.append(name)
            continue
        rows[name] = row_of(folder, ENTRIES[name].judged(folder))
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    print(as_table(rows))
    if failed:
        print(f"benchmarks: these runs failed and are not counted: {', '.join(failed)}", file=sys.stderr)
    print(output)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
