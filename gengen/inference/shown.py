"""Examples of any kind as blocks of a sheet: many, pairs and paths, and small pictures for any grid."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from gengen.data.points import density_of
from gengen.data.signature import Signature
from gengen.inference.conditions import ROW
from gengen.pictures.captions import Block, contact
from gengen.pictures.kinds import KINDS

PLANE = 2
"""Numbers of a point from which it can be drawn in a plane."""

BESIDE = 16
"""Examples beside each other, each above what is given back for it."""

PANELS = 4
"""Members beside each other whose examples are drawn in panels."""

DEVIATIONS, FRAMED = 2.5, 2.0
"""How far from its mean a feature without bounds is drawn, in standard deviations of the training split, and what axes
hold at least: a model that gives back one mode of several is not to fill them."""


def sheet(
    signature: Signature, examples: np.ndarray, *, across: Sequence[str] = (), rows: Sequence[str] = (), title: str = ""
) -> Block:
    """Many examples: a grid of pictures, and what suits any other kind.

    Where there are more than can be told apart on a sheet, it shows the first ones and its title says so.

    Args:
      signature: of the data.
      examples: [N, *shape] in the data's units.
      across: titles of the columns of a grid of pictures; without them there are about as many columns as rows.
      rows: titles of the rows of a grid of pictures, which has `ROW` columns then.
      title: of them all; "" for none.
    """
    number, most = len(examples), KINDS[signature.kind].most
    if most is not None and number > most:
        examples = examples[: most - most % max(len(across), 1)]
        title = f"{title}{' · ' if title else ''}the first {len(examples)} of {number:,}"
    if signature.kind == "picture":
        columns = min(len(across) or (ROW if rows else math.ceil(math.sqrt(len(examples)))), len(examples))
        return Block(examples, columns, title, rows[: math.ceil(len(examples) / columns)], across[:columns])
    whole = KINDS[signature.kind].sheet
    picture = whole({"": examples}, density=density_of(signature), bounds=frame(signature))
    return Block(picture[None], 1, title, pixels=False)


def by_name(signature: Signature, named: Mapping[str, np.ndarray], *, across: Sequence[str] = ()) -> list[Block]:
    """Examples of several members: rows of pictures for each, and panels beside each other of any other kind.

    Args:
      signature: of the data.
      named: by the members' names, each [N, *shape] in the data's units; of pictures, whole rows are shown.
      across: titles of the columns of pictures; without them there are `BESIDE`.
    """
    number = min(len(drawn) for drawn in named.values())
    if signature.kind == "picture":
        columns = min(len(across) or BESIDE, number)
        rows = number // columns
        cells = np.concatenate([drawn[: rows * columns] for drawn in named.values()])
        titles = [title for name in named for title in (name, *[""] * (rows - 1))]
        return [Block(cells, columns, rows=titles, across=across[:columns])]
    drawing, names = KINDS[signature.kind], list(named)
    parts = [names[first : first + PANELS] for first in range(0, len(names), PANELS)]
    bounds, density = _bounds(signature, FRAMED), density_of(signature)
    pictures = [
        drawing.sheet({name: named[name][: drawing.most] for name in part}, density=density, bounds=bounds)
        for part in parts
    ]
    return [Block(picture[None], 1, pixels=False) for picture in pictures]


def thumbnails(signature: Signature, examples: np.ndarray) -> np.ndarray:
    """A small picture of each example, uint8 [N, h, w, C], all of one scale; a picture is its own.

    Args:
      signature: of the data.
      examples: [N, *shape] in the data's units.
    """
    return KINDS[signature.kind].thumbnails(examples, _bounds(signature, DEVIATIONS))


def pairs(signature: Signature, rows: Mapping[str, np.ndarray], across: Sequence[str] = ()) -> list[Block]:
    """Examples and what is given back for them.

    Args:
      signature: of the data.
      rows: by their titles, examples first and what is given back last, each [N, *shape] in the data's units.
      across: titles of the examples [N], or none.
    """
    drawn = KINDS[signature.kind].pairs
    if drawn is None or signature.shape[-1] < PLANE:
        return contact({title: thumbnails(signature, row) for title, row in rows.items()}, BESIDE, across=across)
    first, *_, last = rows.values()
    return [Block(drawn(first, last, density=density_of(signature))[None], 1, pixels=False)]


def paths(signature: Signature, along: np.ndarray, *, rows: Sequence[str] = (), across: Sequence[str] = ()) -> Block:
    """Examples along paths.

    Args:
      signature: of the data.
      along: [N, steps, *shape] in the data's units.
      rows: titles of the paths [N], or none.
      across: titles of the steps, or none.
    """
    drawn, everything = KINDS[signature.kind].paths, along.reshape(-1, *along.shape[2:])
    if drawn is None or signature.shape[-1] < PLANE:
        return Block(thumbnails(signature, everything), along.shape[1], rows=rows, across=across)
    return Block(drawn(along, everything, density=density_of(signature))[None], 1, pixels=False)


def frame(signature: Signature) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the upper ends [D] of axes that hold points of the data, the same for every picture of them."""
    return _bounds(signature, FRAMED)


def _bounds(signature: Signature, deviations: float) -> tuple[np.ndarray, np.ndarray]:
    """Between which values each feature is drawn, [D] and [D]: the same for all that is drawn of one data set."""
    field, features = signature.fields["data"], signature.shape[-1]
    if field.low is not None and field.high is not None:
        return np.full(features, field.low), np.full(features, field.high)
    mean, deviation = np.asarray(field.mean or [0.0] * features), np.asarray(field.deviation or [1.0] * features)
    return mean - deviations * deviation, mean + deviations * deviation
