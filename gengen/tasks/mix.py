"""`--mode=mix`: coarse things of one picture with fine ones of another."""

from itertools import pairwise
from pathlib import Path

import numpy as np

from gengen.core.refusal import Refusal
from gengen.inference.latents import Latents
from gengen.inference.shown import thumbnails
from gengen.pictures.captions import DARK, LIGHT, Block, save_sheet
from gengen.pictures.grid import without_alpha
from gengen.runs.coded import alike, asked_of, drawn, label_of
from gengen.runs.outputs import output_files, save_npz
from gengen.runs.run import Run

PARTS = ("coarse", "middle", "fine")
"""What layers a picture takes from that above it: the smallest maps, those between, and the largest."""


def main(run: Run, *, num: int, seed: int, output: Path | None, label: str | None, dark: bool) -> Path:
    """Writes pictures of two samples each as a .png: figure 3 of Karras et al. 2019, and their arrays beside it.

    https://arxiv.org/abs/1812.04948. At the left and above are samples; each picture has all styles of that at its
    left, but for some layers, which are told those of the one above: in each block other ones. All share their noise.

    The .npz holds `left` and `above` [N, *shape], their styles `left_codes` and `above_codes` [N, K, W], and `mixed`
    [3, N, N, *shape], by `parts`.

    Args:
      run: the run.
      num: samples at the left, and above.
      seed: of the draws.
      output: the .png to write, its ending added if it has none; `mixed.png` in the run folder by default.
      label: name or number of the class of all samples, for a model that takes labels.
      dark: whether the sheet is light on dark.

    Returns:
      The path of the .png.

    Raises:
      Refusal: the layers of the model are not told styles of their own.
    """
    if not run.model.layered:
        raise Refusal(
            f"the layers of the model of {run.folder} are not told latents of their own, so that nothing can be mixed; "
            f"--mode=interpolate shows what lies between two of its pictures."
        )
    kind = label_of(run, label)
    picture, arrays = output_files(output, run.folder / "mixed.png", ".png", ".npz")
    latents = Latents(run.model, run.signature.units, run.variables, seed)
    codes = drawn(run, latents, 2 * num, asked_of(run, 2 * num, kind)).codes
    left, above = codes[:num], codes[num:]
    mixed = [mixtures(left, above, part) for part in parts_of(codes.shape[1])]
    told = alike(run, 1, kind)
    images = latents.alike(np.stack([left, above, *np.concatenate(mixed)]), told)[0]
    of_left, of_above, made = images[0], images[1], images[2:].reshape(len(PARTS), num, num, *images.shape[2:])
    named = {"left": of_left, "above": of_above, "left_codes": left, "above_codes": above, "mixed": made}
    save_npz(arrays, {**named, "parts": np.array(PARTS)})
    theme, signature = DARK if dark else LIGHT, run.signature
    blocks = []
    for part, cells in zip(PARTS, made, strict=True):
        corner = np.concatenate([np.zeros_like(of_above[:1]), of_above])  # which is painted over
        rows = np.concatenate([of_left[:, None], cells], axis=1)
        shown = without_alpha(thumbnails(signature, np.concatenate([corner, *rows])))
        shown = shown.repeat(3 // shown.shape[-1], axis=-1)
        shown[0] = theme.paper
        blocks.append(Block(shown, num + 1, f"{part} styles of the pictures above, all others of those at the left"))
    save_sheet(picture, blocks, f"{run.title} · mixed", dark=dark)
    print(arrays)
    return picture


def parts_of(layers: int) -> list[slice]:
    """Which of K layers are those of each of `PARTS`: a third of them each, the smallest maps first."""
    ends = [round(layers * part / len(PARTS)) for part in range(len(PARTS) + 1)]
    return [slice(start, stop) for start, stop in pairwise(ends)]


def mixtures(left: np.ndarray, above: np.ndarray, part: slice) -> np.ndarray:
    """Styles [N, K, W] of each at the left, but for some layers, which have those of each above: [N, N, K, W]."""
    both = np.repeat(left[:, None], len(above), axis=1)
    both[:, :, part] = above[None, :, part]
    return both
