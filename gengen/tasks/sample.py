"""`--mode=sample`: pictures from a run folder alone."""

from pathlib import Path
from typing import Any, Protocol

import jax
import numpy as np
from ml_collections import ConfigDict

from gengen.build.model import build_model, example_batch
from gengen.core.model import GenerativeModel, require
from gengen.core.refusal import Refusal
from gengen.core.state import Variables
from gengen.data.signature import Signature
from gengen.pictures.grid import LEAST, grid, save_png, to_pixels
from gengen.tasks import machine
from gengen.tasks.conditions import LABEL, Told, by_class, columns_of, of_class
from gengen.tasks.data_of_run import data_of
from gengen.tasks.opened import opened, unchanged
from gengen.tasks.outputs import output_files, save_npz
from gengen.tasks.samplers import complete
from gengen.tasks.sections import SEEDS
from gengen.training.checkpoint import Checkpoints

NUMBERS = 2**31
"""Images are numbered by JAX's integers, of which there are as many from 0 on."""

CHUNK = 256
"""Images made in one call: bounds memory, and is compiled once however many are asked for."""


class Draw(Protocol):
    """What draws images uint8 [n, H, W, C] with the variables of a model."""

    def __call__(self, variables: Variables, seed: int, n: int, condition: Told | None = None) -> np.ndarray:
        """Draws n images; image i depends on the seed, on i and on what it is told in `condition` alone."""


def sampler(model: GenerativeModel) -> Draw:
    """Returns what draws samples of a model, a chunk at a time; image i does not depend on n.

    Raises:
      Refusal: the model cannot sample.
    """
    sample = jax.jit(require(model, "sample"), static_argnums=2)

    def draw(variables: Variables, seed: int, n: int, condition: Told | None = None) -> np.ndarray:
        key = jax.random.key(seed)
        size = min(n, CHUNK)
        chunks = [
            to_pixels(sample(jax.random.fold_in(key, place), variables, size, _part(condition, place * size, size, n)))
            for place in range(-(-n // size))
        ]
        return np.concatenate(chunks)[:n]

    return draw


def _part(condition: Told | None, start: int, size: int, n: int) -> Told | None:
    """What the samples of one chunk are told; those beyond the last of n, which nobody sees, what the last is told."""
    if condition is None:
        return None
    places = np.minimum(np.arange(start, start + size), n - 1)
    return {name: values[places] for name, values in condition.items()}


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
    config, signature = opened(workdir)
    with unchanged(workdir):
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


def run(
    workdir: Path,
    *,
    num: int,
    seed: int,
    output: Path | None,
    best: bool = False,
    raw: bool = False,
    label: str | None = None,
) -> Path:
    """Writes `num` samples of a run as an .npz (`images` uint8 [N, H, W, C]) and as a .png grid beside it.

    Where the model takes labels, the .npz also has the `labels` asked for, int32 [N].

    Args:
      workdir: the run folder.
      num: number of samples.
      seed: of the noise; the same seed gives the same pictures.
      output: the .npz to write, its ending added if it has none; `samples.npz` in the run folder by default.
      best: take the best checkpoint instead of the latest.
      raw: take the weights as trained instead of their average.
      label: name or number of the class of all samples; without it sample i is of class i mod K, and each class has a
        column of the grid.

    Returns:
      The path of the .npz.

    Raises:
      Refusal: a number is out of range, `output` is a folder, the run has no checkpoint, there is no such class, or
        the model takes no labels and one is given.
    """
    check_flags(num=num, least=1, seed=seed)
    model, step, state = restore(workdir, best=best)
    config, signature = opened(workdir)
    settings = config.get("evaluation", ConfigDict())  # older folders have none
    model, variables = complete(
        model, workdir, step, state, settings, best=best, raw=raw, load=lambda: data_of(workdir)
    )
    check_room(num, signature, f"--num={num}")
    told = by_class(model, num) if label is None else of_class(model, num, label, signature.classes)
    output, picture = output_files(output, workdir / "samples.npz", ".npz", ".png")
    images = sampler(model)(variables, seed, num, told)
    save_npz(output, {"images": images, **({"labels": told[LABEL]} if told else {})})
    save_png(picture, grid(images, columns=columns_of(model) if label is None else None))
    print(picture)
    return output


def check_flags(*, num: int, least: int, seed: int) -> None:
    """Checks the flags of tasks that draw samples.

    Raises:
      Refusal: there are fewer samples than `least` or too many to be numbered, or the seed is out of range.
    """
    if num < least:
        raise Refusal(f"--num={num} must be at least {least}.")
    if num >= NUMBERS:
        raise Refusal(f"--num={num} must be below {NUMBERS}.")
    check_seed(seed)


def check_room(number: int, signature: Signature, what: str) -> None:
    """Checks that so many images and their grid fit into memory.

    Raises:
      Refusal: they do not; the sentence names the flag `what` that asks for them.
    """
    size = signature.height * signature.width * signature.channels
    cell = max(size, LEAST**2 * signature.channels)  # grids enlarge small images, and copy them once
    machine.check_memory(number * (size + 2 * cell), what)


def check_seed(seed: int) -> None:
    """Checks the seed of the noise.

    Raises:
      Refusal: it is out of range.
    """
    if not 0 <= seed < SEEDS:
        raise Refusal(f"--seed={seed} must lie in [0, {SEEDS}).")
