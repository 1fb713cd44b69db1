"""Trains small runs that are deliberately ill, and healthy ones, and says how many the diagnosis names rightly.

    python -m benchmarks.clinic --workdir=runs/clinic

The lower half of the seeds is the first one, on which the thresholds of `gengen.diagnosis.illnesses` were fixed, and
the upper half the second, on which they are judged. What is trained is not trained again; `--half` trains one half, so
that two commands can share the work.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import jax
from ml_collections import ConfigDict

from configs import base, vae, vqvae
from configs.base.ill import ILL, looked_at, small
from gengen.api import train
from gengen.cli.machine import keep_compilations
from gengen.core.refusal import Refusal
from gengen.diagnosis.course import Finding, diagnosed
from gengen.reports.tables import table
from gengen.training.loop import NonFiniteError
from gengen.training.writer import read_lines

HEALTHY = "healthy"
HALVES = ("first", "second")
HEADER = ("what the run has", "on", "runs", "named rightly, first half", "second half", "median delay in steps")


class Case(NamedTuple):
    """An experiment that is ill, or healthy, whatever its seed.

    Attributes:
      illness: the name that the diagnosis is to give it; `HEALTHY` where it is to say nothing.
      on: data and networks, in words.
      config: makes the experiment.
    """

    illness: str
    on: str
    config: Callable[[], ConfigDict]

    def folder(self, workdir: Path, seed: int) -> Path:
        """Where a run of it lies."""
        return workdir / f"{self.illness}-{self.on}-{seed}".replace(" ", "_")


def points(name: str, variant: str = "", width: int = 128, **changes: Any) -> ConfigDict:
    """A GAN on points in the plane, as one of the failure variants, with values of `config.model` changed."""
    config = base.gan(*base.mlp())
    small(config, name, width)
    return _changed(config, variant, changes)


def digits(variant: str = "", width: int = 128, **changes: Any) -> ConfigDict:
    """A GAN on digits of 8 x 8 pixels."""
    config = base.gan(*base.mlp())
    small(config, "digits", width)
    for player in ("generator", "critic"):
        config.optimizers[player] = base.optimizer("adam", 5e-4, b1=0.5)
    return _changed(_small(config), variant, changes)


def autoencoders(variant: str = "", *, data: str = "digits") -> ConfigDict:
    """A VAE of one hidden layer."""
    config = _small(vae.get_config())
    config.data.name = data
    for network in ("encoder", "decoder"):
        config.networks[network].widths = (128,)
    return _changed(config, variant, {}, steps=800)


def codebooks(variant: str = "") -> ConfigDict:
    """A VQ-VAE whose prior is left for the last steps."""
    config = _small(vqvae.get_config())
    for network in ("encoder", "decoder"):
        config.networks[network].update(width=16, hidden=8, blocks=1, halvings=1)
    config = _changed(config, variant, {}, steps=800)
    config.model.prior_start = 790
    return config


def wasserstein(config: ConfigDict, clip: float) -> ConfigDict:
    """A critic that is clipped, with the optimizers of a WGAN."""
    config.model.update(loss="wasserstein", critic_steps=5, clip=clip)
    for player in ("generator", "critic"):
        config.optimizers[player] = base.optimizer("rmsprop", 2e-4)
    return config


def _small(config: ConfigDict) -> ConfigDict:
    config.data.resolution = (8, 8)
    config.evaluation.every = 0
    return config


def _changed(config: ConfigDict, variant: str, changes: Mapping[str, Any], steps: int = 1_000) -> ConfigDict:
    terms = changes.get("terms", {})
    for name, weight in terms.items():
        config.model.terms[name].weight = weight
    config.model.update({name: value for name, value in changes.items() if name != "terms"})
    if variant:
        ILL[variant](config)
    looked_at(config, steps)
    config.training.update(sample_every=0, checkpoint_every=0)
    return config


R1 = {"r1": 0.1}

CASES = (
    Case("vanishing", "ring", lambda: points("ring", "vanishing")),
    Case("vanishing", "ring, 256 units", lambda: points("ring", "vanishing", 256)),
    Case("vanishing", "digits", lambda: digits("vanishing")),
    Case("rotating", "ring", lambda: points("ring", "rotating")),
    Case("rotating", "grid", lambda: points("grid", "rotating")),
    Case("collapse", "digits", lambda: digits("collapse")),
    Case("collapse", "digits, 256 units", lambda: digits("collapse", 256)),
    Case("diverging", "ring", lambda: points("ring", "diverging")),
    Case("diverging", "moons", lambda: points("moons", "diverging")),
    Case("saturated", "ring", lambda: points("ring", "saturated")),
    Case("saturated", "digits", lambda: digits("saturated")),
    Case("posterior collapse", "digits", lambda: autoencoders("collapsed")),
    Case("dead codes", "digits", lambda: codebooks("dead")),
    Case(HEALTHY, "GAN, ring", lambda: points("ring")),
    Case(HEALTHY, "GAN, grid", lambda: points("grid")),
    Case(HEALTHY, "GAN, moons", lambda: points("moons")),
    Case(HEALTHY, "GAN with R1, ring", lambda: points("ring", terms=R1)),
    Case(HEALTHY, "hinge, ring", lambda: points("ring", loss="hinge")),
    Case(HEALTHY, "WGAN, ring", lambda: wasserstein(points("ring"), 0.1)),
    Case(HEALTHY, "GAN, digits", digits),
    Case(HEALTHY, "least squares, digits", lambda: digits(loss="least_squares")),
    Case(HEALTHY, "VAE, digits", autoencoders),
    Case(HEALTHY, "VQ-VAE, digits", codebooks),
)


class Run(NamedTuple):
    """A run and what is said of it.

    Attributes:
      case: which experiment.
      seed: of the training.
      found: name, step at which it was told, and looks that it lasted, of each illness in the order of its telling.
    """

    case: Case
    seed: int
    found: tuple[tuple[str, int, int], ...]

    @property
    def named(self) -> str:
        """What the diagnosis calls it: the illness that it had longest, or healthy."""
        return max(self.found, key=lambda one: one[2])[0] if self.found else HEALTHY

    @property
    def right(self) -> bool:
        """Whether that is what it has."""
        return self.named == self.case.illness

    @property
    def delay(self) -> int | None:
        """Step at which its illness was told, which it had from the first step on."""
        return next((told for name, told, _ in self.found if name == self.case.illness), None)


def train_one(case: Case, folder: Path, seed: int) -> None:
    """Trains a run, unless it is there; one that diverges ends there."""
    done = folder / "done"
    if done.exists():
        return
    config = case.config()
    config.training.seed = seed
    try:
        train.run(config, folder)
    except Refusal as refusal:
        if not isinstance(refusal.__cause__, NonFiniteError):
            raise
        print(f"clinic: {refusal}")
    done.touch()
    jax.clear_caches()


def judged(case: Case, folder: Path, seed: int) -> Run:
    """What the diagnosis says of a trained run."""
    config = case.config()
    lines = read_lines(folder / "metrics.jsonl")
    found = diagnosed(lines, config.model.get("codes", 0))

    def lasted(finding: Finding) -> int:
        return (finding.until or config.training.steps) - finding.since

    return Run(case, seed, tuple((one.illness.name, one.told, lasted(one)) for one in found))


def half_of(seed: int, seeds: int) -> str:
    """Which half a seed belongs to, of so many."""
    return HALVES[seed >= seeds // 2]


def rows_of(runs: Sequence[Run], seeds: int) -> Iterator[dict[str, Any]]:
    """A row for each case: of each half, how many runs there are and how many are named rightly, and the delays.

    Args:
      runs: those that are trained.
      seeds: of each case, of which the lower half is the first.
    """
    for case in dict.fromkeys(run.case for run in runs):
        own = [run for run in runs if run.case == case]
        halves = [[run for run in own if half_of(run.seed, seeds) == half] for half in HALVES]
        yield {
            "illness": case.illness,
            "on": case.on,
            "runs": [len(half) for half in halves],
            "right": [sum(run.right for run in half) for half in halves],
            "delays": [run.delay for run in halves[1] if run.delay is not None],
            "wrong": [f"seed {run.seed}: {run.named}" for run in own if not run.right],
        }


def as_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lays rows out as a Markdown table, with sums over the ill and over the healthy."""
    healthy = [row["illness"] == HEALTHY for row in rows]
    lines = [_line(row["illness"], row["on"], [row]) for row in rows]
    for kind, is_healthy in (("all that are ill", False), ("all that are healthy", True)):
        lines.append(_line(kind, "", [row for row, own in zip(rows, healthy, strict=True) if own == is_healthy]))
    return table(lines, HEADER)


