"""`--mode=sample`: pictures from a run folder alone."""

from pathlib import Path

from ml_collections import ConfigDict

from gengen.inference.conditions import LABEL, by_class, columns_of, of_class
from gengen.inference.sampling import sampler
from gengen.pictures.grid import grid, save_png
from gengen.runs.completed import complete
from gengen.runs.data import data_of
from gengen.runs.limits import check_flags, check_room
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
    label: str | None = None,
) -> Path:
    """Writes `num` samples of a run as an .npz (`images` uint8 [N, H, W, C]) and as a .png grid beside it.

    Where the model takes labels, the .npz also has the `labels` asked for, int32 [N].

    Args:
      workdir: the run folder.
      num: number of samples.
      seed: of the noise; the same seed gives the same pictures.
      output: the .npz to write, its ending added if it has none; `samples.npz` in the run folder by default.
      best: take the best checkpoint instead of the latest.
      raw: take the weights as trained instead of their average.
      label: name or number of the class of all samples; without it sample i is of class i mod K, and each class has a
        column of the grid.

    Returns:
      The path of the .npz.

    Raises:
      Refusal: a number is out of range, `output` is a folder, the run has no checkpoint, there is no such class, or
        the model takes no labels and one is given.
    """
    check_flags(num=num, least=1, seed=seed)
    model, step, state = restore(workdir, best=best)
    config, signature = opened(workdir)
    settings = config.get("evaluation", ConfigDict())  # older folders have none
    model, variables = complete(
        model, workdir, step, state, settings, best=best, raw=raw, load=lambda: data_of(workdir)
    )
    check_room(num, signature, f"--num={num}")
    condition = by_class(model, num) if label is None else of_class(model, num, label, signature.classes)
    output, picture = output_files(output, workdir / "samples.npz", ".npz", ".png")
    images = sampler(model)(variables, seed, num, condition)
    save_npz(output, {"images": images, **({"labels": condition[LABEL]} if condition else {})})
    save_png(picture, grid(images, columns=columns_of(model) if label is None else None))
    print(picture)
    return output
