"""`--mode=reconstruct`: images, and what is left of them after the way through the code and back."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from gengen.build.parts import build_part
from gengen.core.average import evaluation_variables
from gengen.core.model import GenerativeModel, require
from gengen.core.refusal import Refusal
from gengen.inference.conditions import classes_of, of_class, shown_to
from gengen.inference.latents import Latents, label_condition
from gengen.metrics.interval import of_blocks
from gengen.pictures.grid import save_png, to_pixels
from gengen.pictures.sheet import in_rows
from gengen.reports.tables import number, with_interval
from gengen.runs.data import Shown, data_of, held_out, pictures_of
from gengen.runs.folder import read_folder
from gengen.runs.limits import check_flags
from gengen.runs.opened import opened, restore
from gengen.runs.outputs import output_files, save_npz


def run(
    workdir: Path,
    *,
    num: int,
    seed: int,
    output: Path | None,
    best: bool = False,
    raw: bool = False,
    config: ConfigDict | None = None,
    source: Path | None = None,
    label: str | None = None,
) -> Path:
    """Writes held-out images above their reconstructions as a .png, and both as an .npz beside it.

    A denoising model is shown corrupted images, which get a row between the two. The .npz holds `images` and
    `reconstructions`, uint8 [N, H, W, C], `seen` where the model is shown something else, and `labels`, int32 [N],
    where there are any. The mean squared error is printed with the interval that holds its mean over fresh images; it
    is that of what the decoder says, before it is rounded to pixels.

    Args:
      workdir: the run folder.
      num: number of images.
      seed: of the choice of the images, of what corrupts them and of what the model draws.
      output: the .png to write, its ending added if it has none; `reconstructions.png` in the run folder by default.
      best: take the best checkpoint instead of the latest.
      raw: take the weights as trained instead of their average.
      config: where the places of the data come from; the run's own config by default.
      source: a picture of the user, or a folder of them, in the place of held-out images.
      label: name or number of the class of the user's pictures, for a model that takes labels.

    Returns:
      The path of the .png.

    Raises:
      Refusal: a number is out of range, the run has no checkpoint, its model cannot encode or decode, its data are
        gone or other ones, or the user's pictures or their class cannot be had.
    """
    check_flags(num=num, least=1, seed=seed)
    model, step, state = restore(workdir, best=best)
    for capability in ("encode", "decode"):
        require(model, capability)
    shown = _shown(workdir, model, num, seed, config, source, label)
    picture, arrays = output_files(output, workdir / "reconstructions.png", ".png", ".npz")
    latents = Latents(model, evaluation_variables(state, raw=raw), seed)
    corrupt, corrupted = _corruption(workdir)
    seen = latents.corrupt(corrupt, shown.images) if corrupt else shown.images
    condition, indices = label_condition(model, shown.labels), np.arange(len(seen))
    decoded = latents.decode(latents.encode(seen, indices, condition), indices, condition)
    rows = {"images": shown.images, "seen": to_pixels(seen) if corrupt else None, "reconstructions": to_pixels(decoded)}
    kept = {name: row for name, row in rows.items() if row is not None}
    save_npz(arrays, kept | ({} if shown.labels is None else {"labels": shown.labels}))
    save_png(picture, in_rows(list(kept.values())))
    print(f"{shown.title}{corrupted}, step {step}; rows, from above: {', '.join(kept)}")
    print(f"mean squared error of a pixel in [0, 1]: {_said(squared_errors(shown.images, decoded))}")
    print(arrays)
    return picture


def squared_errors(images: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """The mean squared error of each reconstruction, of a pixel in [0, 1].

    Args:
      images: uint8 [N, H, W, C].
      decoded: the same in [-1, 1].

    Returns:
      float64 [N].
    """
    difference = images.astype(np.float64) / 255 - (np.asarray(decoded, np.float64) + 1) / 2
    return np.asarray(np.square(difference).mean((1, 2, 3)))


def _shown(
    workdir: Path,
    model: GenerativeModel,
    num: int,
    seed: int,
    config: ConfigDict | None,
    source: Path | None,
    label: str | None,
) -> Shown:
    """Held-out images, or the user's own pictures, of the class that the user names where the model wants to know."""
    if source is None:
        if label is not None:
            raise Refusal(f"--label={label} is the class of the pictures of --input; held-out images have their own.")
        return held_out(shown_to(model, data_of(workdir, config)), num, seed)
    signature = opened(workdir)[1]
    shown = pictures_of(source, signature, num)
    if label is not None:
        (labels,) = of_class(model, len(shown.images), label, signature.classes).values()
        return shown._replace(labels=labels)
    if classes_of(model):
        raise Refusal(f"the model of {workdir} has to be told the class of what it encodes; add --label=CLASS.")
    return shown


def _corruption(workdir: Path) -> tuple[Callable | None, str]:
    """What the run's model does to images before it encodes them, if anything, and how that is said."""
    section = read_folder(workdir)[0].model.get("corruption")
    if section is None or section.name == "none":
        return None, ""
    return build_part("corruption", section), f", corrupted by {section.name} of amount {section.amount:g}"


def _said(errors: np.ndarray) -> str:
    """The mean of errors [N] with its interval over images; a single one has none."""
    if len(errors) == 1:
        return number(errors[0])
    estimate = of_blocks(errors)
    return with_interval(estimate._replace(low=max(estimate.low, 0.0))._asdict())
