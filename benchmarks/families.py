"""The best of each family of models on one data set, in one table: what the docs say that it reached, and its speed.

    python -m benchmarks.families

Scores and minutes are those of `docs/reached.json` and `docs/bits.json`, which `--mode=compare` has written. How many
parameters there are, how often the network is called for a sample, and how many samples a second it makes do not depend
on the weights: they are measured here, in turn, of networks as they begin. A family's best is the one of least Fréchet
distance, or, where none was judged by it, of the fewest bits.
"""

import argparse
import importlib
import inspect
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from benchmarks.rounds import ROOT
from gengen.build.model import MODELS, build_model
from gengen.core.average import evaluation_variables
from gengen.data.pipeline import first_batch
from gengen.data.selection import streams
from gengen.inference.conditions import shown_to
from gengen.reports.tables import number, table
from gengen.runs.prepare import load_data
from gengen.training.beginning import initialised

REACHED = tuple(ROOT / "docs" / name for name in ("reached.json", "bits.json"))
ONE_CALL = "one call"
BITS, DISTANCE = "bits per dimension", "Fréchet distance"
HEADER = (
    "family", "config", DISTANCE, "precision", "recall", BITS, "minutes", "calls", "samples/s", "parameters",
)  # fmt: skip


def family_of(model: str) -> str:
    """The family of `config.model.name`: the folder or the file of `gengen/models` that it is in."""
    if model == "one_step":
        return ONE_CALL
    return inspect.getmodule(MODELS[model]).__name__.split(".")[2]  # type: ignore[union-attr]


def first_number(text: str | None) -> float:
    """The estimate in what a table says, as 0.4 of "0.4 [0.3, 0.5]"; infinity where it was not measured."""
    try:
        return float((text or "").split()[0].replace(",", ""))
    except (IndexError, ValueError):
        return float("inf")


def best_of_each(rows: Iterable[Mapping[str, Any]], variant: str) -> dict[str, Mapping[str, Any]]:
    """The best row of each family, by its family.

    Args:
      rows: of `REACHED`.
      variant: of the configs, which is the data set.
    """
    best: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        name, _, of = row["run"].partition("-")
        if of != variant:
            continue
        family = family_of(config_of(name, variant).model.name)
        if family not in best or _worth(row) < _worth(best[family]):
            best[family] = row
    return dict(sorted(best.items(), key=lambda item: _worth(item[1])))


def _worth(row: Mapping[str, Any]) -> tuple[float, float]:
    return first_number(row.get(DISTANCE)), first_number(row.get(BITS))


def config_of(name: str, variant: str) -> Any:
    """The config of an experiment and its variant."""
    return importlib.import_module(f"configs.{name}").get_config(variant)


def calls_of(config: Any) -> int:
    """How often a network is called for one sample; 0 of flows, some of which are passed number by number."""
    if config.model.name == "normalising_flow":
        return 0
    if "sampling" in config:
        return int(config.sampling.calls)
    return int(np.prod((*config.data.resolution, config.data.channels))) if config.model.name == "autoregressive" else 1


def drawer(config: Any, num: int) -> tuple[Callable[[int], Any], int]:
    """What draws `num` samples by a seed, compiled, and the number of parameters, of embedded pictures.

    Args:
      config: of an experiment.
      num: samples of a draw.
    """
    config.data.name = "digits_smooth"  # a draw does not ask which pictures were seen
    config.training.precision = "float32"
    data = load_data(config)
    model, key = build_model(config, data.signature), jax.random.key(0)
    shown = streams(shown_to(model, data))
    first = first_batch(shown, seed=0, batch_size=config.training.batch_size)
    variables = evaluation_variables(initialised(model, key, first))
    assert model.sample is not None
    draw = jax.jit(model.sample, static_argnums=2)
    sizes = [leaf.size for network in variables.values() for leaf in jax.tree.leaves(network["params"])]
    return lambda seed: jax.block_until_ready(draw(jax.random.key(seed), variables, num)), sum(sizes)


def measured(configs: Mapping[str, Any], num: int, rounds: int) -> dict[str, tuple[float, int]]:
    """Samples a second, the median of alternated rounds, and parameters, by name."""
    drawers = {name: drawer(config, num) for name, config in configs.items()}
    seconds: dict[str, list[float]] = {name: [] for name in drawers}
    for turn in range(rounds + 1):  # the first compiles
        for name, (draw, _) in drawers.items():
            start = time.perf_counter()
            draw(turn)
            seconds[name] += [time.perf_counter() - start] if turn else []
    return {name: (num / statistics.median(seconds[name]), size) for name, (_, size) in drawers.items()}


def parser() -> argparse.ArgumentParser:
    """The flags of the command."""
    found = argparse.ArgumentParser("python -m benchmarks.families", description=__doc__, allow_abbrev=False)
    found.add_argument("--variant", default="mnist", help="of the configs, which is the data set")
    found.add_argument("--num", type=int, default=64, help="samples of a round")
    found.add_argument("--rounds", type=int, default=3, help="turns of each")
    return found


def main(arguments: Sequence[str]) -> int:
    """Measures and prints the table; returns the exit status.

    Args:
      arguments: the flags.
    """
    commands = parser()
    flags = commands.parse_args(arguments)
    if flags.num < 1 or flags.rounds < 1:
        commands.error("--num and --rounds must be at least 1")
    rows = [row for path in REACHED for row in json.loads(path.read_text(encoding="utf-8"))]
    best = best_of_each(rows, flags.variant)
    if not best:
        commands.error(f"--variant={flags.variant}: there is no row of such a config in docs")
    configs = {family: config_of(row["run"].partition("-")[0], flags.variant) for family, row in best.items()}
    calls = {family: calls_of(config) for family, config in configs.items()}
    speeds = measured(configs, flags.num, flags.rounds)
    lines = []
    for family, row in best.items():
        scores = [row.get(name) or "" for name in (DISTANCE, "precision", "recall", BITS, "minutes")]
        speed, size = speeds[family]
        often = f"{calls[family]:,}" if calls[family] else ""
        lines.append([family, row["run"], *scores, often, number(speed), f"{size:,}"])
    print(table(lines, HEADER))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
