"""`--mode=invert`: latents of pictures, and what a run makes of them."""

import json
from pathlib import Path

import numpy as np

from gengen.core.refusal import Refusal
from gengen.files.whole import write_whole
from gengen.inference.restoring import Restorer, check_decodes
from gengen.metrics.interval import of_blocks
from gengen.metrics.pairs import PSNR_CEILING, psnr
from gengen.pictures.captions import contact, save_sheet
from gengen.reports.tables import number, table, with_interval
from gengen.runs.data import held_out, pictures_of
from gengen.runs.outputs import output_files, save_npz
from gengen.runs.run import Run

COLUMNS = 9
"""Pictures beside each other."""

FEW, LISTED = 8, 16
"""The most numbers of a latent that is printed, and the most latents."""


def main(run: Run, *, num: int, seed: int, output: Path | None, source: Path | None, steps: int, dark: bool) -> Path:
    """Writes pictures above what the model makes of the latents found for them as a .png, with an .npz and a .json.

    A descent from several latents looks for the one of which the model makes each picture. The .npz holds `true` and
    `found`, uint8 [N, H, W, C], and `latents` [N, ...]; the .json the PSNR with its interval over pictures. Latents of
    a few numbers are printed, too.

    Args:
      run: the run.
      num: number of pictures.
      seed: of the choice of the pictures and of where the descent starts.
      output: the .png to write, its ending added if it has none; `inverted.png` in the run folder by default.
      source: a picture of the user, or a folder of them, in the place of held-out ones.
      steps: of the descent.
      dark: whether the sheet is light on dark.

    Returns:
      The path of the .png.

    Raises:
      Refusal: the data are no pictures, the model has no latents, or none that could be looked for, or pictures cannot
        be had.
    """
    if run.signature.kind != "picture":
        raise Refusal(f"the data of {run.folder}, {run.signature.name}, are no pictures, and only these are inverted.")
    check_decodes(run.model)
    shown = held_out(run.data(), num, seed) if source is None else pictures_of(source, run.signature, num)
    default = run.folder / "inverted.png"
    picture, arrays, path = output_files(output, default, ".png", ".npz", ".json", source=source)
    units = run.signature.units
    found = Restorer(run.model, units, run.variables, seed, run.signature.shape).invert(shown.images, steps)
    latents, rows = np.asarray(found.latents), {"true": shown.images, "found": units.to_data(found.restored)}
    estimate = _estimate(np.minimum(psnr(rows["found"], shown.images), PSNR_CEILING))
    report = {
        **run.origin,
        "seed": seed,
        "data": run.signature.name,
        "pictures": {"number": len(latents), "title": shown.title},
        "steps": steps,
        "latents": list(latents.shape[1:]),
        "psnr": estimate,
    }
    save_npz(arrays, {**rows, "latents": latents})
    write_whole(path, json.dumps(report, indent=2))
    save_sheet(picture, contact(rows, COLUMNS, shown.title), f"{run.title} · inverted", dark=dark)
    print(f"{shown.title}, step {run.step}; rows, from above: {', '.join(rows)}")
    print(f"PSNR in dB: {with_interval(estimate) if 'low' in estimate else number(estimate['value'])}")
    print("\n".join([*_listed(latents.reshape(len(latents), -1)), str(arrays)]))
    return picture


def _estimate(values: np.ndarray) -> dict[str, float]:
    """The mean of values [N] with its interval, which a single one has not."""
    return of_blocks(values)._asdict() if len(values) > 1 else {"value": float(values[0])}


def _listed(latents: np.ndarray) -> list[str]:
    """A table of latents [N, D], where they are of few numbers."""
    if latents.shape[1] > FEW:
        return []
    lines = [[str(index), *(f"{value:.3g}" for value in latent)] for index, latent in enumerate(latents[:LISTED])]
    return [table(lines, ("picture", *(f"z{place}" for place in range(latents.shape[1]))))]
