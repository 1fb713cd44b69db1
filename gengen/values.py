"""What the values of a config may be: each says its type, its range and perhaps its meaning where it is used.

A builder writes `b1: Annotated[float, Range(0, 1, below=True)]`, or one of the names at the end of this file, in its
signature; `gengen.build.calls` reads it there. What depends on several values is for the builder itself to refuse.
"""

import math
import types
from collections.abc import Collection, Sequence
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

import numpy as np

LONGEST = 64
"""The most entries of a tuple that says nothing else."""


class Range(NamedTuple):
    """Numbers from `low` to `high`; `above` and `below` leave the ends themselves out."""

    low: float
    high: float
    above: bool = False
    below: bool = False

    def holds(self, value: float) -> bool:
        """Whether a number lies in it; NaN does not."""
        return (value > self.low if self.above else value >= self.low) and (
            value < self.high if self.below else value <= self.high
        )


class OneOf(NamedTuple):
    """Values that are listed, such as the keys of a table, which may get more of them later."""

    known: Collection[str | int]


class Entries(NamedTuple):
    """How many entries a tuple has, and whether each has to differ from all others."""

    least: int = 0
    most: int = LONGEST
    distinct: bool = False


class Kind(NamedTuple):
    """What an annotation says.

    Attributes:
      types: of a value, or of each entry of a tuple; of int, float, bool and str.
      entries: of a tuple; None for a single value.
      optional: whether None is one, too.
      range: of numbers.
      choice: of all values; None where there is no list.
      meaning: in words; "" where nothing is said.
    """

    types: tuple[type, ...]
    entries: Entries | None = None
    optional: bool = False
    range: Range | None = None
    choice: OneOf | None = None
    meaning: str = ""


PLAIN = {bool: "True or False", int: "a whole number", float: "a number", str: "a name or text"}
"""Types of values, and what a value of each is called."""


def kind_of(annotation: Any) -> Kind | None:
    """Reads an annotation; None where it is of no value that a config can hold."""
    notes: dict[type, Any] = {}
    if get_origin(annotation) is Annotated:
        notes = {type(note): note for note in annotation.__metadata__}
        annotation = annotation.__origin__
    kind = _bare(annotation)
    if kind is None:
        return None
    return kind._replace(
        entries=notes.get(Entries, kind.entries),
        range=notes.get(Range, kind.range),
        choice=notes.get(OneOf, kind.choice),
        meaning=notes.get(str, kind.meaning),
    )


def _bare(annotation: Any) -> Kind | None:
    arguments = get_args(annotation)
    if get_origin(annotation) in (Union, types.UnionType):
        several = [kind_of(argument) for argument in arguments if argument is not types.NoneType]
        kinds = [kind for kind in several if kind is not None]
        if len(kinds) < len(several):
            return None
        merged = tuple(plain for kind in kinds for plain in kind.types)
        return kinds[0]._replace(types=merged, optional=types.NoneType in arguments)
    if isinstance(get_origin(annotation), type) and issubclass(get_origin(annotation), Sequence):
        entry = kind_of(arguments[0])
        fixed = get_origin(annotation) is tuple and arguments[-1] is not ...
        length = Entries(len(arguments), len(arguments)) if fixed else Entries()
        return entry and entry._replace(entries=length)
    return Kind((annotation,)) if annotation in PLAIN else None


def complaint(value: Any, kind: Kind) -> str:
    """What is wrong with a value, as in "must be True or False"; "" if nothing is."""
    if value is None and kind.optional:
        return ""
    words = described(kind)
    if kind.entries is None:
        rounded = isinstance(value, float) and math.isfinite(value) and kind.range and kind.range.holds(value)
        return "" if _fits(value, kind) else f"must be {words}{', in single precision, too' if rounded else ''}"
    if not isinstance(value, tuple | list):
        return f"must be a tuple of {words}"
    wrong = [entry for entry in value if not _fits(entry, kind)]
    if wrong:
        return f"must hold {words}, which {wrong[0]!r} is not"
    if not kind.entries.least <= len(value) <= kind.entries.most:
        return f"must hold {words}, and holds {len(value)}"
    if kind.entries.distinct and len(set(value)) < len(value):
        return f"must hold {words}, none of them twice"
    return ""


def described(kind: Kind) -> str:
    """A kind in words: "a number in [0, 1)", "1 to 2 entries, each one of ab, ba"."""
    words = " or ".join(PLAIN[plain] for plain in kind.types)
    if kind.choice:
        words = f"one of {', '.join(map(str, kind.choice.known))}"
    elif kind.range and kind.types == (int,):
        words += f" from {kind.range.low:,} to {kind.range.high:,}"
    elif kind.range and float in kind.types:
        left, right = "(" if kind.range.above else "[", ")" if kind.range.below else "]"
        words += f" in {left}{kind.range.low:g}, {kind.range.high:g}{right}"
    words += ", or None" if kind.optional else ""
    if kind.entries is None:
        return words
    least, most = kind.entries.least, kind.entries.most
    return f"{f'{least:,}' if least == most else f'{least:,} to {most:,}'} entries, each {words}"


def _fits(value: Any, kind: Kind) -> bool:
    if kind.choice and value not in kind.choice.known:
        return False
    if isinstance(value, bool):
        return bool in kind.types
    if isinstance(value, str):
        return str in kind.types and bool(value.strip()) and "\0" not in value
    if isinstance(value, int | np.integer) and (int in kind.types or float in kind.types):
        return kind.range is None or kind.range.holds(int(value))
    return isinstance(value, float | np.floating) and float in kind.types and _fits_single(float(value), kind.range)


def _fits_single(value: float, within: Range | None) -> bool:
    """Whether a number is finite and in range, also as a float32, in which it is used; only 0 may become 0."""
    with np.errstate(over="ignore", under="ignore"):
        single = float(np.float32(value))
    if not math.isfinite(single) or (value != 0 and single == 0):
        return False
    return within is None or (within.holds(value) and within.holds(single))


MOST = 1e9
"""The largest number of those that have no end of their own; its square still is a float32."""

Size = Annotated[int, Range(1, 2**16)]
"""Units, channels, latents: what arrays are as long as."""

Few = Annotated[int, Range(1, 64)]
"""Blocks, or sizes of maps."""

Depth = Annotated[int, Range(0, 100)]
"""How often something is repeated in a network, which has to be traced each time."""

Repeats = Annotated[int, Range(1, 1_000)]
"""How often something happens in a step."""

Count = Annotated[int, Range(0, 2**31 - 1)]
"""Steps, images."""

Weight = Annotated[float, Range(0, MOST)]
"""Of a part of a loss; 0 switches it off."""

Positive = Annotated[float, Range(0, MOST, above=True)]

Share = Annotated[float, Range(0, 1)]

Decay = Annotated[float, Range(0, 1, below=True)]
"""What is kept of an average; also shares that may not be all."""
