"""`--mode=sample`: pictures from a run folder alone."""

from pathlib import Path

from gengen.inference.conditions import LABEL, by_class, columns_of, of_class
from gengen.inference.sampling import sampler
from gengen.inference.shown import sheet
from gengen.pictures.captions import save_sheet
from gengen.runs.limits import check_room
from gengen.runs.outputs import output_files, save_npz
from gengen.runs.prior import with_prior
from gengen.runs.run import Run


def main(run: Run, *, num: int, seed: int, output: Path | None, label: str | None, dark: bool) -> Path:
    """Writes `num` samples of a run as an .npz (`images` [N, *shape], in the data's units) and as a .png beside it.

    Of many samples the .png shows the first ones alone, and says so.

    Where the model takes labels, the .npz also has the `labels` asked for, int32 [N].

    Args:
      run: the run.
      num: number of samples.
      seed: of the noise; the same seed gives the same pictures.
      output: the .npz to write, its ending added if it has none; `samples.npz` in the run folder by default.
      label: name or number of the class of all samples; without it sample i is of class i mod K, and each class has a
        column of the grid.
      dark: whether the sheet is light on dark.

    Returns:
      The path of the .npz.

    Raises:
      Refusal: there would be no room for so many, `output` is a folder, there is no such class, or the model takes no
        labels and one is given.
    """
    check_room(num, run.signature, f"--num={num}")
    model = run.model
    condition = by_class(model, num) if label is None else of_class(model, num, label, run.signature.classes)
    output, picture = output_files(output, run.folder / "samples.npz", ".npz", ".png")
    able = with_prior(run)
    images = sampler(able.model, able.signature.units)(able.variables, seed, num, condition)
    save_npz(output, {"images": images, **({"labels": condition[LABEL]} if condition else {})})
    across = columns_of(model, run.signature) if label is None else ()
    named = f" · class {run.signature.classes[condition[LABEL][0]]}" if label is not None and condition else ""
    save_sheet(picture, [sheet(run.signature, images, across=across)], run.title + named, dark=dark)
    print(picture)
    return output
