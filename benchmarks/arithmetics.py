"""Trains experiments on MNIST in both arithmetics with several seeds, and says whether their scores differ.

    python -m benchmarks.arithmetics --workdir=runs/arithmetics

What is trained and judged already is not done again, and a run that was interrupted goes on. Flags that begin with
--config. are handed to each training.
"""

import argparse
import importlib
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from scipy import stats

from benchmarks.asked import asked
from benchmarks.rounds import ROOT
from gengen.core.refusal import Refusal
from gengen.metrics.interval import LEVEL, Estimate, of_blocks
from gengen.reports.tables import number, table

EXPERIMENTS = ("wgan", "gan", "dcgan", "wgan_gp", "vae", "iwae", "cgan")
VARIANT = "mnist"
PRECISIONS = ("float32", "bfloat16")

HEADER = ("experiment", "score", "seeds", *PRECISIONS, "bfloat16 less float32", "0 is in it")


class Run(NamedTuple):
    """One training.

    Attributes:
      experiment: one of `EXPERIMENTS`.
      precision: one of `PRECISIONS`.
      seed: of the training.
      folder: of the run.
    """

    experiment: str
    precision: str
    seed: int
    folder: Path

    @property
    def evaluation(self) -> Path:
        """The judgement of its last step, which is there once all is done."""
        return self.folder / "evaluation.json"

    def train(self, share: float, num: int | None, manual_dir: Path | None, settings: Sequence[str]) -> None:
        """Trains and judges it, or what is missing of that.

        Args:
          share: of the steps that the config has.
          num: samples that are judged; None for as many as `--mode=evaluate` draws.
          manual_dir: where the files of MNIST lie; None to fetch them.
          settings: flags of the training, as in "--config.evaluation.importance_samples=(1,64)".

        Raises:
          subprocess.CalledProcessError: a command failed; what it said stands on standard error.
        """
        length = dict(self._length(share))
        own = {"training.seed": self.seed, "training.precision": self.precision, "evaluation.every": 0, **length}
        if manual_dir:
            own["data.manual_dir"] = manual_dir
        config = ROOT / "configs" / f"{self.experiment}.py"
        _launch(
            f"--config={config}:{VARIANT}",
            f"--workdir={self.folder}",
            *(f"--config.{key}={value}" for key, value in own.items()),
            *settings,
        )
        _launch("--mode=evaluate", f"--workdir={self.folder}", *([f"--num={num}"] if num else []))

    def _length(self, share: float) -> Iterator[tuple[str, Any]]:
        training = importlib.import_module(f"configs.{self.experiment}").get_config(VARIANT).training
        if training.epochs:
            yield "training.epochs", share * training.epochs
        else:
            yield "training.steps", max(round(share * training.steps), 1)


def _launch(*arguments: str) -> None:
    subprocess.run([sys.executable, str(ROOT / "launch.py"), *arguments], check=True)


