"""`gengen.judge`: two sets of examples, told apart or not."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from gengen.runs.limits import check_seed

Set = str | os.PathLike[str] | np.ndarray
"""A folder or zip of pictures, a file of arrays, a run, a data set as NAME or NAME:SPLIT, or the examples."""


def judge(
    source: Set,
    reference: Set,
    *,
    against: Set | None = None,
    features: str = "auto",
    resolution: int | tuple[int, int] | None = None,
    num: int = 10_000,
    seed: int = 0,
    manual_dir: str | os.PathLike[str] | None = None,
) -> dict[str, Any]:
    """Judges a set of examples by a reference, as `--mode=judge` does.

    Args:
      source: the set that is judged; arrays are [n, *shape], pictures of whole numbers from 0 to 255 or of any from 0
        to 1.
      reference: what it is compared with.
      against: a third set, in which copies are looked for, such as what a model was trained on.
      features: what most scores see: auto, classifier, coordinates, rotations, the name of a data set, whose classifier
        it is then, or a file of the weights of Inception.
      resolution: height and width at which pictures are compared; None for the reference's.
      num: examples at most, and how many a run draws.
      seed: of the noise of a run.
      manual_dir: the folder of a named data set's raw files.

    Returns:
      What judgement.json holds: "verdict" says it in sentences.

    Raises:
      Refusal: a set cannot be had, they do not go together, or are too small to be judged.

    Examples:
      >>> import gengen
      >>> found = gengen.judge("digits:train", "digits:test", num=200)
      >>> found["two_sample_test"]["p_value"] > 0.001
      True
    """
    from gengen.evaluation.collected import Choices
    from gengen.evaluation.two_sets import judge_sets  # SciPy and scikit-learn

    check_seed(seed, "seed=")
    size = (resolution, resolution) if isinstance(resolution, int) else resolution
    folder = Path(manual_dir).expanduser() if manual_dir else None
    third = None if against is None else _asked(against)
    choices = Choices(third, features, size, num, seed, folder)
    return dict(judge_sets(_asked(source), _asked(reference), choices).found)


def _asked(one: Set) -> str | np.ndarray:
    return one if isinstance(one, np.ndarray) else os.fspath(one)
