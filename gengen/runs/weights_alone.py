"""Runs of weights alone: what a model needs to be used, without what its optimizers had, rounded to 16 bits."""

import json
import zipfile
import zlib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from gengen.core.refusal import Refusal
from gengen.core.state import State, Variables
from gengen.files.whole import whole
from gengen.runs.folder import WEIGHTS

ORIGIN = "origin"
"""The array of the file that says in JSON which step the weights are of."""


def write_weights(folder: Path, variables: Variables, step: int) -> Path:
    """Writes the variables of a run, floats rounded to float16, as a compressed .npz that appears whole or not at all.

    Args:
      folder: of the run.
      variables: of its model.
      step: that they are of.

    Returns:
      The path of the file.

    Raises:
      ValueError: a number does not fit into float16.
    """
    arrays = {path: np.asarray(leaf) for path, leaf in flatten_dict(jax.device_get(variables), sep="/").items()}
    rounded = {path: array.astype("<f2") if array.dtype == np.float32 else array for path, array in arrays.items()}
    if wrong := [path for path, array in rounded.items() if not np.isfinite(array).all()]:
        raise ValueError(f"{wrong[0]} has numbers beyond 65,504")
    with whole(folder / WEIGHTS) as file:
        np.savez_compressed(file, allow_pickle=False, **{ORIGIN: np.asarray(json.dumps({"step": step})), **rounded})
    return folder / WEIGHTS


def read_weights(folder: Path, template: State) -> tuple[int, State]:
    """Reads what `write_weights` wrote; averages, where there are any, are the same weights.

    Args:
      folder: of the run.
      template: the shapes and types of its state.

    Returns:
      The step, and a state whose optimizers are as `template` has them.

    Raises:
      Refusal: the file is damaged, or of another model.
    """
    shapes = flatten_dict(template.variables, sep="/")
    try:
        with (folder / WEIGHTS).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            step = int(json.loads(str(file[ORIGIN]))["step"])
            found = {path: np.asarray(file[path]) for path in file.files if path != ORIGIN}
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise Refusal(f"{folder / WEIGHTS} is damaged ({error}): copy it again.") from error
    if {path: array.shape for path, array in found.items()} != {path: leaf.shape for path, leaf in shapes.items()}:
        raise Refusal(f"{folder / WEIGHTS} holds the weights of another model than {folder / 'config.json'} says.")
    arrays = {path: jnp.asarray(found[path], leaf.dtype) for path, leaf in shapes.items()}
    variables = unflatten_dict(arrays, sep="/")
    average = {name: variables[name] for name in template.average if name in variables}
    return step, template.replace(variables=variables, average=average)
