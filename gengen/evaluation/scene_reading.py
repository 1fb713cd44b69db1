"""Reads scenes: which shapes of which colours and sizes lie where in a picture, by geometry alone."""

from typing import NamedTuple

import numpy as np

from gengen.data.grammar import Scene, Thing
from gengen.data.scenes import AREAS, PALETTE, RADII, coverage

FAINT = 0.35
"""The share of a palette colour's brightest channel from which a pixel is of a thing and not of the ground."""

SPECK = 0.4
"""The share of the area of the least thing that can be drawn, below which something is no thing."""

DEEP = 0.8
"""The share of a thing's brightest pixels from which one shows its colour alone, and no ground."""

FIT = 0.3
"""The share of its own area by which a thing may differ from a shape to be of that shape: a blot is of none."""

_BRIGHTEST = max(max(colour) for colour in PALETTE.values())
_BETWEEN = (RADII["small"][1] + RADII["big"][0]) / 2
_TOP_HEAVY = 1 / 3  # a triangle's centre of mass lies this share of its radius below its middle


class Found(NamedTuple):
    """A thing in a picture.

    Attributes:
      thing: its shape, "" where it is none of them, its colour and its size.
      across: of its centre of mass from the left border, in sides of the picture.
      down: of its centre of mass from the upper border.
    """

    thing: Thing
    across: float
    down: float


class Agreement(NamedTuple):
    """Whether a picture shows what its caption says; None where the caption says nothing of it.

    Attributes:
      number: whether there are as many things.
      shape: whether all things have the shapes that are said.
      colour: whether they have the colours.
      size: whether they have the sizes.
      relation: whether they lie as is said.
      whole: all of it at once.
    """

    number: bool
    shape: bool
    colour: bool
    size: bool | None
    relation: bool | None
    whole: bool


def things_in(picture: np.ndarray) -> list[Found]:
    """Reads a picture.

    Connected pixels that are bright enough are a thing. Its colour is the nearest of the palette, by direction, to the
    mean of its deep pixels. Its shape is the one whose drawing, of its area and with its centre of mass, covers the
    pixels most alike (least sum of absolute differences), unless that differs by more than `FIT`; its size follows from
    the radius of that drawing.

    Args:
      picture: uint8 [side, side, 3].
    """
    from scipy import ndimage

    side, bright = len(picture), picture.max(2).astype(np.float64)
    labels, number = ndimage.label(bright > FAINT * _BRIGHTEST)
    least = SPECK * min(AREAS.values()) * (RADII["small"][0] * side) ** 2
    found = []
    for index in range(1, number + 1):
        inside = labels == index
        if inside.sum() >= least:
            found.append(_read(picture, bright, inside, ndimage.binary_dilation(inside), side))
    return found


def agreement(scene: Scene, found: list[Found]) -> Agreement:
    """Compares what was read off a picture with what its caption says.

    Of things that are related, each is taken for the one of the caption with which more agrees.
    """
    things = scene.things * scene.number
    enough = len(found) == len(things)
    orders = [found] if not scene.relation else [found, found[::-1]]
    best = max((_compared(scene, things, order) for order in orders), key=lambda each: sum(map(bool, each)))
    shape, colour, size, relation = best
    said = [shape, colour, *(value for value in (size, relation) if value is not None)]
    return Agreement(enough, shape, colour, size, relation, enough and all(said))


def _read(picture: np.ndarray, bright: np.ndarray, inside: np.ndarray, around: np.ndarray, side: int) -> Found:
    peak = np.quantile(bright[inside], 0.75)
    cover = np.where(around, np.minimum(bright / peak, 1), 0)
    area = cover.sum() / side**2
    middles = (np.arange(side) + 0.5) / side
    across, down = (float((cover.sum(axis) * middles).sum() / cover.sum()) for axis in (0, 1))
    deep = inside & (cover > DEEP)
    colour = picture[deep].astype(np.float64).mean(0)
    errors, radii = {}, {}
    for shape, factor in AREAS.items():
        radii[shape] = np.sqrt(area / factor)
        middle = down - (_TOP_HEAVY * radii[shape] if shape == "triangle" else 0)
        errors[shape] = np.abs(coverage(shape, across, middle, radii[shape], side) - cover)[around].sum()
    shape = min(errors, key=errors.__getitem__)
    size = "small" if radii[shape] < _BETWEEN else "big"
    fits = errors[shape] <= FIT * cover.sum()
    return Found(Thing(shape if fits else "", _nearest(colour), size), across, down)


def _nearest(colour: np.ndarray) -> str:
    names, known = list(PALETTE), np.array(list(PALETTE.values()), np.float64)
    alike = known @ colour / np.linalg.norm(known, axis=1)
    return names[int(alike.argmax())]


def _compared(
    scene: Scene, things: tuple[Thing, ...], found: list[Found]
) -> tuple[bool, bool, bool | None, bool | None]:
    """Whether shapes, colours, sizes and the relation agree, in this order; with what is missing nothing does."""
    enough = len(found) >= len(things)
    pairs = list(zip(things, found, strict=False))
    shape, colour = (
        enough and all(getattr(said, name) == getattr(read.thing, name) for said, read in pairs)
        for name in ("shape", "colour")
    )
    sized = [read.thing.size == said.size for said, read in pairs if said.size]
    size = enough and all(sized) if any(thing.size for thing in things) else None
    relation = enough and _relation(*found[:2]) == scene.relation if scene.relation else None
    return shape, colour, size, relation


def _relation(first: Found, second: Found) -> str:
    across, down = first.across - second.across, first.down - second.down
    if abs(down) > abs(across):
        return "above" if down < 0 else "below"
    return "left of" if across < 0 else "right of"
