"""`--mode=translate`: images of one domain, and what a run makes of them in the other."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gengen.core.model import GenerativeModel, require
from gengen.core.refusal import Refusal
from gengen.data.signature import Signature
from gengen.inference.domains import SEEDS, pairs_of, signature_of
from gengen.inference.translation import Given, Translations, held_out
from gengen.metrics.pairs import absolute_error, mean_error, measure
from gengen.pictures.captions import contact, save_sheet
from gengen.pictures.grid import WHITE, has_alpha
from gengen.reports.tables import number, with_interval
from gengen.runs.data import pictures_of
from gengen.runs.outputs import output_files, save_npz
from gengen.runs.run import Run

COLUMNS = 9
"""Images beside each other."""


def main(
    run: Run,
    *,
    num: int,
    seed: int,
    output: Path | None,
    source: Path | None,
    direction: str | None,
    dark: bool,
) -> Path:
    """Writes images above their translations as a .png, and all of it as an .npz beside it.

    Below them come their reconstructions, which are the translations translated back, where the model can do so, and
    their targets where these are known. The .npz holds `inputs`, `outputs` and, where there are any, `reconstructions`
    and `targets`, uint8 [N, H, W, C]. How near held-out translations come to their targets, and reconstructions to
    their inputs, is printed, with the interval that holds the mean over fresh images.

    A user's own pictures are brought to the shape of the input's domain. Where the run makes its pairs itself, grey of
    colour for example, they are brought to the shape of its data instead, and pairs are made of them as of these: the
    input is then grey, and the picture itself is the target. Pictures with transparent parts have their holes already.

    Args:
      run: the run.
      num: number of images.
      seed: of the choice of the images and of the model's noise.
      output: the .png to write, its ending added if it has none; `translations.png` in the run folder by default,
        `translations-NAME.png` of a source.
      source: a picture of the user, or a folder of them, in the place of held-out images.
      direction: "ab" or "ba"; "ab" by default, where the model can do both.
      dark: whether the sheet is light on dark.

    Returns:
      The path of the .png.

    Raises:
      Refusal: the model cannot translate, or not in this direction, its data are gone or other ones, or the user's
        pictures cannot be had.
    """
    model = run.model
    direction = _chosen(direction, list(require(model, "translate")))
    if source is None:
        given = held_out(run.data(), model, direction, num, seed)
    else:
        given = _own(source, run.signature, model, direction, num)
    picture, arrays = output_files(output, run.folder / "translations.png", ".png", ".npz", source=source)
    kept = Translations(model, run.signature, seed).rows(run.variables, direction, given)
    save_npz(arrays, kept)
    way = run.signature.way(direction)
    save_sheet(picture, contact(kept, COLUMNS, f"{given.title}, {way}"), run.title, dark=dark)
    print(f"{given.title}, from {direction[0]} to {direction[1]}, step {run.step}; rows, from above: {', '.join(kept)}")
    if source is None:
        print("".join(f"{line}\n" for line in errors(kept)), end="")
    print(arrays)
    return picture


def errors(rows: dict[str, np.ndarray]) -> list[str]:
    """Says how near translations come to their targets, and reconstructions to their inputs.

    Args:
      rows: "inputs" and "outputs", and perhaps "reconstructions" and "targets", uint8 [N, H, W, C].

    Returns:
      One line each; a single image has no interval.
    """
    single = len(rows["inputs"]) == 1
    # A single image is measured twice: its mean is its own, and its interval is left out.
    shown = {name: row.repeat(2, axis=0) for name, row in rows.items()} if single else rows
    said = []
    if "targets" in shown:
        found = measure(shown["outputs"], shown["targets"])
        values = {name: number(found[name].value) if single else with_interval(found[name]._asdict()) for name in found}
        said.append(
            f"outputs against targets: mean absolute error of a pixel in [0, 1] {values['absolute_error']}, PSNR "
            f"{values['psnr']} dB, SSIM {values['ssim']}"
        )
    if "reconstructions" in shown:
        cycle = mean_error(absolute_error(shown["reconstructions"], shown["inputs"]))
        value = number(cycle.value) if single else with_interval(cycle._asdict())
        said.append(f"reconstructions against inputs: mean absolute error of a pixel in [0, 1] {value}")
    return said


def _chosen(direction: str | None, offered: Sequence[str]) -> str:
    if direction is None:
        return "ab" if "ab" in offered else offered[0]
    if direction not in offered:
        raise Refusal(f"--direction={direction} is none of this model's; it can do {' and '.join(sorted(offered))}.")
    return direction


def _own(source: Path, signature: Signature, model: GenerativeModel, direction: str, number: int) -> Given:
    """The user's own pictures, as inputs; where pairs are made of the data's images, those made of the pictures."""
    domain = signature_of(model, signature, direction[0])
    if has_alpha(domain.shape[-1]):
        shown = pictures_of(source, domain, number)
        holed = (shown.images[..., -1] < WHITE).any((1, 2))
        if holed.all():
            return Given(shown.images, None, shown.indices, shown.title)
        if holed.any():
            raise Refusal(f"--input={source} has pictures with transparent parts and others; translate them apart.")
    if model.pair is not None and not signature.paired:
        shown = pictures_of(source, signature, number)
        a, b = pairs_of(model, signature, {"data": shown.images}, shown.indices, seed=SEEDS["test"])
        return Given(*((a, b) if direction == "ab" else (b, a)), shown.indices, shown.title)
    shown = pictures_of(source, domain, number)
    return Given(shown.images, None, shown.indices, shown.title)
