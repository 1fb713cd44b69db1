"""Trains small runs that collapse or diverge, with and without healing, beside healthy ones, and counts their modes.

    python -m benchmarks.healing --workdir=runs/healing

Each run is trained as it is, with `training.heal`, and without what makes it ill, from the same seed. What it has
learnt is the median share of the modes of the data that its samples cover over the last ten looks: the mixture's own
modes of the ring, ten clusters of the digits. What is trained is not trained again.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from benchmarks.clinic import Case, digits, points, train_one
from configs import base
from gengen.cli.machine import keep_compilations
from gengen.diagnosis.course import diagnosed
from gengen.diagnosis.cures import CURED
from gengen.reports.tables import table
from gengen.runs.healed import read_healed
from gengen.training.writer import read_lines

STEPS, LAST = 2_000, 10
"""Steps of a run, and looks at its end that count."""

SEEDS = (1, 2)
"""Those of seed 0 were looked at when the rule was chosen by which a run is changed."""

HEADER = ("the run", "on", "seed", "told", "healed of", "modes, ill", "modes, healed", "modes, healthy", "as healthy")


class Ward(NamedTuple):
    """An experiment that falls ill whatever its seed.

    Attributes:
      what: makes it ill, in words.
      on: its data.
      ill: makes the experiment.
      healthy: makes the same without what makes it ill.
    """

    what: str
    on: str
    ill: Callable[[], ConfigDict]
    healthy: Callable[[], ConfigDict]

    def cases(self) -> dict[str, Case]:
        """What is trained of it: as it is, healed, and healthy."""
        made = {"ill": self.ill, "healed": lambda: _healing(self.ill()), "healthy": self.healthy}
        return {
            kind: Case(kind, self.on if kind == "healthy" else f"{self.what} {self.on}", _longer(make))
            for kind, make in made.items()
        }


def _longer(make: Callable[[], ConfigDict]) -> Callable[[], ConfigDict]:
    def config() -> ConfigDict:
        made = make()
        made.training.update(steps=STEPS, checkpoint_every=100)
        return made

    return config


def _healing(config: ConfigDict) -> ConfigDict:
    config.training.heal = True
    return config


def _rates(config: ConfigDict, generator: float, critic: float, b1: float = 0.5, moves: int = 1) -> ConfigDict:
    for player, rate in (("generator", generator), ("critic", critic)):
        config.optimizers[player] = base.optimizer("adam", rate, b1=b1)
    config.model.generator_steps = moves
    return config


def _ring() -> ConfigDict:
    return points("ring")


WARDS = (
    Ward("a critic 1,000 times slower", "digits", lambda: digits("collapse"), digits),
    Ward("a critic 100 times slower", "digits", lambda: _rates(digits(), 1e-3, 1e-5), digits),
    Ward("a critic 1,000 times slower", "ring", lambda: _rates(_ring(), 1e-3, 1e-6), _ring),
    Ward("rates 1,000 times as high", "ring", lambda: _rates(_ring(), 1.0, 1.0), _ring),
    Ward("ten moves of the generator for one", "ring", lambda: _rates(_ring(), 1e-3, 1e-3, 0.9, moves=10), _ring),
)
"""The first is the variant `collapse` of `configs/gan.py`, but for the digits' size."""


class Outcome(NamedTuple):
    """What became of a run.

    Attributes:
      told: the illness that it is said to have first, of those that have a cure; "" of none.
      healed: illnesses that it was healed of, each with the step at which it was told and the one it went back to.
      modes: median share of the modes that it covers at its last looks.
      has: what it is said to have at its end.
    """

    told: str
    healed: tuple[tuple[str, int, int], ...]
    modes: float
    has: tuple[str, ...]


def outcome(folder: Path) -> Outcome:
    """What became of the run of a folder."""
    lines = read_lines(folder / "metrics.jsonl")
    found = diagnosed(lines)
    covered = [line.get("samples/modes", 0.0) for line in lines if {"samples/modes", "samples/finite"} & line.keys()]
    healed = tuple((one.illness, one.told, one.back) for one in read_healed(folder))
    return Outcome(
        next((one.illness.name for one in found if one.illness.name in CURED), ""),
        healed,
        median(covered[-LAST:]),
        tuple(one.illness.name for one in found if one.until is None),
    )


def rows_of(outcomes: Mapping[tuple[Ward, int], Mapping[str, Outcome]]) -> Iterator[dict[str, Any]]:
    """A row for each run: what it had, what it was healed of, and its modes beside those of healthy runs.

    It ends as a healthy run if it covers as many modes as any healthy one of the same data and networks, and has none
    of the illnesses that have a cure.

    Args:
      outcomes: of each run, by what was trained.
    """
    for (ward, seed), of in outcomes.items():
        healthy = min(each["healthy"].modes for (other, _), each in outcomes.items() if other.on == ward.on)
        yield {
            "what": ward.what,
            "on": ward.on,
            "seed": seed,
            "told": of["ill"].told,
            "healed": [list(one) for one in of["healed"].healed],
            "modes": {kind: round(own.modes, 4) for kind, own in of.items()},
            "has": list(of["healed"].has),
            "as healthy": of["healed"].modes >= healthy and not set(of["healed"].has) & set(CURED),
        }


def as_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lays rows out as a Markdown table, and counts in its last one those that end as healthy runs."""
    lines = []
    for row in rows:
        healed = "; ".join(f"{name} at {told:,}, back to {back:,}" for name, told, back in row["healed"])
        modes = [f"{row['modes'][kind]:.0%}".replace("%", " %") for kind in ("ill", "healed", "healthy")]
        own = "yes" if row["as healthy"] else "no"
        lines.append([row["what"], row["on"], str(row["seed"]), row["told"] or "nothing", healed, *modes, own])
    count = sum(row["as healthy"] for row in rows)
    return table([*lines, ["all", *[""] * 7, f"{count} of {len(rows)}"]], HEADER)


def parser() -> argparse.ArgumentParser:
    """The flags of the command."""
    found = argparse.ArgumentParser("python -m benchmarks.healing", description=__doc__, allow_abbrev=False)
    found.add_argument("--workdir", type=Path, default=Path("runs/healing"), help="the folder of all run folders")
    found.add_argument("--output", type=Path, help="the .json to write; healing.json in the folder by default")
    return found


def main(arguments: Sequence[str]) -> int:
    """Trains what is missing, prints the table and writes it as JSON; returns the exit status.

    Args:
      arguments: the flags.
    """
    flags = parser().parse_args(arguments)
    keep_compilations()
    outcomes: dict[tuple[Ward, int], dict[str, Outcome]] = {}
    for ward in WARDS:
        for seed in SEEDS:
            for kind, case in ward.cases().items():
                folder = case.folder(flags.workdir, seed)
                train_one(case, folder, seed)
                outcomes.setdefault((ward, seed), {})[kind] = outcome(folder)
    rows = list(rows_of(outcomes))
    print(as_table(rows))
    output = flags.output or flags.workdir / "healing.json"
    output.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
