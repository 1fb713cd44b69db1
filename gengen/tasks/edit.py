"""`--mode=edit`: samples moved along directions of the latent space."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from gengen.core.refusal import Refusal
from gengen.evaluation.directions import Directions, decoded_samples, of_classes, of_folders, unsupervised
from gengen.evaluation.edits import counted_edits, moved_along
from gengen.files.whole import write_whole
from gengen.inference.conditions import LABEL
from gengen.inference.latents import Latents
from gengen.inference.shown import thumbnails
from gengen.pictures.captions import Block, save_sheet
from gengen.reports.tables import number, table, with_interval
from gengen.runs.coded import check_walkable, label_of
from gengen.runs.limits import check_room
from gengen.runs.outputs import output_files, save_npz
from gengen.runs.run import Run

STEPS = np.arange(-3, 4, dtype=np.float32)
"""How far samples are moved, in standard deviations of the latents along a direction."""


def main(
    run: Run,
    *,
    num: int,
    seed: int,
    output: Path | None,
    source: Path | None,
    without: Path | None,
    label: str | None,
    formula: str | None,
    dark: bool,
) -> Path:
    """Writes samples that are moved along directions of the latent space as a .png, with an .npz and a .json.

    Each row is a sample, each column a step of `STEPS`, and the middle one the sample as it was. The direction is that
    to a class (`directions.of_classes`) or to pictures of the user (`directions.of_folders`); without either there are
    several, along which the decoder changes most (`directions.unsupervised`), each in a block of its own. In what
    share of samples a class, or what pictures have, came and the rest stayed is counted, too (`edits.counted_edits`).

    The .npz holds `directions` [k, ...], `deviations` [k] (the standard deviation of latents along each), `latents`
    [num, ...] (of the samples as they were), `steps` [7] and `pictures` [k, num, 7, *shape].

    Args:
      run: the run.
      num: samples of each direction.
      seed: of the samples, and of the random directions beside which they are counted.
      output: the .png to write, its ending added if it has none; `edited.png` in the run folder by default.
      source: a folder of the user's pictures that have something.
      without: a folder of the user's pictures that do not have it.
      label: name or number of the class of all samples, for a model that takes labels; the first by default.
      formula: the class to come, such as "label:7", and perhaps the one to begin at, as in "label:7-label:1".
      dark: whether the sheet is light on dark.

    Returns:
      The path of the .png.

    Raises:
      Refusal: the model cannot decode or has no latents, they are whole numbers, or the direction cannot be had.
    """
    check_walkable(run, None)
    latents = Latents(run.model, run.signature.units, run.variables, seed)
    check_room(num * len(STEPS), run.signature, f"--num={num}")
    found = _found(run, latents, source, without, formula, label_of(run, label), seed)
    picture, arrays, path = output_files(output, run.folder / "edited.png", ".png", ".npz", ".json", source=source)
    codes = found.codes[:num]
    shown = np.stack([_shown(run, latents, found, codes, index) for index in range(len(found.vectors))])
    rows = counted_edits(run, latents, found, seed) if found.verifier else []
    kept = {"directions": found.vectors, "deviations": found.deviations, "latents": codes}
    save_npz(arrays, {**kept, "steps": STEPS, "pictures": shown})
    write_whole(path, json.dumps(_report(run, found, rows, seed), indent=2))
    blocks = [_block(run, found, row, title) for row, title in zip(shown, found.titles, strict=True)]
    save_sheet(picture, blocks, f"{run.title} · steps in standard deviations of the latents", dark=dark)
    where = found.titles[0] if rows else f"along {len(found.titles)} directions"
    print("\n".join([f"{len(codes):,} samples moved {where}, step {run.step}", *_said(found, rows), str(arrays)]))
    return picture


def _found(
    run: Run,
    latents: Latents,
    source: Path | None,
    without: Path | None,
    formula: str | None,
    label: int | None,
    seed: int,
) -> Directions:
    """The directions that the flags ask for."""
    if (source is None) != (without is None):
        given, other = ("--input", "--without") if without is None else ("--without", "--input")
        raise Refusal(f"{given}={source or without} needs {other}, a folder of pictures to tell its own from; add it.")
    if formula is not None:
        if source is not None or label is not None:
            other = "--input and --without" if source is not None else "--label"
            raise Refusal(f"--formula={formula} says by itself where samples go; leave {other} out.")
        return of_classes(run, latents, formula, seed=seed)
    kind = 0 if label is None and latents.heeds(run.signature.shape, LABEL) else label
    if source is not None and without is not None:
        return of_folders(run, latents, source, without, seed=seed, label=label)
    return unsupervised(run, latents, seed=seed, label=kind)


def _report(run: Run, found: Directions, rows: list[dict[str, Any]], seed: int) -> dict[str, Any]:
    """What the .json holds."""
    return {
        **run.origin,
        "seed": seed,
        "data": run.signature.name,
        "way": found.way,
        "directions": found.titles,
        "deviations": found.deviations.tolist(),
        **found.facts,
        **({"moved": len(found.codes), "shares": rows} if rows else {}),
    }


def _shown(run: Run, latents: Latents, found: Directions, codes: np.ndarray, index: int) -> np.ndarray:
    """What samples are decoded to at each step along a direction, [num, steps, *shape] in the data's units."""
    along = moved_along(found, codes, STEPS, index)
    made = [decoded_samples(run, latents, along[:, step], found.told) for step in range(len(STEPS))]
    return np.stack(made, axis=1)


def _block(run: Run, found: Directions, shown: np.ndarray, title: str) -> Block:
    """The samples [num, steps, *shape], and of what class each is before and after, where something names it."""
    rows: list[str] = []
    if found.verifier is not None and found.verifier.kinds is not None:
        names, kinds = run.signature.classes, found.verifier.kinds
        ends = zip(kinds(shown[:, len(STEPS) // 2]), kinds(shown[:, -1]), strict=True)
        rows = [f"{names[first]} → {names[last]}" for first, last in ends]
        title += "; at the left what the classifier takes samples for, as they were and at +3"
    across = ["as it was" if step == 0 else f"{step:+.0f}".replace("-", "−") for step in STEPS]
    cells = thumbnails(run.signature, shown.reshape(-1, *shown.shape[2:]))
    return Block(cells, len(STEPS), title, rows, across)


def _said(found: Directions, rows: list[dict[str, Any]]) -> list[str]:
    """What was counted as a table."""
    if not rows:
        return found.titles
    shares = [name for name in rows[0] if name not in ("deviations", "along")]
    lines = [[number(row["deviations"]), row["along"], *(with_interval(row[name]) for name in shares)] for row in rows]
    facts = [f"moved to be counted: {len(found.codes):,} of {found.facts['samples']}; shares of them, with intervals:"]
    if "probe" in found.facts:
        probe = found.facts["probe"]
        facts.insert(
            0, f"a linear probe of {probe['of']} is right of {with_interval(probe['accuracy'])} held-out pictures"
        )
    return [*facts, table(lines, ("deviations", "along", *shares))]
