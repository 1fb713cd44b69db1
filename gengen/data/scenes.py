"""Scenes: coloured shapes on black, drawn at any size, that captions tell of."""

from collections.abc import Iterator, Mapping

import numpy as np

from gengen.data.grammar import KINDS, SIZES, Scene, scenes_of
from gengen.data.random_numbers import uniform

SIDE = 32
"""Height and width where nothing else is asked for."""

COUNTS = {"train": 12_000, "test": 2_000}
"""Scenes of each split."""

PALETTE: Mapping[str, tuple[int, int, int]] = {
    "red": (230, 50, 45),
    "green": (50, 190, 70),
    "blue": (60, 95, 240),
    "yellow": (245, 215, 50),
    "purple": (190, 60, 215),
    "cyan": (55, 205, 220),
}
"""What colours look like, red, green and blue in 0..255."""

AREAS: Mapping[str, float] = {"circle": np.pi, "square": 3.24, "triangle": 2.0, "cross": 20 / 9}
"""Areas of shapes of radius 1: all lie in a square from -1 to 1, a square itself from -0.9 to 0.9."""

RADII: Mapping[str, tuple[float, float]] = {"small": (0.12, 0.14), "big": (0.195, 0.215)}
"""The least and the greatest radius of a thing of a size, in sides of the picture."""

MARGIN, GAP = 0.03, 0.07
"""Free at least along each border and between two things, in sides of the picture."""

_SHARES = (0.2, 0.2, 0.6)  # of `KINDS`
_SIDEWAYS = 0.12  # how far things that lie above each other lie off the middle
_NUMBERS = 19


def read_scenes(split: str, side: int = SIDE, count: int | None = None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Draws the scenes of a split: they follow from their places alone, and a smaller count has the first ones.

    One caption in five speaks of one thing, one of several alike, three of two and how they lie. Each is drawn evenly
    from all that the grammar can say, of combinations that are seen (`grammar.Scene.is_seen`) for training and for
    every other test scene, and of those that are not for the rest of the test scenes. Sizes of which the caption says
    nothing, places, and the last bit of radius and brightness are free. Things never touch.

    Args:
      split: "train" or "test".
      side: height and width.
      count: how many to draw; `COUNTS[split]` by default.

    Returns:
      Pictures, uint8 [N, side, side, 3], and their captions [N].
    """
    pictures, captions = zip(*each_scene(split, side, count), strict=True)
    return np.stack(pictures), tuple(captions)


def each_scene(split: str, side: int = SIDE, count: int | None = None) -> Iterator[tuple[np.ndarray, str]]:
    """Yields each picture that `read_scenes` draws, and its caption, in turn: all of them need not fit in memory."""
    for index, numbers in enumerate(uniform(f"scenes {split}", COUNTS[split] if count is None else count, _NUMBERS)):
        kind = KINDS[int(np.searchsorted(np.cumsum(_SHARES[:-1]), numbers[0], side="right"))]
        pool = scenes_of(kind, split == "train" or index % 2 == 0)
        scene = pool[int(numbers[1] * len(pool))]
        yield drawn(scene, numbers[2:], side), scene.caption


def drawn(scene: Scene, numbers: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Draws a scene.

    Args:
      scene: what its caption says.
      numbers: in [0, 1), all that is free [17].
      side: height and width.

    Returns:
      uint8 [side, side, 3].
    """
    sizes, radial, bright, places = numbers[:2], numbers[2:4], numbers[4], numbers[5:]
    radii = []
    for thing, free, number in zip(scene.things, sizes, radial, strict=False):
        low, high = RADII[thing.size or SIZES[int(2 * free)]]
        radii.append(low + (high - low) * number)
    things = [*scene.things] * scene.number
    centres = _apart(scene.relation, radii, places) if scene.relation else _in_cells(scene.number, radii[0], places)
    picture = np.zeros((side, side, 3))
    for thing, (across, down), radius in zip(things, centres, radii * scene.number, strict=True):
        cover = coverage(thing.shape, across, down, radius, side)
        picture += cover[..., None] * np.array(PALETTE[thing.colour]) * (0.9 + 0.1 * bright)
    return np.rint(picture).astype(np.uint8)


def coverage(shape: str, across: float, down: float, radius: float, side: int) -> np.ndarray:
    """How much of each pixel a shape covers, in [0, 1], float64 [side, side].

    1/2 minus the signed distance of the pixel's middle from the outline, in pixels, cut at 0 and 1.

    Args:
      shape: of `AREAS`.
      across: of its middle from the left border, in sides of the picture.
      down: of its middle from the upper border.
      radius: half the side of the square that it lies in.
      side: height and width in pixels.
    """
    middles = (np.arange(side) + 0.5) / side
    x, y = np.abs(middles[None, :] - across), middles[:, None] - down
    if shape == "circle":
        distance = np.hypot(x, y) - radius
    elif shape == "square":
        distance = np.maximum(x, np.abs(y)) - 0.9 * radius
    elif shape == "triangle":  # of height and base 2 r, its top above
        distance = np.maximum(y - radius, (2 * x - y - radius) / np.sqrt(5))
    else:  # two bars, three times as long as wide
        bars = (np.maximum(x - long, np.abs(y) - wide) for long, wide in ((radius, radius / 3), (radius / 3, radius)))
        distance = np.minimum(*bars)
    return np.clip(0.5 - side * distance, 0, 1)


def _apart(relation: str, radii: list[float], places: np.ndarray) -> list[tuple[float, float]]:
    """Middles of two things, across and down: far apart one way, near the middle the other way."""
    forwards = relation in ("above", "left of")
    first, second = radii if forwards else radii[::-1]
    free = 1 - 2 * (MARGIN + first + second) - GAP
    between, start = free * places[0], free * (1 - places[0]) * places[1]
    along = MARGIN + start + first
    ends = (along, along + first + GAP + between + second)
    middles = [
        (0.5 + (2 * place - 1) * min(_SIDEWAYS, 0.5 - MARGIN - radius), end)
        for end, place, radius in zip(ends, places[2:], (first, second), strict=False)
    ]
    middles = middles if forwards else middles[::-1]
    return middles if relation in ("above", "below") else [(end, sideways) for sideways, end in middles]


def _in_cells(count: int, radius: float, places: np.ndarray) -> list[tuple[float, float]]:
    """Middles of things alike: anywhere if it is one, else in different quarters of the picture."""
    if count == 1:
        reach = 1 - 2 * (MARGIN + radius)
        across, down = MARGIN + radius + reach * places[:2]
        return [(float(across), float(down))]
    quarters = np.argsort(places[:4])[:count]  # any of them, as likely as any others
    reach = 0.5 - GAP - 2 * radius
    shifts = GAP / 2 + radius + reach * places[4:12].reshape(4, 2)[quarters]
    corners = np.stack([quarters % 2, quarters // 2], -1) * 0.5
    return [(float(across), float(down)) for across, down in corners + shifts]
