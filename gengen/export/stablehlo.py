"""Functions as StableHLO by `jax.export`: programs of a symbolic batch for every platform, which JAX alone loads."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import jax
import numpy as np
from jax import export

from gengen.core.state import Variables
from gengen.export.functions import Function
from gengen.export.parity import Call
from gengen.files.whole import whole
from gengen.networks.layers.bilinear import natively

PLATFORMS = ("cpu", "cuda", "tpu")
"""What the programs run on."""


def lowered(function: Function, variables: Variables) -> export.Exported:
    """A function with its weights, as StableHLO; the batch is "b" in all shapes, at least 1."""
    (b,) = export.symbolic_shape("b")
    plans = [jax.ShapeDtypeStruct((b, *one.shape), np.dtype(one.dtype)) for one in function.inputs]
    with natively(), _nowhere():
        return export.export(jax.jit(partial(function.run, variables)), platforms=PLATFORMS)(*plans)


@contextmanager
def _nowhere() -> Iterator[None]:
    """Leaves out where in which file each operation was asked for: paths of this machine are nobody else's business."""
    name = "jax_traceback_in_locations_limit"
    before = getattr(jax.config, name)
    jax.config.update(name, 0)
    try:
        yield
    finally:
        jax.config.update(name, before)


def write_stablehlo(path: Path, function: Function, variables: Variables) -> None:
    """Writes a function as what `jax.export.deserialize` reads; whole or not at all."""
    with whole(path) as file:
        file.write(lowered(function, variables).serialize())


def load_stablehlo(path: Path) -> Call:
    """Reads a function back, with JAX alone."""
    exported = export.deserialize(bytearray(path.read_bytes()))

    def run(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        made: tuple[jax.Array, ...] = exported.call(*arrays)
        return [np.asarray(one) for one in made]

    return run
