"""All weights of a run as safetensors: https://github.com/huggingface/safetensors, which holds arrays and no code.

Three things that its version 0.8.0 does with NumPy's arrays, and what is done about them. It writes the memory of an
array under the shape that it has, so that a transposed one comes back as another, silently: here all are laid out row
by row first. It reads arrays in an order that changes from process to process: they are compared by name. It does not
read bfloat16 at all: such arrays are written as float32, which holds each of their values, and the metadata says so.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from gengen.core.refusal import Refusal
from gengen.core.state import Variables
from gengen.files.whole import whole

WIDER = {"bfloat16": "float32"}
"""Types that NumPy has not, and those that hold all of their values."""


def named(variables: Variables) -> dict[str, np.ndarray]:
    """The arrays of variables by their paths, such as "generator/params/Dense_0/kernel", each laid out row by row."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(variables)
    found = {jax.tree_util.keystr(path, simple=True, separator="/"): np.asarray(leaf) for path, leaf in leaves}
    return {name: np.array(array, WIDER.get(array.dtype.name), order="C") for name, array in sorted(found.items())}


def widened(variables: Variables) -> dict[str, str]:
    """The types of the arrays that are written in a wider one, by their paths."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(variables)
    found = {jax.tree_util.keystr(path, simple=True, separator="/"): leaf.dtype.name for path, leaf in leaves}
    return {name: dtype for name, dtype in found.items() if dtype in WIDER}


def write_weights(path: Path, variables: Variables, about: Mapping[str, Any]) -> None:
    """Writes variables with what is said about them, as JSON by its keys; whole or not at all.

    Args:
      path: of the file.
      variables: to write.
      about: what the metadata say.
    """
    from safetensors.numpy import save  # an extra

    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in about.items()}
    if types := widened(variables):
        texts["widened"] = json.dumps(types)
    with whole(path) as file:
        file.write(save(named(variables), texts))


def check_weights(path: Path, variables: Variables) -> None:
    """Checks that a file holds the variables, bit for bit.

    Raises:
      Refusal: it does not.
    """
    from safetensors.numpy import load_file

    found, expected = load_file(path), named(variables)
    if found.keys() != expected.keys():
        raise Refusal(f"{path.name} holds other arrays than the model; nothing was written, leave safetensors out.")
    for name, array in expected.items():
        same = (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        if not same or found[name].tobytes() != array.tobytes():
            raise Refusal(f"{path.name} changes {name} of the model; nothing was written, leave safetensors out.")
