"""`--mode=benchmark`: how fast an experiment would run on this machine, before anyone waits for it."""

import itertools
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from gengen.build.model import build_model, example_batch
from gengen.core.model import GenerativeModel, initialised
from gengen.core.parallel import AXIS, local_places, parallel, replicate
from gengen.core.state import State, networks_of
from gengen.data.pipeline import batches
from gengen.data.selection import streams
from gengen.data.signature import DataSet, Signature
from gengen.files.whole import write_whole
from gengen.inference.conditions import shown_to
from gengen.reports.tables import count, table
from gengen.runs.check import check_config
from gengen.runs.precision import settle
from gengen.runs.prepare import load_data
from gengen.training.loop import windows

SECONDS = 10.0
"""How long steps are measured for."""

DISPATCHES = 5
"""The least number of dispatches measured."""


def main(config: ConfigDict, workdir: Path, *, output: Path | None) -> Path:
    """Measures an experiment as it would run, data and all, and writes what it found as JSON.

    Args:
      config: the experiment.
      workdir: the folder that its run would have.
      output: the file to write; `benchmark.json` in the folder by default.

    Returns:
      The path of that file.

    Raises:
      Refusal: the config cannot be run.
    """
    check_config(config)
    output = output or workdir / "benchmark.json"
    jax.config.update("jax_enable_compilation_cache", False)  # or the time to compile would be that of a lucky start
    data = load_data(config)
    settle(config, workdir)
    model = build_model(config, data.signature)
    settings, key = config.training, jax.random.key(config.training.seed)
    state = initialised(model, key, example_batch(data.signature))
    parameters = {name: count(collections["params"]) for name, collections in networks_of(state.variables).items()}
    flops = flops_per_step(model, data.signature, settings.batch_size)
    rate = matmul_rate()
    first, _, *later = _measure(model, key, state, config, data)
    step_seconds = statistics.median(later) / settings.steps_per_dispatch
    found = {
        "device": f"{jax.device_count()} x {jax.devices()[0].device_kind}",
        "precision": settings.get("precision", "float32"),
        "parameters": parameters,
        "compile_seconds": first - step_seconds * settings.steps_per_dispatch,
        "steps_per_second": 1 / step_seconds,
        "images_per_second": settings.batch_size / step_seconds,
        "peak_memory_mib": _peak_memory() / 2**20,
        "gflop_per_step": flops / 1e9,
        "matrix_product_gflop_per_second": rate / 1e9,
        "share_of_matrix_product_rate": flops / step_seconds / rate,
        "steps": settings.steps,
        "minutes_for_the_whole_run": (first + settings.steps * step_seconds) / 60,
    }
    print(table([[name, _readable(value)] for name, value in found.items()], ("measured", "value")))
    output.parent.mkdir(parents=True, exist_ok=True)
    write_whole(output, json.dumps(found, indent=2))
    return output


def flops_per_step(model: GenerativeModel, signature: Signature, batch_size: int) -> float:
    """Floating-point operations of one step on the global batch, by XLA's cost analysis of what it compiled.

    XLA counts a loop's body once and the dearer branch of a turn that is played now and then, so each step of a
    period is compiled by itself with its place known, and the mean is taken. Steps that cost the same before
    optimisation are the same turns, and are compiled once.
    """
    key, batch = jax.random.key(0), jax.tree.map(lambda x: x[None], example_batch(signature, batch_size))
    state = jax.eval_shape(model.init, key, example_batch(signature))
    costs: dict[float, float] = {}
    total = 0.0
    for phase in range(model.period):
        step = partial(model.train_step, phase=phase)
        mapped = jax.pmap(step, axis_name=AXIS, in_axes=(None, None, 0), out_axes=None, devices=jax.local_devices()[:1])
        lowered = mapped.lower(key, state, batch)
        plain = lowered.cost_analysis()["flops"]
        if plain not in costs:
            costs[plain] = float(lowered.compile().cost_analysis()["flops"])
        total += costs[plain]
    return total / model.period


def matmul_rate(size: int = 2048, times: int = 5) -> float:
    """The best rate of a float32 product of two [size, size] matrices on all local devices, in operations a second."""
    product = jax.pmap(jnp.matmul)
    a = jnp.ones((jax.local_device_count(), size, size))
    jax.block_until_ready(product(a, a))
    best = min(_seconds(lambda: product(a, a)) for _ in range(times))
    return float(2 * size**3 * jax.local_device_count() / best * jax.process_count())


def _measure(model: GenerativeModel, key: jax.Array, state: State, config: ConfigDict, data: DataSet) -> list[float]:
    """Seconds of each dispatch, the first of which compiles, with one dispatch in flight as in a run."""
    settings = config.training
    fed = batches(
        streams(shown_to(model, data)),
        seed=settings.seed,
        batch_size=settings.batch_size,
        windows=windows(0, 2**40, settings.steps_per_dispatch),
        devices=jax.device_count(),
        local=local_places(),
    )
    dispatch, state = parallel(model.train_step, period=model.period), replicate(state, jax.local_devices())
    seconds: list[float] = []
    before: Any = None
    clock = time.perf_counter()
    for first, batch in zip(itertools.count(0, settings.steps_per_dispatch), fed, strict=False):
        state, metrics = dispatch(key, state, batch, first)
        jax.block_until_ready(before if seconds else metrics)
        before = metrics
        seconds.append(time.perf_counter() - clock)
        clock = time.perf_counter()
        if len(seconds) > DISPATCHES + 1 and sum(seconds[2:]) > SECONDS:
            break
    fed.close()
    return seconds


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - start


def _peak_memory() -> int:
    """Bytes: of the device where it counts them, of the process otherwise."""
    statistics_of_device = jax.local_devices()[0].memory_stats() or {}
    kilobyte = 1 if sys.platform == "darwin" else 1024
    return int(
        statistics_of_device.get("peak_bytes_in_use") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilobyte
    )


def _readable(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {number:,}" for name, number in value.items())
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return str(value)
