"""`--mode=judge`: whether pictures that anyone made can be told from others, and by what."""

import json
from pathlib import Path

from gengen.core.refusal import Refusal
from gengen.evaluation.collected import Asked, Choices
from gengen.evaluation.two_sets import judge_sets
from gengen.files.whole import write_whole
from gengen.pictures.grid import save_png
from gengen.reports.judgements import judged
from gengen.runs.limits import check_seed
from gengen.runs.outputs import output_files

LARGEST = 2**14
"""The largest height and width at which pictures are judged."""


def main(
    *,
    source: Asked | None,
    reference: Asked | None,
    against: Asked | None,
    features: str | None,
    resolution: str | None,
    manual_dir: Path | None,
    num: int,
    seed: int,
    output: Path | None,
) -> Path:
    """Judges a set of examples by another one; prints what was found, and writes it as JSON with a picture beside it.

    Args:
      source: the set that is judged: a folder or zip of pictures, a .npz, .npy or .csv, a run, or a data set as NAME or
        NAME:SPLIT.
      reference: what it is compared with, named in the same ways.
      against: a third set, in which copies are looked for; None for none.
      features: what most scores see, as `Choices` has it; None for what fits the data.
      resolution: the height and width at which pictures are compared, as in "64" or "64x48"; None for the reference's.
      manual_dir: the folder of a named data set's raw files.
      num: examples at most, and how many a run draws.
      seed: of the noise of a run.
      output: the .json to write, with its ending or without; `judgement.json` here by default.

    Returns:
      The path of the JSON.

    Raises:
      Refusal: a set is not named or cannot be had, they do not go together, or are too small to be judged.
    """
    if source is None or reference is None:
        raise Refusal("--mode=judge takes two sets: --input=FOLDER, what is judged, and --reference=FOLDER, by what.")
    path, picture = output_files(output, Path("judgement.json"), ".json", ".png")
    check_seed(seed, "seed=")
    choices = Choices(against, features or "auto", size_of(resolution), num, seed, manual_dir)
    section = judge_sets(source, reference, choices)
    print(judged(section.found) + "\n")
    assert section.picture is not None
    save_png(picture, section.picture())
    print(picture)
    write_whole(path, json.dumps(section.found, indent=2))
    return path


def size_of(resolution: str | None) -> tuple[int, int] | None:
    """The (height, width) that a text names, as "64" or "64x48".

    Raises:
      Refusal: it names none.
    """
    if resolution is None:
        return None
    parts = resolution.lower().split("x")
    if len(parts) > 2 or not all(part.isdecimal() and 1 <= int(part) <= LARGEST for part in parts):
        raise Refusal(
            f"--resolution={resolution} should be a size from 1 to {LARGEST:,}, as in 64, or in 64x48 for both sides."
        )
    height, width = int(parts[0]), int(parts[-1])
    return height, width
