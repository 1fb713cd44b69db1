"""`--mode=arithmetic`: sums of pictures, by their latents."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gengen.data.signature import Signature
from gengen.evaluation.many_sums import counted_sums
from gengen.evaluation.sums import SIDE, Sum, summed
from gengen.files.whole import write_whole
from gengen.inference.domains import names_of_domains
from gengen.inference.latents import Latents
from gengen.inference.shown import thumbnails
from gengen.pictures.captions import DARK, LIGHT, Block, Theme, save_sheet
from gengen.pictures.grid import without_alpha
from gengen.reports.tables import table, with_interval
from gengen.runs.coded import check_walkable, label_of
from gengen.runs.outputs import output_files, save_npz
from gengen.runs.run import Run

FEW = 4
"""The most classes of which it is printed how many sums are taken for them."""


def main(
    run: Run,
    *,
    num: int,
    seed: int,
    output: Path | None,
    source: Path | None,
    label: str | None,
    formula: str | None,
    dark: bool,
) -> Path:
    """Writes a picture of a sum of mean latents, as in figure 7 of Radford et al. 2016, and its arrays beside it.

    https://arxiv.org/abs/1511.06434. Each term has a column: the pictures that stand for it, and below them what the
    mean of their latents is decoded to. At the right is the sum in the middle of 3 x 3 pictures, the others with
    uniform noise on it, of at most a quarter of the latents' standard deviations. A model of two domains shows both.
    Where pictures and classes come from is said at `evaluation.sums.summed`. Of a sum of classes the .json also says
    what share of sums of other pictures of these the classifier takes for each class (`many_sums.counted_sums`).

    The .npz holds `exemplars` [M, *shape], `terms` (the term of each, int [M]), `signs` [T], `codes` [T, ...] (the mean
    latents), `means` [T, *shape], `sums` [3, 3, ...] (the latents of the sum) and `results` [3, 3, *shape]; pictures
    of several domains have an axis of them first.

    Args:
      run: the run.
      num: pictures that stand for a class.
      seed: of the draws, of the choice of held-out images, and of the noise about the sum.
      output: the .png to write, its ending added if it has none; `arithmetic.png` in the run folder by default.
      source: a folder of the user's pictures, numbered in the order of their paths.
      label: name or number of the class of pictures by number, for a model that takes labels.
      formula: the sum, such as "0,1,2-3,4,5+6,7,8" or "label:7-label:1+label:4".
      dark: whether the sheet is light on dark.

    Returns:
      The path of the .png.

    Raises:
      Refusal: the model cannot decode or has no latents, they are whole numbers, or the formula is none or names what
        cannot be had.
    """
    check_walkable(run, source)
    kind = label_of(run, label)
    picture, arrays, path = output_files(output, run.folder / "arithmetic.png", ".png", ".npz", ".json", source=source)
    latents = Latents(run.model, run.signature.units, run.variables, seed)
    found = summed(run, latents, formula, num=num, seed=seed, source=source, label=kind)
    save_npz(arrays, found.arrays)
    domains = names_of_domains(run.signature) if len(found.result) > 1 else ("",)
    theme, title = DARK if dark else LIGHT, " ".join(found.captions)
    blocks = [_block(run.signature, found, index, name, theme) for index, name in enumerate(domains)]
    save_sheet(picture, blocks, f"{run.title} · {title}", dark=dark)
    counts = counted_sums(run, latents, found, num=num, seed=seed)
    report = {**run.origin, "seed": seed, "data": run.signature.name, "sum": title, **(counts or {})}
    write_whole(path, json.dumps(report, indent=2))
    print("\n".join([f"{title}, step {run.step}", *_said(counts), str(arrays)]))
    return picture


def _block(signature: Signature, found: Sum, domain: int, title: str, theme: Theme) -> Block:
    """The terms, each a column with the picture of its mean below, and at the right the sum among its like."""
    height, wide = max(SIDE, *(part.images.shape[1] for part in found.parts)), len(found.parts)
    means = _coloured(signature, found.means[domain])
    cells = np.empty((height + 1, wide + 1 + SIDE, *means.shape[1:]), np.uint8)
    cells[:] = theme.paper
    for column, part in enumerate(found.parts):
        shown = _coloured(signature, part.images[domain])
        cells[height - len(shown) : height, column] = shown
    cells[height, :wide] = means
    results, top = found.result[domain], (height - SIDE) // 2
    made = _coloured(signature, results.reshape(-1, *results.shape[2:]))
    cells[top : top + SIDE, wide + 1 :] = made.reshape(SIDE, SIDE, *means.shape[1:])
    across = [*found.captions, "", "", "= the sum", ""]
    numbers = {part.number for part in found.parts}
    mean = f"mean of {numbers.pop():,}" if len(numbers) == 1 else "mean"
    rows = [*[""] * (height - 1), "pictures", mean]
    return Block(cells.reshape(-1, *means.shape[1:]), cells.shape[1], title, rows, across)


def _said(counts: Mapping[str, Any] | None) -> list[str]:
    """What sums are taken for, the classes first that most of them are."""
    if counts is None:
        return []
    shares = sorted(counts["shares"].items(), key=lambda share: -share[1]["sums"]["value"])[:FEW]
    rows = [[name, *(with_interval(share[kind]) for kind in ("sums", "of any class"))] for name, share in shares]
    line = (
        f"what {counts['sums']} sums of other pictures of the same classes are taken for, and of pictures of any class:"
    )
    return [line, table(rows, ("class", "sums", "of any class"))]


def _coloured(signature: Signature, examples: np.ndarray) -> np.ndarray:
    """Small pictures of examples in red, green and blue, uint8 [N, h, w, 3]."""
    shown = without_alpha(thumbnails(signature, examples))
    return shown.repeat(3 // shown.shape[-1], axis=-1)
