"""The captions of scenes: a template grammar, and which combinations of its words are held out of training.

A caption is one of

    a [SIZE] COLOUR SHAPE
    two|three|four [SIZE] COLOUR SHAPEs
    a [SIZE] COLOUR SHAPE above|below|left of|right of a [SIZE] COLOUR SHAPE

What a caption does not say of a scene is free. Of two things at least the colour or the shape differs.
"""

import functools
import itertools
from typing import NamedTuple

SHAPES = ("circle", "square", "triangle", "cross")
COLOURS = ("red", "green", "blue", "yellow", "purple", "cyan")
SIZES = ("small", "big")
COUNTS = ("a", "two", "three", "four")
RELATIONS = ("above", "below", "left of", "right of")

WORDS = (
    *COUNTS, *SIZES, *COLOURS, *SHAPES, *(f"{shape}{'es' if shape == 'cross' else 's'}" for shape in SHAPES),
    "above", "below", "left", "right", "of",
)  # fmt: skip
"""The vocabulary."""

LENGTH = 10
"""The most words of a caption: "a small red circle left of a big blue square"."""

KINDS = ("one", "several", "related")
"""What a caption speaks of: a thing, several alike, or two and how they lie."""


class Thing(NamedTuple):
    """What a caption says of a thing, or what is read off a picture.

    Attributes:
      shape: of `SHAPES`.
      colour: of `COLOURS`.
      size: of `SIZES`; "" where nothing is said of it.
    """

    shape: str
    colour: str
    size: str = ""


class Scene(NamedTuple):
    """What a caption says.

    Attributes:
      things: one, or two that are related.
      number: how many there are of a single one.
      relation: of the first thing to the second, of `RELATIONS`; "" where there is none.
    """

    things: tuple[Thing, ...]
    number: int = 1
    relation: str = ""

    @property
    def caption(self) -> str:
        """The caption, in words."""
        between = f" {self.relation} {COUNTS[0]} "
        return f"{COUNTS[self.number - 1]} {between.join(_spoken(thing, self.number) for thing in self.things)}"

    @property
    def is_seen(self) -> bool:
        """Whether each of its combinations is in captions for training.

        Held out are four of the 24 pairs of shape and colour: a yellow circle, a purple square, a cyan triangle and a
        red cross, that is, COLOURS[(s + 3) % 6] of SHAPES[s]. Held out are also, in any colours, four of the 16 pairs
        of shapes that lie above each other, SHAPES[(s + 1) % 4] above SHAPES[s], and four of those beside each other,
        SHAPES[s] left of SHAPES[(s + 1) % 4], whichever of the two is named first. Each shape, colour and relation
        alone, and each pair of shapes in the other order, is in captions for training.
        """
        shapes = [SHAPES.index(thing.shape) for thing in self.things]
        colours = [COLOURS.index(thing.colour) for thing in self.things]
        if any((colour - shape) % len(COLOURS) == 3 for shape, colour in zip(shapes, colours, strict=True)):
            return False
        if not self.relation:
            return True
        first, second = shapes if self.relation in ("above", "left of") else shapes[::-1]
        step = (first - second) % len(SHAPES)
        return step != (1 if self.relation in ("above", "below") else len(SHAPES) - 1)


def _spoken(thing: Thing, count: int) -> str:
    shape = thing.shape if count == 1 else WORDS[WORDS.index(thing.shape) + len(SHAPES)]
    return " ".join(filter(None, (thing.size, thing.colour, shape)))


@functools.cache
def scenes_of(kind: str, seen: bool) -> tuple[Scene, ...]:
    """All that captions of a kind can say, of combinations that are seen in training or of those that are not.

    Args:
      kind: of `KINDS`.
      seen: see `Scene.is_seen`.
    """
    things = [Thing(*of) for of in itertools.product(SHAPES, COLOURS, ("", *SIZES))]
    if kind == "one":
        every = [Scene((thing,)) for thing in things]
    elif kind == "several":
        every = [Scene((thing,), count) for count in (2, 3, 4) for thing in things]
    else:
        pairs = itertools.product(things, things)
        differ = [pair for pair in pairs if pair[0][:2] != pair[1][:2]]
        every = [Scene(pair, 1, relation) for relation in RELATIONS for pair in differ]
    return tuple(scene for scene in every if scene.is_seen == seen)


@functools.cache
def parsed(caption: str) -> Scene | None:
    """What a caption says; None where the grammar does not make it."""
    return _by_caption().get(caption)


@functools.cache
def _by_caption() -> dict[str, Scene]:
    return {scene.caption: scene for kind in KINDS for seen in (True, False) for scene in scenes_of(kind, seen)}