def scores_of(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """The scores of an `evaluation.json` by their names: the Fréchet distance, and the tightest bound in nats."""
    found = {}
    if distance := evaluation.get("scores", {}).get("frechet_distance"):
        found["Fréchet distance"] = distance["samples"]["value"]
    if bounds := evaluation.get("likelihood"):
        found["bound in nats"] = bounds[max(bounds, key=int)]["nats"]["value"]
    return found


def difference(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """The mean of the second scores less that of the first, with Welch's 95 % interval (1947).

    Args:
      first: scores of independent trainings, at least two.
      second: the same under other circumstances, where their variance may be another one.
    """
    interval = stats.ttest_ind(second, first, equal_var=False).confidence_interval(LEVEL)
    return Estimate(sum(second) / len(second) - sum(first) / len(first), float(interval.low), float(interval.high))


def rows_of(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """What both arithmetics reached, a row for each score of each experiment with two judged seeds or more in both.

    Args:
      runs: those that are to be compared.

    Raises:
      Refusal: runs of one experiment were judged after different numbers of steps.
    """
    rows = []
    for experiment in dict.fromkeys(run.experiment for run in runs):
        judged = [run for run in runs if run.experiment == experiment and run.evaluation.exists()]
        found = {run: json.loads(run.evaluation.read_text(encoding="utf-8")) for run in judged}
        if len(steps := {report["step"] for report in found.values()}) > 1:
            raise Refusal(
                f"runs of {experiment} were judged after {', '.join(map(str, sorted(steps)))} steps, which do not "
                f"compare: give each --steps-share a --workdir of its own."
            )
        for score in dict.fromkeys(name for report in found.values() for name in scores_of(report)):
            values = {
                precision: [scores_of(found[run])[score] for run in judged if run.precision == precision]
                for precision in PRECISIONS
            }
            if min(map(len, values.values())) > 1:
                rows.append({"experiment": experiment, "score": score, "steps": steps.copy().pop(), "values": values})
    return rows


def as_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lays rows out as a Markdown table: means over seeds with Student's interval, and Welch's of their difference."""
    lines = []
    for row in rows:
        values = [row["values"][precision] for precision in PRECISIONS]
        apart = difference(*values)
        means = [_shown(of_blocks(of_one)) for of_one in values]
        seeds = "/".join(str(count) for count in dict.fromkeys(map(len, values)))
        within = "yes" if apart.low <= 0 <= apart.high else "no"
        lines.append([row["experiment"], row["score"], seeds, *means, _shown(apart), within])
    return table(lines, HEADER)


def _shown(estimate: Estimate) -> str:
    value, low, high = map(number, estimate)
    return f"{value} [{low}, {high}]"


def parser() -> argparse.ArgumentParser:
    """The flags of the command."""
    found = argparse.ArgumentParser("python -m benchmarks.arithmetics", description=__doc__, allow_abbrev=False)
    found.add_argument("--workdir", type=Path, default=Path("runs/arithmetics"), help="the folder of all run folders")
    found.add_argument("--only", default=",".join(EXPERIMENTS), help=f"experiments, by comma: {', '.join(EXPERIMENTS)}")
    found.add_argument("--seeds", type=int, default=3, help="trainings of each experiment in each arithmetic")
    found.add_argument("--steps-share", type=float, default=1.0, help="share of the steps that the configs have")
    found.add_argument("--num", type=int, help="samples that are judged; all that --mode=evaluate draws by default")
    found.add_argument("--manual-dir", type=Path, help="where the four files of MNIST lie, if not to be fetched")
    found.add_argument("--output", type=Path, help="the .json to write; arithmetics.json in the folder by default")
    return found


def main(arguments: Sequence[str]) -> int:
    """Trains and judges what is missing, prints the table and writes it as JSON; returns the exit status.

    Args:
      arguments: the flags.
    """
    commands = parser()
    flags, names, settings = asked(commands, arguments, EXPERIMENTS, "experiment", least=2)
    if not 0 < flags.steps_share < float("inf"):
        commands.error("--steps-share must be above 0")
    folder = flags.workdir.resolve()
    runs = [
        Run(name, precision, seed, folder / f"{name}-{precision}-{seed}")
        for seed, name, precision in itertools.product(range(flags.seeds), names, PRECISIONS)
    ]
    failed = []
    for run in runs:
        if not run.evaluation.exists():
            try:
                run.train(flags.steps_share, flags.num, flags.manual_dir and flags.manual_dir.resolve(), settings)
            except subprocess.CalledProcessError:  # the others may go on for hours
                failed.append(run.folder.name)
    output = flags.output or folder / "arithmetics.json"
    try:
        rows = rows_of(runs)
    except Refusal as error:
        commands.error(str(error))
    print(as_table(rows))
    output.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    if failed:
        print(f"benchmarks: these runs failed and are not counted: {', '.join(failed)}", file=sys.stderr)
    print(output)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
