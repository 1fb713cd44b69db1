"""Examples of any kind as pictures: one sheet of many, and small pictures for grids."""

from collections.abc import Sequence

import numpy as np

from gengen.data.points import density_of
from gengen.data.signature import Signature
from gengen.pictures.grid import grid
from gengen.pictures.kinds import KINDS
from gengen.pictures.sheet import in_rows

PLANE = 2
"""Numbers of a point from which it can be drawn in a plane."""

DEVIATIONS, FRAMED = 2.5, 2.0
"""How far from its mean a feature without bounds is drawn, in standard deviations of the training split, and what axes
hold at least: a model that gives back one mode of several is not to fill them."""


def sheet(signature: Signature, examples: np.ndarray, *, columns: int | None = None) -> np.ndarray:
    """One picture of many examples, uint8 [H, W, C]: a grid of pictures, and what suits any other kind.

    Args:
      signature: of the data.
      examples: [N, *shape] in the data's units.
      columns: of a grid of pictures; about as many as rows by default.
    """
    if signature.kind == "picture":
        return grid(examples, columns=columns)
    return KINDS[signature.kind].sheet({"": examples}, density=density_of(signature), bounds=_bounds(signature, FRAMED))


def thumbnails(signature: Signature, examples: np.ndarray) -> np.ndarray:
    """A small picture of each example, uint8 [N, h, w, C], all of one scale; a picture is its own.

    Args:
      signature: of the data.
      examples: [N, *shape] in the data's units.
    """
    return KINDS[signature.kind].thumbnails(examples, _bounds(signature, DEVIATIONS))


def pairs(signature: Signature, rows: Sequence[np.ndarray]) -> np.ndarray:
    """One picture of examples and what is given back for them, uint8 [H, W, C].

    Args:
      signature: of the data.
      rows: examples first and what is given back last, each [N, *shape] in the data's units.
    """
    drawn = KINDS[signature.kind].pairs
    if drawn is None or signature.shape[-1] < PLANE:
        return in_rows([thumbnails(signature, row) for row in rows])
    return drawn(rows[0], rows[-1], density=density_of(signature))


def paths(signature: Signature, along: np.ndarray) -> np.ndarray:
    """One picture of examples along paths [rows, steps, *shape] in the data's units, uint8 [H, W, C]."""
    drawn, everything = KINDS[signature.kind].paths, along.reshape(-1, *along.shape[2:])
    if drawn is None or signature.shape[-1] < PLANE:
        return grid(thumbnails(signature, everything), columns=along.shape[1])
    return drawn(along, everything, density=density_of(signature))


def _bounds(signature: Signature, deviations: float) -> tuple[np.ndarray, np.ndarray]:
    """Between which values each feature is drawn, [D] and [D]: the same for all that is drawn of one data set."""
    field, features = signature.fields["data"], signature.shape[-1]
    if field.low is not None and field.high is not None:
        return np.full(features, field.low), np.full(features, field.high)
    mean, deviation = np.asarray(field.mean or [0.0] * features), np.asarray(field.deviation or [1.0] * features)
    return mean - deviations * deviation, mean + deviations * deviation
