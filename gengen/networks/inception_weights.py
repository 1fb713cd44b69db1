"""The public weights of the Inception score and the Fréchet Inception distance, made into variables of `Inception`.

The weights are Google's of 5 December 2015, which the authors of both scores used. The file of them in PyTorch's format
is the one that pytorch-fid and torch-fidelity publish; `gengen.data.torch_file` reads it.
"""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gengen.networks.inception import FEATURES, LOGITS, SIZE, Inception

FILE = "weights-inception-2015-12-05-6726825d.pth"
"""Name of the public file; pytorch-fid publishes the same bytes as pt_inception-2015-12-05-6726825d.pth."""

PUBLISHED = (
    "https://github.com/toshas/torch-fidelity/releases/tag/v0.2.0",
    "https://github.com/mseitzer/pytorch-fid/releases/tag/fid_weights",
)
"""Pages where the file can be downloaded, 96 MB."""

SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
"""Checksum of the public file, whose first eight digits are part of its name."""

EPSILON = 1e-3
"""What the network's batch normalisation adds to the variance."""


def state_shapes() -> dict[str, tuple[int, ...]]:
    """Name and shape of every array that the public file must hold, in the order of their names."""
    shapes: dict[str, tuple[int, ...]] = {"fc.weight": (LOGITS, FEATURES), "fc.bias": (LOGITS,)}
    for path, (height, width, channels, features) in _kernel_shapes().items():
        layer = ".".join(path)
        shapes[f"{layer}.conv.weight"] = (features, channels, height, width)
        for name in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{layer}.bn.{name}"] = (features,)
    return dict(sorted(shapes.items()))


def variables_of(state: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Maps the arrays of the public file to the variables of `Inception`.

    Batch normalisation with running statistics is y = (x - mean) * s + b with s = weight / sqrt(var + `EPSILON`); the
    convolution before it has no bias, so that s goes into the kernel and b - mean * s becomes the bias.

    Args:
      state: arrays by name, as `state_shapes` lists them. Others, such as counts of batches, are left alone.

    Returns:
      What `Inception().init` returns, as float32 arrays of NumPy.

    Raises:
      ValueError: arrays are missing or have another shape.
    """
    shapes = state_shapes()
    missing = [name for name in shapes if name not in state]
    if missing:
        raise ValueError(f"the weights of Inception lack {_few(missing)}")
    wrong = [f"{name} {state[name].shape}, not {shape}" for name, shape in shapes.items() if state[name].shape != shape]
    if wrong:
        raise ValueError(f"the weights of Inception have other shapes: {_few(wrong)}")
    params: dict[str, Any] = {"fc": {"kernel": _single(state["fc.weight"].T)}, "fc_bias": _single(state["fc.bias"])}
    for layer in (name.removesuffix(".conv.weight") for name in shapes if name.endswith(".conv.weight")):
        weight, bias, mean, var = (
            state[f"{layer}.bn.{name}"].astype(np.float64) for name in ("weight", "bias", "running_mean", "running_var")
        )
        scale = weight / np.sqrt(var + EPSILON)
        kernel = state[f"{layer}.conv.weight"].transpose(2, 3, 1, 0) * scale
        *path, last = layer.split(".")
        block = params
        for name in path:
            block = block.setdefault(name, {})
        block[last] = {"kernel": _single(kernel), "bias": _single(bias - mean * scale)}
    return {"params": params}


@functools.cache
def _kernel_shapes() -> dict[tuple[str, ...], tuple[int, ...]]:
    """Shape [kh, kw, c, f] of every convolution's kernel, by the names of its block, if any, and its layer."""
    images = jax.ShapeDtypeStruct((1, SIZE, SIZE, 3), jnp.float32)
    params = jax.eval_shape(Inception().init, jax.eval_shape(lambda: jax.random.key(0)), images)["params"]
    leaves = jax.tree.leaves_with_path(params)
    paths = {tuple(str(key.key) for key in path): leaf.shape for path, leaf in leaves}
    return {path[:-1]: shape for path, shape in paths.items() if len(shape) == 4}


def _single(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.float32)


def _few(items: list[str]) -> str:
    return ", ".join(items[:3]) + (f" and {len(items) - 3} more" if len(items) > 3 else "")
