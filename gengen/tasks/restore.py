"""`--mode=restore`: what a run makes of pictures with holes, of few pixels, without colours, blurred or noisy."""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from gengen.core.refusal import Refusal
from gengen.core.units import Units
from gengen.files.whole import write_whole
from gengen.inference.restoring import FIRST, INVERTED, Restored, Restorer, fills_of, method_of
from gengen.metrics.interval import of_blocks
from gengen.metrics.pairs import PSNR_CEILING, psnr
from gengen.pictures.captions import contact, save_sheet
from gengen.pictures.grid import has_alpha
from gengen.reports.tables import number, with_interval
from gengen.restoration.operators import Operator
from gengen.restoration.problems import PROBLEMS, Problem
from gengen.runs.data import Shown, held_out, pictures_of
from gengen.runs.outputs import output_files, save_npz
from gengen.runs.run import Run

COLUMNS = 9
"""Pictures beside each other."""

LOUDEST = 10.0
"""The largest standard deviation of noise on values in [-1, 1] that anything is seen behind."""


class Task(NamedTuple):
    """What is to be restored.

    Attributes:
      name: one of `PROBLEMS`.
      problem: of that name.
      amount: that its operator was built with; None where it takes none.
      operator: of pictures of the run.
      noise: standard deviation of the noise on observations, in the model's units.
    """

    name: str
    problem: Problem
    amount: float | None
    operator: Operator
    noise: float


def main(
    run: Run,
    *,
    num: int,
    seed: int,
    output: Path | None,
    source: Path | None,
    op: str | None,
    method: str | None,
    amount: float | None,
    noise: float | None,
    steps: int,
    dark: bool,
) -> Path:
    """Writes pictures, what was seen of them, trivial answers and restorations as a .png, with an .npz and a .json.

    The .npz holds `true` and `restored`, uint8 [N, H, W, C], `seen` in the model's units, [-1, 1], each trivial answer
    under its name and, where they were looked for, `latents`. The .json holds the PSNR of each answer with its interval
    over pictures, by how much the restorations are better than each trivial answer, picture by picture, and how far
    they are from what was seen: A x - y, at most, before they are rounded to bytes and after.

    Args:
      run: the run.
      num: number of pictures.
      seed: of the choice of the pictures and of all noise.
      output: the .png to write, its ending added if it has none; `restored-OP-METHOD.png` in the run folder by default.
      source: a picture of the user, or a folder of them, in the place of held-out ones.
      op: one of `PROBLEMS`.
      method: one of `METHODS`, or "inverted"; None for the first that the model can do.
      amount: the number that the operator takes; None for its default.
      noise: standard deviation of the noise on what is seen, in the model's units; None for that of the problem.
      steps: from noise to data, or of the descent to latents.
      dark: whether the sheet is light on dark.

    Returns:
      The path of the .png.

    Raises:
      Refusal: the data are no pictures, the model restores nothing, a name or number does not fit, or pictures cannot
        be had.
    """
    task = _asked(run, op, amount, noise)
    way = method_of(run.model, method, task.noise, task.operator, steps)
    name = INVERTED if way is None else method or FIRST
    shown = held_out(run.data(), num, seed) if source is None else pictures_of(source, run.signature, num)
    default = run.folder / f"restored-{task.name}-{name}.png"
    paths = output_files(output, default, ".png", ".npz", ".json", source=source)
    restorer = Restorer(run.model, run.signature.units, run.variables, seed, run.signature.shape)
    found = restorer.restore(shown.images, task.operator, task.noise, way, steps)
    about = {"name": name, "steps": steps, "calls": way.calls if way else None}
    return _written(run, task, shown, found, paths, {"seed": seed, "method": about}, dark=dark)


def _written(
    run: Run, task: Task, shown: Shown, found: Restored, paths: list[Path], told: dict[str, Any], *, dark: bool
) -> Path:
    """Writes and prints what came of pictures; the path of the .png."""
    picture, arrays, path = paths
    units = run.signature.units
    view = units.to_data(task.problem.view(task.operator, jnp.asarray(found.seen)))
    fills, restored = fills_of(task.problem, task.operator, found.seen, units), units.to_data(found.restored)
    others = {title: fill for title, fill in fills.items() if not np.array_equal(fill, view)}
    rows = {"true": shown.images, "seen": view, **others, "restored": restored}
    report = {
        **run.origin,
        **told,
        "data": run.signature.name,
        "pictures": {"number": len(restored), "title": shown.title},
        "op": {"name": task.name, "amount": task.amount, "noise": task.noise},
        **scores(shown.images, restored, fills),
        "consistency": consistency(task.operator, units, found.seen, found.restored),
    }
    kept = {"latents": found.latents} if found.latents is not None else {}
    save_npz(arrays, {**rows, **fills, "seen": found.seen, **kept})
    write_whole(path, json.dumps(report, indent=2))
    said = f"{_said(task)}, {told['method']['name']} in {told['method']['steps']} steps"
    save_sheet(picture, contact(rows, COLUMNS, shown.title), f"{run.title} · {said}", dark=dark)
    print(f"{shown.title}, {said}; rows, from above: {', '.join(rows)}")
    print("\n".join(_lines(report)))
    print(path)
    return picture


