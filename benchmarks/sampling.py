"""Measures both ways of drawing from a trained autoregressive flow in turn: all numbers at once, or one by one.

    python launch.py --config=configs/maf.py --workdir=runs/maf
    python -m benchmarks.sampling --workdir=runs/maf

Both draw from the same latents, and what they draw is compared, too.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from gengen.build.model import build_model
from gengen.core.refusal import Refusal
from gengen.reports.tables import number, table
from gengen.runs.run import Run, open_run

WAYS = ("parallel", "sequential")


def both_ways(run: Run, samples: int, rounds: int) -> dict[str, Any]:
    """Images a second of both ways, each the median of alternated rounds, and how their samples differ.

    Args:
      run: of a flow whose network has the key `sampling`.
      samples: in a round.
      rounds: of each way.

    Raises:
      Refusal: the run is of another model.
    """
    if "sampling" not in run.config.networks.get("flow", {}):
        raise Refusal(
            f"{run.folder} is no run of an autoregressive flow, such as maf or tarflow, which draws in two ways."
        )
    draws, made, seconds = {}, {}, {way: list[float]() for way in WAYS}
    for way in WAYS:
        config = run.config.copy_and_resolve_references()
        config.networks.flow.sampling = way
        sample = build_model(config, run.signature).sample
        assert sample is not None
        draws[way] = jax.jit(sample, static_argnums=2)
    for turn in range(rounds + 1):  # the first compiles
        for way in WAYS:
            start = time.perf_counter()
            made[way] = np.asarray(draws[way](jax.random.key(turn), run.variables, samples))
            seconds[way] += [time.perf_counter() - start] if turn else []
    apart = abs(made[WAYS[0]] - made[WAYS[1]])
    return {
        "run": run.title,
        "samples": samples,
        "rounds": rounds,
        "images_per_second": {way: samples / statistics.median(seconds[way]) for way in WAYS},
        "times_as_fast": statistics.median(
            slow / fast for fast, slow in zip(seconds[WAYS[0]], seconds[WAYS[1]], strict=True)
        ),
        "largest_difference": float(apart.max()),
        "share_that_differs": float((apart > 1e-5).mean()),
    }


def main(arguments: Sequence[str]) -> int:
    """Measures, prints the figures, and writes them as JSON; returns the exit status.

    Args:
      arguments: the flags.
    """
    parser = argparse.ArgumentParser("python -m benchmarks.sampling", description=__doc__, allow_abbrev=False)
    parser.add_argument("--workdir", type=Path, required=True, help="the run folder")
    parser.add_argument("--num", type=int, default=64, help="samples in a round")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each way")
    parser.add_argument("--output", type=Path, help="a .json to write")
    flags = parser.parse_args(arguments)
    if flags.num < 1 or flags.rounds < 1:
        parser.error("--num and --rounds must be at least 1")
    try:
        found = both_ways(open_run(flags.workdir), flags.num, flags.rounds)
    except Refusal as refusal:
        print(f"benchmarks: {refusal}", file=sys.stderr)
        return 2
    speeds = [number(found["images_per_second"][way]) for way in WAYS]
    difference = f"{found['largest_difference']:.1e}, {found['share_that_differs']:.4%} of numbers differ"
    lines = [[found["run"], *speeds, f"{found['times_as_fast']:.2f}", difference]]
    print(table(lines, ("run", *(f"{way}, images/s" for way in WAYS), "times as fast", "largest difference")))
    if flags.output:
        flags.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
