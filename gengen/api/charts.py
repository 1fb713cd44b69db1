"""What a run looks like as a whole: curves of its metrics, and what it showed over time as a strip and a film."""

import time
from pathlib import Path

import numpy as np
from PIL import Image

from gengen.data.signature import Signature
from gengen.pictures.animation import save_film
from gengen.pictures.captions import Block, save_sheet
from gengen.pictures.grid import save_png
from gengen.pictures.strip import keep, strip
from gengen.reports.curves import of_members, of_run, of_runs
from gengen.runs.folder import read_folder
from gengen.runs.program import by_combination
from gengen.training.writer import read_lines

CURVES, STRIP, FILM, KEPT = "curves.png", "strip.png", "film.png", "strip.npz"
"""Names of the pictures in a run folder, and of the file that the strip is made of."""

FRAMES = "film"
"""The folder of the pictures of a film, in a run folder."""

MOST = 6
"""Runs on one sheet, or combinations: as many as there are colours that can be told apart from the last row."""

SHARE = 0.02
"""Of the time of a run that drawing its curves may take, but for the last time."""

FIRST = 1.0
"""Seconds that drawing for the first time takes, about: most of it is the import of matplotlib."""


class Charts:
    """Draws the curves and the strip of a run, again and again as it goes on.

    Args:
      workdir: the run folder.
      signature: of the data.
    """

    def __init__(self, workdir: Path, signature: Signature) -> None:
        self._workdir, self._signature = workdir, signature
        self._took, self._since = FIRST, time.perf_counter()

    def keep(self, step: int, block: Block, *, given: bool) -> None:
        """Keeps what is shown at a step, for the strip; `given` is whether its first row was given to the model."""
        keep(self._workdir / KEPT, step, block, given=given)

    def refresh(self) -> None:
        """Draws the curves again, unless that was done a short while ago."""
        if time.perf_counter() - self._since > self._took / SHARE:
            self.draw()

    def finish(self, *, anew: bool) -> None:
        """Draws curves, strip and film for the last time; where nothing is new, only what is not there yet."""
        if anew or not (self._workdir / CURVES).exists():
            self.draw()
            draw_film(self._workdir, self._workdir / FILM)

    def draw(self) -> None:
        """Draws the curves and the strip."""
        start = time.perf_counter()
        draw_curves(self._workdir, title_of(self._workdir, self._signature), self._workdir / CURVES)
        draw_strip(self._workdir, title_of(self._workdir, self._signature), self._workdir / STRIP)
        self._since = time.perf_counter()
        self._took = self._since - start


def title_of(workdir: Path, signature: Signature) -> str:
    """What a picture of a whole run is titled."""
    return f"{workdir.absolute().name} · {signature.title}"


def draw_curves(workdir: Path, title: str, path: Path, *, dark: bool = False) -> bool:
    """Draws the curves of a run as a PNG that appears whole; says whether the run has written metrics.

    Those of a sweep are one for each of its combinations, where there are colours for them.
    """
    lines, config = read_lines(workdir / "metrics.jsonl"), read_folder(workdir)[0]
    groups = by_combination(config) if config.get("sweep") else {}
    several = of_members(lines, groups) if 1 < len(groups) <= MOST else {}
    shown = of_runs(several, alike=True) if several else of_run(lines)
    if shown:
        from gengen.pictures.curves import curves  # matplotlib

        save_png(path, curves(shown, title, dark=dark, runs=list(several)))
    return bool(shown)


def draw_strip(workdir: Path, title: str, path: Path, *, dark: bool = False) -> bool:
    """Draws the strip of a run as a PNG that appears whole; says whether the run has shown anything at two steps."""
    blocks = strip(workdir / KEPT)
    if blocks:
        save_sheet(path, blocks, title, dark=dark)
    return bool(blocks)


def draw_film(workdir: Path, path: Path) -> list[Path]:
    """Writes the film of a run, if two of its pictures were taken; returns the paths of the APNG and of the GIF."""
    frames = sorted((workdir / FRAMES).glob("step_*.png"))
    if len(frames) < 2:
        return []
    paths, pictures = [path, path.with_suffix(".gif")], [_read(frame) for frame in frames]
    for place in paths:
        save_film(place, pictures)
    return paths


def _read(path: Path) -> np.ndarray:
    """A picture, uint8 [H, W, 3]."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))
