"""`--mode=trajectory`: how samples come out of noise, step by step, as a picture and as a film."""

from pathlib import Path

import jax
import numpy as np

from gengen.core.model import Batch, SampleFn
from gengen.core.refusal import Refusal
from gengen.core.state import Variables
from gengen.inference.conditions import LABEL, Conditions, as_flags_say, names_of
from gengen.inference.sampling import drawing
from gengen.inference.shown import frame, paths, thumbnails
from gengen.pictures.animation import save_film, stamped
from gengen.pictures.captions import save_sheet
from gengen.pictures.grid import grid, without_alpha
from gengen.pictures.landscape import landscape
from gengen.runs.data import held_out
from gengen.runs.limits import check_room
from gengen.runs.outputs import output_files, save_npz
from gengen.runs.run import Run

ROWS, LINES, COLUMNS = 8, 32, 9
"""Samples of the picture, each in a row of its own, those of points, which are lines, and steps that are shown."""

FRAMES = 100
"""The most pictures of a film."""

DATA, WIDER = 400, 0.3
"""Held-out points of a film, and how far its frame goes beyond theirs, as a share of its width: noise is wide."""


def main(
    run: Run, *, num: int, seed: int, output: Path | None, label: str | None, text: str | None, dark: bool
) -> Path:
    """Writes where samples are before the first step of their sampler and after each, from noise to what is sampled.

    They are the samples that `--mode=sample` draws by the same flags. The .png has a row, or of points a line, for each
    of the first ones; the .gif moves all of them. The .npz holds `states` [N, S, *shape] in the data's units and the
    `steps` int [S] after which they were taken, at most `FRAMES` and evenly chosen.

    Args:
      run: the run.
      num: number of samples.
      seed: of the noise.
      output: the .png to write, its ending added if it has none; `trajectory.png` in the run folder by default.
      label: name or number of the class of all samples; without it sample i is of class i mod K.
      text: that all samples are told, in words.
      dark: whether the sheet is light on dark.

    Returns:
      The path of the .png.

    Raises:
      Refusal: samples do not come out of noise step by step, there would be no room for so many, or there is no such
        class or text.
    """
    model = run.model
    if model.trajectory is None:
        raise Refusal(f"{run.folder} is not of diffusion: its samples have no steps; --mode=sample draws them.")
    check_room(num * FRAMES, run.signature, f"--num={num}")
    condition = as_flags_say(model, num, run.signature.classes, label=label, text=text)
    picture, film, arrays = output_files(output, run.folder / "trajectory.png", ".png", ".gif", ".npz")
    steps, states = _taken(run, model.trajectory, num, seed, condition)
    save_npz(arrays, {"states": states, "steps": steps})
    columns = np.unique(np.linspace(0, len(steps) - 1, COLUMNS).round().astype(int))
    named = names_of(condition[LABEL][:ROWS], run.signature.classes) if LABEL in condition else ()
    across = [f"step {step}" for step in steps[columns]]
    rows = LINES if run.signature.kind == "points" else ROWS
    block = paths(run.signature, states[:rows, columns], rows=named, across=across)
    save_sheet(picture, [block], f"{run.title} · from noise to samples{f' · {text}' if text else ''}", dark=dark)
    save_film(film, [stamped(still, f"step {step}") for step, still in zip(steps, _stills(run, states), strict=True)])
    print(f"{num} samples in {steps[-1]} steps, step {run.step}\n{film}\n{arrays}")
    return picture


def _taken(run: Run, trajectory: SampleFn, num: int, seed: int, told: Conditions) -> tuple[np.ndarray, np.ndarray]:
    """The steps after which something is shown [S], and where samples are then [N, S, *shape]."""
    whole = jax.eval_shape(lambda key: trajectory(key, run.variables, num, dict(told) or None), jax.random.key(seed))
    steps = np.linspace(0, whole.shape[1] - 1, min(whole.shape[1], FRAMES)).round().astype(int)

    def some(key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        return trajectory(key, variables, n, condition)[:, steps]

    return steps, drawing(some)(run.variables, seed, num, told or None, run.signature.units.to_data)


def _stills(run: Run, states: np.ndarray) -> list[np.ndarray]:
    """Pictures of all samples at each step, uint8 [H, W, C]; those of points in the plane have data beside them."""
    signature = run.signature
    if signature.shape != (2,):
        return [grid(without_alpha(thumbnails(signature, now))) for now in states.swapaxes(0, 1)]
    data, (low, high) = held_out(run.data(), DATA, 0).images, frame(signature)
    beyond = WIDER * (high - low)
    return [landscape(data, now, low - beyond, high + beyond) for now in states.swapaxes(0, 1)]
