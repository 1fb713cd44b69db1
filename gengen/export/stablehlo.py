"""Functions as StableHLO by `jax.export`: programs of a symbolic batch for every platform, which JAX alone loads."""

from collections.abc import Sequence
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
    with natively():
        return export.export(jax.jit(partial(function.run, variables)), platforms=PLATFORMS)(*plans)


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
