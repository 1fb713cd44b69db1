"""`--mode=sample`: pictures from a run folder alone."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gengen.data.words import TEXT, spelled
from gengen.inference.conditions import LABEL, as_flags_say, columns_of, rows_of
from gengen.inference.sampling import Draw, sampler
from gengen.inference.shown import by_name, sheet
from gengen.pictures.captions import save_sheet
from gengen.runs.limits import check_room
from gengen.runs.outputs import output_files, save_npz
from gengen.runs.prior import with_prior
from gengen.runs.run import Run


def main(
    run: Run, *, num: int, seed: int, output: Path | None, label: str | None, text: str | None = None, dark: bool
) -> Path:
    """Writes `num` samples of a run as an .npz (`images` [N, *shape], in the data's units) and as a .png beside it.

    Of many samples the .png shows the first ones alone, and says so.

    Of a run of several members, where none is asked for, `images` are [M, N, *shape], by `seeds` int [M], of a sweep
    also by `numbers` float [M, keys] of the `keys`, all of the same noise, and each member has rows of its own.

    Where the model takes labels, the .npz also has the `labels` asked for, int32 [N]; where it takes texts, the `texts`
    [N] in words.

    Args:
      run: the run.
      num: number of samples.
      seed: of the noise; the same seed gives the same pictures.
      output: the .npz to write, its ending added if it has none; `samples.npz` in the run folder by default.
      label: name or number of the class of all samples; without it sample i is of class i mod K, and each class has a
        column of the grid.
      text: that all samples are told, in words; without it each row of the grid is told one of the training data.
      dark: whether the sheet is light on dark.

    Returns:
      The path of the .npz.

    Raises:
      Refusal: there would be no room for so many, `output` is a folder, there is no such class, a word is
        unknown, or the model takes no labels, or no text, and one is given.
    """
    check_room(num * max(len(run.members), 1), run.signature, f"--num={num}")
    model = run.model
    condition = as_flags_say(model, num, run.signature.classes, label=label, text=text)
    output, picture = output_files(output, run.folder / "samples.npz", ".npz", ".png")
    each, drawn, draws = run.each(), dict[str, np.ndarray](), dict[str, Draw]()
    for one in each:
        able, alike = with_prior(one), json.dumps(dict(one.numbers))  # seeds share what is compiled
        draw = draws.setdefault(alike, draws.get(alike) or sampler(able.model, able.signature.units))
        drawn[one.member] = draw(able.variables, seed, num, condition or None)
    images = np.stack(list(drawn.values())) if run.members else next(iter(drawn.values()))
    told = {"labels": condition[LABEL]} if LABEL in condition else {}
    if TEXT in condition:
        told["texts"] = np.array([spelled(numbers, model.conditions[TEXT].words) for numbers in condition[TEXT]])
    save_npz(output, {"images": images, **told, **(_by_member(each) if run.members else {})})
    across = columns_of(model, run.signature) if label is None else ()
    rows = rows_of(model, condition) if text is None else ()
    named = f" · class {run.signature.classes[condition[LABEL][0]]}" if label is not None else ""
    named += f" · {text}" if text else ""
    several = by_name(run.signature, drawn, across=across) if run.members else ()
    save_sheet(
        picture, several or [sheet(run.signature, images, across=across, rows=rows)], run.title + named, dark=dark
    )
    print(picture)
    return output


def _by_member(each: Sequence[Run]) -> dict[str, np.ndarray]:
    """Whose the samples of several members are: arrays of their seeds, and of the numbers that a sweep gave them."""
    seeds, numbers = np.array([one.origin["member"] for one in each]), [one.numbers for one in each]
    if not numbers[0]:
        return {"seeds": seeds}
    return {
        "seeds": seeds,
        "keys": np.array(list(numbers[0])),
        "numbers": np.array([list(n.values()) for n in numbers]),
    }
