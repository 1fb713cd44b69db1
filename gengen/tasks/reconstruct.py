"""`--mode=reconstruct`: images, and what is left of them after the way through the code and back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gengen.build.parts import build_part
from gengen.core.model import require
from gengen.core.refusal import Refusal
from gengen.core.units import Units
from gengen.inference.conditions import names_of
from gengen.inference.latents import Latents, label_condition
from gengen.inference.shown import pairs
from gengen.metrics.interval import of_blocks
from gengen.pictures.captions import save_sheet
from gengen.reports.tables import number, with_interval
from gengen.runs.coded import label_of, shown_of
from gengen.runs.data import Shown
from gengen.runs.outputs import output_files, save_npz
from gengen.runs.run import Run


def main(
    run: Run, *, num: int, seed: int, output: Path | None, source: Path | None, label: str | None, dark: bool
) -> Path:
    """Writes held-out images above their reconstructions as a .png, and both as an .npz beside it.

    A denoising model is shown corrupted images, which get a row between the two. The .npz holds `images` and
    `reconstructions`, uint8 [N, H, W, C], `seen` where the model is shown something else, and `labels`, int32 [N],
    where there are any. The mean squared error is printed with the interval that holds its mean over fresh images; it
    is that of what the decoder says, before it is rounded to pixels.

    Args:
      run: the run.
      num: number of images.
      seed: of the choice of the images, of what corrupts them and of what the model draws.
      output: the .png to write, its ending added if it has none; `reconstructions.png` in the run folder by default,
        `reconstructions-NAME.png` of a source.
      source: a picture of the user, or a folder of them, in the place of held-out images.
      label: name or number of the class of the user's pictures, for a model that takes labels.
      dark: whether the sheet is light on dark.

    Returns:
      The path of the .png.

    Raises:
      Refusal: the model cannot encode or decode, its data are gone or other ones, or the user's pictures or their class
        cannot be had.
    """
    for capability in ("encode", "decode"):
        require(run.model, capability)
    units = run.signature.units
    latents = Latents(run.model, units, run.variables, seed)
    shown = _shown(run, latents, num, seed, source, label)
    picture, arrays = output_files(output, run.folder / "reconstructions.png", ".png", ".npz", source=source)
    corrupt, corrupted = _corruption(run)
    seen = latents.corrupt(corrupt, shown.images) if corrupt else shown.images
    condition, indices = label_condition(run.model, shown.labels), np.arange(len(seen))
    codes = latents.encode(seen, indices, condition, scaled=corrupt is not None)
    decoded = latents.decode(codes, indices, condition)
    between = {"seen": units.to_data(seen)} if corrupt else {}
    kept = {"images": shown.images, **between, "reconstructions": units.to_data(decoded)}
    save_npz(arrays, kept | ({} if shown.labels is None else {"labels": shown.labels}))
    names = () if shown.labels is None else names_of(shown.labels, run.signature.classes)
    save_sheet(picture, pairs(run.signature, kept, names), f"{run.title} · {shown.title}{corrupted}", dark=dark)
    print(f"{shown.title}{corrupted}, step {run.step}; rows, from above: {', '.join(kept)}")
    of = "pixel" if run.signature.kind == "picture" else "value"
    what = f"of a {of} in [0, 1]" if units.field.bounded else "of a standardised value"
    print(f"mean squared error {what}: {_said(squared_errors(units, shown.images, decoded))}")
    print(arrays)
    return picture


def squared_errors(units: Units, data: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """The mean squared error of each reconstruction: of a value in [0, 1], or in the model's units if it has no bounds.

    Args:
      units: of the data.
      data: examples [N, *shape] in their own units.
      decoded: the same in the model's units.

    Returns:
      float64 [N].
    """
    back, field = np.asarray(decoded, np.float64), units.field
    if field.low is not None and field.high is not None:
        difference = (data.astype(np.float64) - field.low) / (field.high - field.low) - (back + 1) / 2
    else:
        difference = units.to_model(data) - back
    return np.asarray(np.square(difference).mean(tuple(range(1, back.ndim))))


def _shown(run: Run, latents: Latents, num: int, seed: int, source: Path | None, label: str | None) -> Shown:
    """Held-out images, or the user's own pictures, of the class that the user names where the model wants to know."""
    if source is None and label is not None:
        raise Refusal(f"--label={label} is the class of the pictures of --input; held-out images have their own.")
    return shown_of(run, latents, num, seed, source, label_of(run, label))


def _corruption(run: Run) -> tuple[Callable[..., Any] | None, str]:
    """What the run's model does to images before it encodes them, if anything, and how that is said."""
    section = run.config.model.get("corruption")
    if section is None or section.name == "none":
        return None, ""
    return build_part("corruption", section), f", corrupted by {section.name} of amount {section.amount:g}"


def _said(errors: np.ndarray) -> str:
    """The mean of errors [N] with its interval over images; a single one has none."""
    if len(errors) == 1:
        return number(errors[0])
    estimate = of_blocks(errors)
    return with_interval(estimate._replace(low=max(estimate.low, 0.0))._asdict())