def _line(name: str, on: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    counts = [sum(row["runs"][half] for row in rows) for half in (0, 1)]
    right = [sum(row["right"][half] for row in rows) for half in (0, 1)]
    delays = [delay for row in rows for delay in row["delays"]]
    shares = [f"{yes} of {of}" for yes, of in zip(right, counts, strict=True)]
    return [name, on, str(sum(counts)), *shares, f"{median(delays):g}" if delays else ""]


def parser() -> argparse.ArgumentParser:
    """The flags of the command."""
    found = argparse.ArgumentParser("python -m benchmarks.clinic", description=__doc__, allow_abbrev=False)
    found.add_argument("--workdir", type=Path, default=Path("runs/clinic"), help="the folder of all run folders")
    found.add_argument("--seeds", type=int, default=8, help="runs of each case, at least 2")
    found.add_argument("--half", choices=HALVES, help="trains that half alone; both by default")
    found.add_argument("--output", type=Path, help="the .json to write; clinic.json in the folder by default")
    return found


def main(arguments: Sequence[str]) -> int:
    """Trains what is missing, prints the table and writes it as JSON; returns the exit status.

    Args:
      arguments: the flags.
    """
    commands = parser()
    flags = commands.parse_args(arguments)
    if flags.seeds < 2:
        commands.error("--seeds must be at least 2, for two halves")
    keep_compilations()
    all_runs = [(case, seed) for seed in range(flags.seeds) for case in CASES]
    for case, seed in all_runs:
        if flags.half in (None, half_of(seed, flags.seeds)):
            train_one(case, case.folder(flags.workdir, seed), seed)
    done = [(case, seed) for case, seed in all_runs if (case.folder(flags.workdir, seed) / "done").exists()]
    runs = [judged(case, case.folder(flags.workdir, seed), seed) for case, seed in done]
    rows = list(rows_of(runs, flags.seeds))
    print(as_table(rows))
    output = flags.output or flags.workdir / "clinic.json"
    output.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
