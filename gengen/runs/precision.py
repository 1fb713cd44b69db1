"""The arithmetic of a run, `training.precision`: what it began with, or what this machine is faster in."""

import time
from functools import cache
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import multihost_utils
from ml_collections import ConfigDict

from gengen.build.networks import DTYPES
from gengen.runs.folder import begun, latest_step, read_folder, unchanged
from gengen.training.screen import wrapped

WORTH = 1.3
"""How many times as fast bfloat16's products have to be: they are not all of a step, and rounding to it costs, too."""

SIZE, ROUNDS = 512, 20
"""Rows and columns of the matrices that are multiplied, and how often; all of it takes 0.2 s."""


class Choice(NamedTuple):
    """An arithmetic, and what speaks for it here."""

    precision: str
    reason: str


def settle(config: ConfigDict, folder: Path | None = None) -> None:
    """Puts an arithmetic in the place of "auto" in `training.precision`, the same one in all processes.

    A run keeps the one that it began with. For a new one this machine is asked, and a line says what it answered; so it
    does where a run goes on in bfloat16 on a machine which is no faster in it.

    Args:
      config: the experiment, its `training.steps` known.
      folder: the run folder, which need not hold a run yet; None where there is none.
    """
    kept = None if folder is None or not begun(folder) else _kept(folder)
    if asked := config.training.get("precision") == "auto":
        config.training.precision = _of_first_process(kept)
    if jax.process_index() != 0:
        return
    if asked and kept is None:
        print(wrapped(f"precision: {choice().precision} ({choice().reason})"))
    goes_on = folder is not None and latest_step(folder) < config.training.steps
    if kept == "bfloat16" and goes_on and choice().precision != kept:
        print(wrapped(f"precision: {kept}, in which this run began, though {choice().reason}"))


@cache
def choice() -> Choice:
    """What this machine is faster in; measured once in a process."""
    device = jax.local_devices()[0]
    if device.platform == "cpu":
        return by_speed(_gain())
    return by_kind(device.device_kind, str(getattr(device, "compute_capability", "")))


def by_speed(gain: float) -> Choice:
    """The arithmetic of a machine whose products of bfloat16 operands are so many times as fast as float32's."""
    if gain >= WORTH:
        return Choice("bfloat16", f"its products are {gain:.1f} times as fast here as float32's")
    return Choice("float32", f"bfloat16's products are {gain:.1f} times as fast here")


def by_kind(name: str, capability: str) -> Choice:
    """The arithmetic of an accelerator, whose native one is bfloat16 but for NVIDIA's of compute capability below 8."""
    major = capability.partition(".")[0]
    if major.isdigit() and int(major) < 8:
        return Choice("float32", f"{name} has no products of bfloat16")
    return Choice("bfloat16", f"native to {name}")


def _kept(folder: Path) -> str:
    """The arithmetic of the run of a folder."""
    with unchanged(folder):
        return str(read_folder(folder)[0].training.precision)


def _of_first_process(kept: str | None) -> str:
    """What process 0 finds a run to have, or chooses for it."""
    if jax.process_count() == 1:
        return kept or choice().precision
    own = (kept or choice().precision) if jax.process_index() == 0 else DTYPES[0]
    return DTYPES[int(multihost_utils.broadcast_one_to_all(np.asarray(DTYPES.index(own))))]


def _gain() -> float:
    """How many times as fast products are of bfloat16 operands as of float32's; both are added up in float32.

    They are timed in turn, by the clock, where the best of each counts, and by the processor, where the median does.
    Other work on the same cores spoils one or the other, and seldom both; it cannot make a gain where there is none.
    """
    operands = [jnp.asarray(np.ones((SIZE, SIZE), jnp.dtype(dtype))) for dtype in DTYPES]  # nothing is compiled
    _, *rounds = [[_seconds(operand) for operand in operands] for _ in range(1 + ROUNDS)]  # the first compiles
    by_clock, by_processor = np.min(rounds, axis=0)[:, 0], np.median(rounds, axis=0)[:, 1]
    return float(max(by_clock[0] / by_clock[1], by_processor[0] / by_processor[1]))


def _seconds(operand: jax.Array) -> tuple[float, float]:
    """Seconds of a product by the clock, and of all threads together by the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    jax.block_until_ready(_product(operand, operand))
    return time.perf_counter() - clock, time.process_time() - processor


@jax.jit
def _product(left: jax.Array, right: jax.Array) -> jax.Array:
    """In the form that XLA:CPU has fast code for: the last axis of the left with the first of the right."""
    return lax.dot_general(left, right, (((1,), (0,)), ((), ())), preferred_element_type=jnp.float32)