def scores(true: np.ndarray, restored: np.ndarray, fills: dict[str, np.ndarray]) -> dict[str, Any]:
    """The PSNR in decibels of restorations and of trivial answers, and by how much the first is larger, as JSON.

    Args:
      true: pictures uint8 [N, H, W, C].
      restored: what was made of observations of them.
      fills: trivial answers by their names.

    Returns:
      "psnr" by "restored" and the names of trivial answers, and "better_by" by these; each with the interval of its
      mean over pictures, which a single picture does not have.
    """
    ratios = {
        name: np.minimum(psnr(made, true), PSNR_CEILING) for name, made in (("restored", restored), *fills.items())
    }
    better = {name: ratios["restored"] - ratios[name] for name in fills}
    return {
        "psnr": {name: _estimate(values) for name, values in ratios.items()},
        "better_by": {name: _estimate(values) for name, values in better.items()},
    }


def consistency(operator: Operator, units: Units, seen: np.ndarray, restored: np.ndarray) -> dict[str, float]:
    """How far restorations are from what was seen of them, at most, in the model's units.

    Args:
      operator: A.
      units: of the data.
      seen: y, [N, *operator.shape].
      restored: x, [N, H, W, C] in the model's units.

    Returns:
      The largest |A x - y| "before_rounding" and "after_rounding" x to the data's own values.
    """

    def far(pictures: np.ndarray) -> float:
        return float(abs(np.asarray(operator.forward(jnp.asarray(pictures))) - seen).max())

    return {"before_rounding": far(restored), "after_rounding": far(units.to_model(units.to_data(restored)))}


def _asked(run: Run, op: str | None, amount: float | None, noise: float | None) -> Task:
    """What the flags ask for."""
    kind, shape = run.signature.kind, run.signature.shape
    if kind != "picture" or has_alpha(shape[-1]):
        what = "have transparent parts" if kind == "picture" else f"are {kind}"
        raise Refusal(f"the data of {run.folder}, {run.signature.name}, {what}, and --mode=restore is for pictures.")
    if op is None or op not in PROBLEMS:
        given = f"--op={op} is none of" if op else "--mode=restore takes --op, one of"
        raise Refusal(f"{given} {', '.join(PROBLEMS)}; name what is to be undone.")
    problem = PROBLEMS[op]
    noise = problem.noise if noise is None else noise
    if not 0 <= noise <= LOUDEST:
        raise Refusal(f"--noise={noise:g} must lie in [0, {LOUDEST:g}], a standard deviation of values in [-1, 1].")
    if op == "denoise" and noise == 0:
        raise Refusal("--noise=0 leaves nothing to be taken away by --op=denoise; name another number.")
    used = _checked(op, problem, amount)
    try:
        operator = problem.build(shape, 0.0 if used is None else used)
    except ValueError as error:
        raise Refusal(f"--op={op}: {error}; choose another --op{'' if used is None else ' or --amount'}.") from error
    return Task(op, problem, used, operator, noise)


def _checked(op: str, problem: Problem, amount: float | None) -> float | None:
    """The amount that an operator is built with; None where it takes none."""
    if problem.amount is None:
        if amount is not None:
            instead = "; its noise is --noise" if op == "denoise" else ""
            raise Refusal(f"--amount={amount:g} would not be heeded by --op={op}{instead}; leave it out.")
        return None
    default, within, meaning, whole = problem.amount
    value = default if amount is None else amount
    if not (math.isfinite(value) and within.holds(value)) or (whole and value != int(value)):
        left, right = "(" if within.above else "[", ")" if within.below else "]"
        kind = "a whole number" if whole else "a number"
        raise Refusal(
            f"--amount={value:g} of --op={op} must be {kind} in {left}{within.low:g}, {within.high:g}{right}, "
            f"{meaning}."
        )
    return value


def _estimate(values: np.ndarray) -> dict[str, float]:
    return of_blocks(values)._asdict() if len(values) > 1 else {"value": float(values[0])}


def _told(estimate: dict[str, float]) -> str:
    return with_interval(estimate) if "low" in estimate else number(estimate["value"])


def _said(task: Task) -> str:
    """What was done to pictures, in words."""
    amount = "" if task.amount is None else f" of {task.amount:g}"
    return f"{task.name}{amount}{f', noise {task.noise:g}' if task.noise else ''}"


def _lines(report: dict[str, Any]) -> list[str]:
    """What is printed of a report."""
    ratios = ", ".join(f"{name} {_told(values)}" for name, values in report["psnr"].items())
    far = report["consistency"]
    return [
        f"PSNR in dB: {ratios}",
        *(f"better than {name} by {_told(values)} dB" for name, values in report["better_by"].items()),
        f"farthest from what was seen: {far['before_rounding']:.2g}, rounded to bytes {far['after_rounding']:.2g}, of "
        f"values in [-1, 1]",
    ]
