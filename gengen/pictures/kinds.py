"""What each kind of data looks like: a sheet of whole sets, and a small picture of each example for any grid."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gengen.pictures import points, series, volume
from gengen.pictures.grid import WHITE, grid, without_alpha
from gengen.pictures.points import LogDensity
from gengen.pictures.sheet import GAP, below, in_rows

Bounds = tuple[np.ndarray, np.ndarray]
"""Lowest and highest value of each feature in the training data, ([D], [D]); pictures and volumes need none."""

COLUMNS, SLICES = 8, 3
"""Volumes beside each other, and slices below each of the first of them."""

TITLE = 32
"""Pixels of the height of a title."""


class Sheet(Protocol):
    """Draws sets of examples, to be compared."""

    def __call__(
        self, groups: Mapping[str, np.ndarray], *, density: LogDensity | None = None, bounds: Bounds | None = None
    ) -> np.ndarray:
        """One picture, uint8 [H, W, C].

        Args:
          groups: titles and examples [N, ...] of one kind; the first group is the reference.
          density: the exact log-density of points, where it is known.
          bounds: where points of the data lie, though those of the reference should not.
        """


class Drawing(NamedTuple):
    """How examples of one kind are drawn.

    Attributes:
      sheet: whole sets.
      thumbnails: examples [N, ...] and the bounds of their features to small pictures of one size, uint8 [N, h, w, C],
        for any grid; a picture is its own.
      many: how many examples make a good sheet.
      most: the most examples of which one can see anything on a sheet; None where all lie above each other.
      pairs: `(examples [N, ...], what is given back for them [N, ...], density=)` to one picture; None where the
        thumbnails below each other are one.
      paths: `(examples along paths [rows, steps, ...], all of them [N, ...], density=)` to one picture; None likewise.
    """

    sheet: Sheet
    thumbnails: Callable[[np.ndarray, Bounds], np.ndarray]
    many: int = 64
    most: int | None = None
    pairs: Callable[..., np.ndarray] | None = None
    paths: Callable[..., np.ndarray] | None = None


def _pictures(
    groups: Mapping[str, np.ndarray], *, density: LogDensity | None = None, bounds: Bounds | None = None
) -> np.ndarray:
    return titled({title: grid(without_alpha(images)) for title, images in groups.items()})


def _series(
    groups: Mapping[str, np.ndarray], *, density: LogDensity | None = None, bounds: Bounds | None = None
) -> np.ndarray:
    return series.lines(groups)


def _volumes(
    groups: Mapping[str, np.ndarray], *, density: LogDensity | None = None, bounds: Bounds | None = None
) -> np.ndarray:
    """Surfaces, the first ones with slices below them."""

    def drawn(volumes: np.ndarray) -> np.ndarray:
        surfaces, cuts = volume.thumbnails(volumes), volume.slices(volumes[:COLUMNS], SLICES)
        first = in_rows([surfaces[:COLUMNS], *cuts])
        rest = [grid(surfaces[COLUMNS:], columns=COLUMNS)] if len(volumes) > COLUMNS else []
        return below([first, *(_widened(picture, first.shape[1]) for picture in rest)])

    return titled({title: drawn(volumes) for title, volumes in groups.items()})


KINDS: Mapping[str, Drawing] = {
    "picture": Drawing(_pictures, lambda examples, bounds: examples, most=400),
    "points": Drawing(
        points.scatter,
        lambda examples, bounds: points.thumbnails(examples, *bounds),
        many=1_000,
        pairs=points.pairs,
        paths=points.paths,
    ),
    "series": Drawing(_series, lambda examples, bounds: series.thumbnails(examples, *bounds), many=256),
    "volume": Drawing(_volumes, lambda examples, bounds: volume.thumbnails(examples), most=64),
}
"""Each kind of data by its name."""


def titled(pictures: Mapping[str, np.ndarray]) -> np.ndarray:
    """Lays pictures below each other, each below its title; one alone has none.

    Args:
      pictures: titles and pictures, uint8 [H, W, C].

    Returns:
      One picture, uint8 [H', W', C].
    """
    if len(pictures) == 1:
        return next(iter(pictures.values()))
    width = max(picture.shape[1] for picture in pictures.values())
    parts = []
    for title, picture in pictures.items():
        strip = Image.new("L", (width, TITLE), WHITE)
        font = ImageFont.load_default(0.7 * TITLE)
        ImageDraw.Draw(strip).text((GAP, TITLE / 2), title, fill=0, font=font, anchor="lm")
        wide = _widened(picture, width)
        parts.append(np.concatenate([np.asarray(strip)[..., None].repeat(wide.shape[2], axis=2), wide]))
    return below(parts)


def _widened(picture: np.ndarray, width: int) -> np.ndarray:
    """A picture [H, W, C] with white at its right, up to a width."""
    return np.pad(picture, ((0, 0), (0, width - picture.shape[1]), (0, 0)), constant_values=WHITE)
