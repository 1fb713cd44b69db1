"""What is said of a run when it ends."""

from pathlib import Path

from gengen.training.checkpoint import Checkpoints
from gengen.training.loop import NonFiniteError


def ending(workdir: Path, start: int, end: int, steps: int) -> str:
    """Where a run stands that began at the step `start`, went on to `end`, and is to have `steps`."""
    if start >= steps:
        return f"{workdir} is complete at step {start}; raise --config.training.steps to train on."
    if end < steps:
        return f"stopped and saved at step {end} of {steps}; the same command goes on from there."
    return f"{workdir} is complete at step {end}."


def diverged(error: NonFiniteError, checkpoints: Checkpoints, workdir: Path) -> str:
    """What became no number, when, and what is kept of the run."""
    checkpoints.wait()
    latest = checkpoints.latest()
    kept = "no checkpoint was written yet" if latest is None else f"the checkpoint of step {latest} is kept"
    return f"{error.name} became {error.value} at step {error.step} in {workdir}; {kept}; try a lower learning rate."
