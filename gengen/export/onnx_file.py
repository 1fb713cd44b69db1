"""Functions as ONNX by jax2onnx, an extra; ONNX Runtime loads them again.

What jax2onnx 0.17.1 makes of a program may be another one without an error: nearest neighbours at sizes that are no
multiple, a slice past the end. So every file is compared with the model, up to the ends of what it can be given and in
batches of several sizes.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import jax
import numpy as np
from jax.export import symbolic_shape
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun
from jax.interpreters.partial_eval import dce_jaxpr

from gengen.core.state import Variables
from gengen.export.functions import Function
from gengen.export.parity import Call
from gengen.files.whole import whole
from gengen.networks.layers.bilinear import natively

LONGEST = 160
"""Characters of what a converter says that are repeated."""


class NoOnnxError(Exception):
    """Says why a function cannot be had as ONNX."""


def write_onnx(path: Path, function: Function, variables: Variables) -> None:
    """Writes a function as ONNX, with the names of its inputs and outputs and a batch "b"; whole or not at all.

    Raises:
      NoOnnxError: it draws by a key, as ONNX cannot, or jax2onnx does not know an operation of it.
    """
    from jax2onnx import to_onnx  # an extra

    if any(one.name == "key" for one in function.inputs):
        raise NoOnnxError("it draws by a key, and ONNX has no such generator")
    names = [[one.name for one in tensors] for tensors in (function.inputs, function.outputs)]
    try:
        with _quiet():
            program, plans = traced(function, variables)
            title = f"gengen_{function.name}"
            made = to_onnx(jaxpr_as_fun(program), plans, model_name=title, input_names=names[0], output_names=names[1])
            content = made.SerializeToString()
    except Exception as error:  # of whatever kind it pleases to raise
        raise NoOnnxError(f"jax2onnx cannot: {_line(error)}") from error
    with whole(path) as file:
        file.write(content)


def traced(function: Function, variables: Variables) -> tuple[ClosedJaxpr, list[jax.ShapeDtypeStruct]]:
    """A function with its weights as a program of a symbolic batch, in JAX's operations, and its inputs.

    It is traced before jax2onnx sees it: that replaces functions of JAX and flax by operations of its own, which cannot
    be mapped over examples, and whose nearest neighbours are other ones.
    """
    (b,) = symbolic_shape("b")
    plans = [jax.ShapeDtypeStruct((b, *one.shape), np.dtype(one.dtype)) for one in function.inputs]
    with natively():
        program = jax.make_jaxpr(partial(function.run, variables))(*plans)
    looked_at, _ = dce_jaxpr(program.jaxpr, [True] * len(function.outputs), instantiate=True)
    return ClosedJaxpr(looked_at, program.consts), plans


def load_onnx(path: Path) -> Call:
    """Reads a function back, with ONNX Runtime alone, on the CPU.

    Raises:
      NoOnnxError: it cannot be read; so does the function where it cannot be run.
    """
    from onnxruntime import InferenceSession  # an extra

    with _heard():
        session = InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]

    def run(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        with _heard():
            return [np.asarray(made) for made in session.run(None, dict(zip(names, arrays, strict=True)))]

    return run


@contextmanager
def _heard() -> Iterator[None]:
    """Says what ONNX Runtime cannot do; what it raises has no type of its own."""
    try:
        yield
    except Exception as error:
        raise NoOnnxError(f"ONNX Runtime cannot: {_line(error)}") from error


def _line(error: Exception) -> str:
    said = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", " ".join(str(error).split())) or type(error).__name__
    return said if len(said) <= LONGEST else f"{said[:LONGEST]} ..."


@contextmanager
def _quiet() -> Iterator[None]:
    """Leaves out what the converter's own parts log of types that they do without."""
    logger = logging.getLogger("onnx_ir")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
