"""The child's side of a measurement: it makes a training step ready, then takes steps whenever it is asked to.

A child answers in lines of JSON on its standard output: once when it is ready, and once for each line "SECONDS" on its
standard input. Between two of them it sleeps, so that children can be measured in turn on the same cores.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

MEMORY = Path("/proc/self/status")


class Stepper(NamedTuple):
    """A training step that is ready.

    Attributes:
      steps: how many steps one call of `take` takes.
      take: takes them and returns what `wait` needs.
      wait: waits until the steps of a call are done.
      versions: of the libraries, by name.
    """

    steps: int
    take: Callable[[], Any]
    wait: Callable[[Any], None]
    versions: Mapping[str, str]


def serve(prepare: Callable[[], Stepper]) -> None:
    """Answers the parent until it closes the standard input.

    Args:
      prepare: makes the step ready, without having taken one.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    begin = time.perf_counter()
    stepper = prepare()
    ready = time.perf_counter() - begin
    first, later = (measured(stepper, 0.0) for _ in range(2))
    answer = {
        "prepare_seconds": ready,
        "compile_seconds": max(first["seconds"] - later["seconds"], 0.0),
        "compile_processor_seconds": max(first["processor_seconds"] - later["processor_seconds"], 0.0),
        "versions": dict(stepper.versions),
    }
    print(json.dumps(answer), file=answers)
    for line in sys.stdin:
        taken = measured(stepper, float(line))
        print(json.dumps({**taken, "peak_memory_mib": peak_memory()}), file=answers)


def measured(stepper: Stepper, seconds: float) -> dict[str, float]:
    """Takes steps for at least so many seconds, one call in flight as in a run, and says how long how many took.

    The processor's seconds, of all threads together, are what is left to go by where other programs fill the machine.
    """
    begin, busy, calls = time.perf_counter(), time.process_time(), 1
    before = stepper.take()
    while time.perf_counter() - begin < seconds:
        after = stepper.take()
        stepper.wait(before)
        before, calls = after, calls + 1
    stepper.wait(before)
    spent = {"seconds": time.perf_counter() - begin, "processor_seconds": time.process_time() - busy}
    return {**spent, "steps": calls * stepper.steps}


def peak_memory() -> float:
    """MiB of memory that this process has had at most, by Linux's own count."""
    (line,) = (line for line in MEMORY.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
