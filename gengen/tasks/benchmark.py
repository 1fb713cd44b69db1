"""`--mode=benchmark`: how fast an experiment would run on this machine, before anyone waits for it, and why."""

import itertools
import json
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
from ml_collections import ConfigDict

from gengen.build.model import build_model, example_batch
from gengen.build.sweep import check_no_sweep
from gengen.core.model import GenerativeModel
from gengen.core.parallel import local_places, parallel, replicate
from gengen.core.state import State, networks_of
from gengen.data.pipeline import batches, first_batch
from gengen.data.selection import streams
from gengen.data.signature import DataSet
from gengen.files.whole import write_whole
from gengen.inference.conditions import shown_to
from gengen.reports.benchmarks import shown_alone
from gengen.reports.tables import count
from gengen.runs.check import check_config
from gengen.runs.precision import settle
from gengen.runs.prepare import load_data
from gengen.training.beginning import initialised
from gengen.training.floor import Work, work
from gengen.training.loop import windows
from gengen.training.profiler import Share, slowest
from gengen.training.rates import Rates

ROUNDS = 3
"""How often steps are measured and then what the machine can do."""

NAMED = 5
"""How many of the slowest operations are told."""


class Measured(NamedTuple):
    """What was seen of a few dispatches.

    Attributes:
      first: seconds of the first one, which compiles.
      dispatch: seconds of one, the median.
      fastest: seconds of the fastest one.
      peak: bytes of memory, at the most, before rates were measured.
      rates: what the machine did meanwhile.
      operations: what the time of one went to.
    """

    first: float
    dispatch: float
    fastest: float
    peak: int
    rates: Rates
    operations: list[Share]


def main(config: ConfigDict, workdir: Path, *, output: Path | None, seconds: int) -> Path:
    """Measures an experiment as it would run, data and all, and writes what it found as JSON.

    Args:
      config: the experiment.
      workdir: the folder that its run would have.
      output: the file to write; `benchmark.json` in the folder by default.
      seconds: for how long steps are measured, one dispatch at the least.

    Returns:
      The path of that file.

    Raises:
      Refusal: the config cannot be run.
    """
    check_no_sweep(config, "--mode=benchmark")
    check_config(config)
    output = output or workdir / "benchmark.json"
    jax.config.update("jax_enable_compilation_cache", False)  # or the time to compile would be that of a lucky start
    data = load_data(config)
    settle(config, workdir)
    model = build_model(config, data.signature)
    settings, key = config.training, jax.random.key(config.training.seed)
    first = first_batch(streams(shown_to(model, data)), seed=settings.seed, batch_size=settings.batch_size)
    state = initialised(model, key, first)
    needed = work(model, state, example_batch(data.signature, settings.batch_size))
    parameters = {name: count(collections["params"]) for name, collections in networks_of(state.variables).items()}
    measured = _measure(model, key, state, config, data, tuple(needed.products), seconds)
    step_seconds = measured.dispatch / settings.steps_per_dispatch
    fastest = measured.fastest / settings.steps_per_dispatch
    found = {
        "device": f"{jax.device_count()} x {jax.devices()[0].device_kind}",
        "precision": settings.get("precision", "float32"),
        "parameters": parameters,
        "compile_seconds": measured.first - measured.dispatch,
        "seconds_per_step": step_seconds,
        "fastest_seconds_per_step": fastest,
        "steps_per_second": 1 / step_seconds,
        "images_per_second": settings.batch_size / step_seconds,
        "peak_memory_mib": measured.peak / 2**20,
        **_of_floor(needed, measured.rates, fastest),
        "steps": settings.steps,
        "minutes_for_the_whole_run": (measured.first + settings.steps * step_seconds) / 60,
        "slowest_operations": [share._asdict() for share in measured.operations[:NAMED]],
    }
    print(shown_alone(found))
    output.parent.mkdir(parents=True, exist_ok=True)
    write_whole(output, json.dumps(found, indent=2))
    return output


def _of_floor(needed: Work, rates: Rates, fastest: float) -> dict[str, Any]:
    floor = needed.floor(rates.products, rates.bandwidth)
    return {
        "product_gflop_per_step": {dtype: operations / 1e9 for dtype, operations in needed.products.items()},
        "product_gflop_per_second": {dtype: rate / 1e9 for dtype, rate in rates.products.items()},
        "moved_megabytes_per_step": needed.moved / 1e6,
        "gigabytes_per_second": rates.bandwidth / 1e9,
        "floor_seconds_per_step": floor,
        "share_of_floor": floor / fastest,
    }


def _measure(
    model: GenerativeModel,
    key: jax.Array,
    state: State,
    config: ConfigDict,
    data: DataSet,
    dtypes: tuple[str, ...],
    seconds: float,
) -> Measured:
    """Runs dispatches with one in flight, as a run does, then rates, in a few rounds."""
    settings = config.training
    fed = batches(
        streams(shown_to(model, data)),
        seed=settings.seed,
        batch_size=settings.batch_size,
        windows=windows(0, 2**40, settings.steps_per_dispatch),
        devices=jax.device_count(),
        local=local_places(),
    )
    feed = zip(itertools.count(0, settings.steps_per_dispatch), fed, strict=False)
    dispatch = parallel(model.train_step, period=model.period)
    now = replicate(state, jax.local_devices())

    def one() -> Any:
        nonlocal now
        first, batch = next(feed)
        now, metrics = dispatch(key, now, batch, first)
        return metrics

    def timed(length: float) -> list[float]:
        """Seconds of each dispatch after the first, which fills the queue."""
        taken: list[float] = []
        before, clock = one(), time.perf_counter()
        while not taken or sum(taken) < length:
            after = one()
            jax.block_until_ready(before)
            before, clock, start = after, time.perf_counter(), clock
            taken.append(clock - start)
        jax.block_until_ready(before)
        return taken

    clock = time.perf_counter()
    jax.block_until_ready(one())
    compiled = time.perf_counter() - clock
    jax.block_until_ready(one())
    peak, rates, taken = _peak_memory(), Rates(dtypes), list[float]()
    for _ in range(ROUNDS):
        rates.measure()
        taken += timed(seconds / ROUNDS)
        if sum(taken) >= seconds:  # a dispatch may take longer than all rounds should
            break
    rates.measure()
    operations = slowest(one)
    fed.close()
    return Measured(compiled, statistics.median(taken), min(taken), peak, rates, operations)


def _peak_memory() -> int:
    """Bytes: of the device where it counts them, of the process otherwise."""
    statistics_of_device = jax.local_devices()[0].memory_stats() or {}
    kilobyte = 1 if sys.platform == "darwin" else 1024
    return int(
        statistics_of_device.get("peak_bytes_in_use") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilobyte
    )
