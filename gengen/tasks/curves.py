"""`--mode=curves`: what was measured while a run trained, or several, as curves on one sheet."""

from pathlib import Path

from gengen.api.charts import CURVES, FILM, MOST, STRIP, draw_curves, draw_film, draw_strip, title_of
from gengen.core.refusal import Refusal
from gengen.files.places import place
from gengen.pictures.grid import save_png
from gengen.reports.curves import of_runs
from gengen.runs.folder import opened
from gengen.runs.outputs import output_files
from gengen.training.writer import read_lines

METRICS = "metrics.jsonl"


def main(folder: Path, *, output: Path | None, dark: bool) -> Path:
    """Draws the curves of one run, with a strip and a film of what it showed, or those of several runs on one sheet.

    What several runs have on their sheet are the metrics that at least two of them have in common.

    Args:
      folder: a run folder, a folder of runs, or paths of runs with commas between them.
      output: the .png to write; `curves.png` in the folder by default, or beside the first of several paths. The strip
        of one run has the same name with `-strip`, its film with `-film`; by default they are `strip.png`, `film.png`
        and `film.gif`.
      dark: whether sheets are light on dark.

    Returns:
      The path of the curves.

    Raises:
      Refusal: there is no run there, none has written metrics yet, or there are more than `MOST`.
    """
    if (folder / "config.json").exists():
        return _one(folder, output, dark=dark)
    names, beside = _runs(folder)
    runs = {name: lines for name, run in names.items() if len(lines := read_lines(run / METRICS))}
    if len(runs) > MOST:
        raise Refusal(
            f"{folder} holds {len(runs)} runs with metrics, and a sheet has colours for {MOST}; name those to draw, "
            f"as in --workdir={folder / next(iter(runs))},{folder / list(runs)[1]}."
        )
    panels = of_runs(runs)
    if not panels:
        raise Refusal(f"no run in {folder} has written metrics yet; train one until config.training.log_every.")
    from gengen.pictures.curves import curves  # matplotlib

    (path,) = output_files(output, beside / CURVES, ".png")
    save_png(path, curves(panels, "", dark=dark, runs=list(runs)))
    return path


def _one(folder: Path, output: Path | None, *, dark: bool) -> Path:
    title = title_of(folder, opened(folder)[1])
    (path,) = output_files(output, folder / CURVES, ".png")
    if not draw_curves(folder, title, path, dark=dark):
        raise Refusal(f"{folder} has written no metrics yet; train it until config.training.log_every.")
    beside = folder / STRIP if output is None else path.with_name(f"{path.stem}-strip.png")
    if draw_strip(folder, title, beside, dark=dark):
        print(beside)
    for made in draw_film(folder, folder / FILM if output is None else path.with_name(f"{path.stem}-film.png")):
        print(made)
    return path


def _runs(folder: Path) -> tuple[dict[str, Path], Path]:
    """The folders of several runs by their names, and where a picture of all of them lies.

    Raises:
      Refusal: one of the paths, or what is in the folder, is no run.
    """
    if folder.is_dir():
        paths, beside = sorted(path.parent for path in folder.glob("*/config.json")), folder
        if not paths:
            raise Refusal(f"{folder} holds no run; train one with --config=configs/NAME.py --workdir={folder}/NAME.")
    else:
        paths = [place("--workdir", part) for part in str(folder).split(",")]
        for path in paths:
            if not (path / "config.json").exists():
                raise Refusal(f"{path} holds no run; name folders of runs, as in --workdir=runs/gan,runs/wgan.")
        beside = paths[0].parent
    alike = len({path.name for path in paths}) < len(paths)
    return {str(path) if alike else path.name: path for path in paths}, beside
