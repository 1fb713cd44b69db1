"""What is said of a run when it ends."""

from collections.abc import Callable, Sequence
from pathlib import Path

from gengen.training.checkpoint import Checkpoints
from gengen.training.loop import NonFiniteError

Layers = Callable[[], Sequence[str]]
"""Names of the layers of a model, in order; see `GenerativeModel.layers`."""


def ending(workdir: Path, start: int, end: int, steps: int, kept: int) -> str:
    """Where a run stands that began at the step `start`, went on to `end`, of which `kept` are kept, out of `steps`."""
    if start >= steps:
        return f"{workdir} is complete at step {start}; raise --config.training.steps to train on."
    if kept < end:
        return f"{stopped_at(workdir, end, kept)}; a run that can be healed goes on from where it was looked at."
    if end < steps:
        return f"stopped and saved at step {end} of {steps}; the same command goes on from there."
    return f"{workdir} is complete at step {end}."


def stopped_at(workdir: Path, end: int, kept: int) -> str:
    """Where a run was stopped that goes on from an earlier step."""
    return f"{workdir} stopped at step {end}; the same command goes on from step {kept}"


def diverged(
    error: NonFiniteError, layers: Layers | None, checkpoints: Checkpoints, workdir: Path, spent: str = ""
) -> str:
    """What became no number, in which of the model's layers, when, what is kept of the run, and what was tried."""
    checkpoints.wait()
    latest = checkpoints.latest()
    kept = "no checkpoint was written yet" if latest is None else f"the checkpoint of step {latest} is kept"
    tried = f"{spent}; " if spent else ""
    return f"{error}{_layer(error, layers)} in {workdir}; {tried}{kept}; try a lower learning rate."


def _layer(error: NonFiniteError, layers: Layers | None) -> str:
    """Where numbers stopped being finite, if layers were counted and one of them is to blame."""
    if layers is None or error.finite_layers == 1:
        return ""
    names = layers()
    return f", first after the layer {names[round(error.finite_layers * len(names))]!r},"
