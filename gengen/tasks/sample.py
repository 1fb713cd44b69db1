"""`--mode=sample`: pictures from a run folder alone."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from gengen.build import build_model, example_batch
from gengen.core.average import evaluation_variables
from gengen.core.model import GenerativeModel, require
from gengen.core.refusal import Refusal
from gengen.core.state import Variables
from gengen.data.signature import Signature
from gengen.pictures.grid import grid, save_png, to_pixels
from gengen.tasks.outputs import output_files
from gengen.tasks.prepare import SEEDS
from gengen.training.checkpoint import Checkpoints
from gengen.training.run_folder import read_folder

CHUNK = 256
"""Images made in one call: bounds memory, and is compiled once however many are asked for."""


def sampler(model: GenerativeModel) -> Callable[[Variables, int, int], np.ndarray]:
    """Returns `(variables, seed, n) -> images uint8 [n, H, W, C]`; image i does not depend on n.

    Raises:
      Refusal: the model cannot sample.
    """
    sample = jax.jit(require(model, "sample"), static_argnums=2)

    def draw(variables: Variables, seed: int, n: int) -> np.ndarray:
        key = jax.random.key(seed)
        size = min(n, CHUNK)
        chunks = [sample(jax.random.fold_in(key, place), variables, size) for place in range(-(-n // size))]
        return np.concatenate([to_pixels(chunk) for chunk in chunks])[:n]

    return draw


def restore(workdir: Path, *, best: bool = False) -> tuple[GenerativeModel, int, Any]:
    """Builds the model of a run folder and restores its latest state.

    Args:
      workdir: the run folder.
      best: restore the best checkpoint by the run's own scores instead.

    Returns:
      The model, the number of steps it was trained for, and its state.

    Raises:
      Refusal: the folder holds no run or no checkpoint.
    """
    config, data = read_folder(workdir)
    signature = Signature.from_json(data)
    model = build_model(config, signature)
    template = jax.eval_shape(model.init, jax.random.key(0), example_batch(signature))
    folder = workdir / ("best" if best else "checkpoints")
    checkpoints = Checkpoints(folder, read_only=True) if folder.is_dir() else None
    restored = checkpoints.restore_latest(template) if checkpoints else None
    if restored is None and best:
        raise Refusal(f"{workdir} holds no best checkpoint; it is kept where config.evaluation.every is not 0.")
    if restored is None:
        raise Refusal(f"{workdir} holds no checkpoint yet; run its training until the first one.")
    return model, *restored


def run(workdir: Path, *, num: int, seed: int, output: Path | None, best: bool = False, raw: bool = False) -> Path:
    """Writes `num` samples of a run as an .npz (`images` uint8 [N, H, W, C]) and as a .png grid beside it.

    Args:
      workdir: the run folder.
      num: number of samples.
      seed: of the noise; the same seed gives the same pictures.
      output: the .npz to write, its ending added if it has none; `samples.npz` in the run folder by default.
      best: take the best checkpoint instead of the latest.
      raw: take the weights as trained instead of their average.

    Returns:
      The path of the .npz.

    Raises:
      Refusal: a number is out of range, `output` is a folder, or the run has no checkpoint.
    """
    check_flags(num=num, least=1, seed=seed)
    model, _, state = restore(workdir, best=best)
    output, picture = output_files(output, workdir / "samples.npz", ".npz", ".png")
    images = sampler(model)(evaluation_variables(state, raw=raw), seed, num)
    save_npz(output, images)
    save_png(picture, grid(images))
    print(picture)
    return output


def check_flags(*, num: int, least: int, seed: int) -> None:
    """Checks the flags of tasks that draw samples.

    Raises:
      Refusal: there are fewer samples than `least`, or the seed is out of range.
    """
    if num < least:
        raise Refusal(f"--num={num} must be at least {least}.")
    if not 0 <= seed < SEEDS:
        raise Refusal(f"--seed={seed} must lie in [0, {SEEDS}).")


def save_npz(path: Path, images: np.ndarray) -> None:
    """Writes `images` to a compressed .npz that appears whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            np.savez_compressed(file, images=images)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
