"""A user's table: a CSV file of numbers, with a column of classes if one is named so."""

import csv
import math
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gengen.core.refusal import Refusal
from gengen.data.listing import shown

LABELS = ("label", "class", "target", "y")
"""Names of a column of classes, in any case."""

_DELIMITERS = (",", ";", "\t")


class Table(NamedTuple):
    """What a CSV file holds.

    Attributes:
      names: of the columns of numbers; () where the file does not name them.
      numbers: float64 [N, D].
      label: name of the column of classes; "" where there is none.
      classes: of each row, int64 or text [N]; None where there is no such column.
    """

    names: tuple[str, ...]
    numbers: np.ndarray
    label: str
    classes: np.ndarray | None


class _Row(NamedTuple):
    line: int
    cells: list[str]


def read_table(path: pathlib.Path) -> Table:
    """Reads a CSV file in UTF-8, whose cells are separated by commas, semicolons or tabs.

    The first row holds names if none of its cells is a number, or one of them is none above a number. A column that is
    named as one of `LABELS` holds classes, unless it holds numbers that are not whole.

    Raises:
      Refusal: the file is empty or no table, rows differ in length, or a cell is empty, no number, or not finite; the
        sentence names the line and the column.
    """
    root, rows = shown(path), _rows(path)
    names: tuple[str, ...] = ()
    if rows and _has_names(rows):
        names = tuple(rows.pop(0).cells)
    if not rows:
        raise Refusal(f"{root} holds no rows of numbers.")
    columns = [names[place] if names else str(place + 1) for place in range(len(rows[0].cells))]
    for row in rows:
        if len(row.cells) != len(columns):
            raise Refusal(f"{root}, line {row.line}, has {len(row.cells)} cells, and others have {len(columns)}.")
        if "" in row.cells:
            column = columns[row.cells.index("")]
            raise Refusal(f"{root}, line {row.line}, has nothing in column {column}: fill it in, or remove the row.")
    label = _label(root, names, rows)
    numbers = np.array([_numbers(root, row, columns, label) for row in rows], np.float64)
    if not numbers.shape[1]:
        raise Refusal(f"{root} holds classes, and no column of numbers beside them.")
    if label is None:
        return Table(names, numbers, "", None)
    classes = [row.cells[label] for row in rows]
    kept = tuple(name for place, name in enumerate(names) if place != label)
    return Table(kept, numbers, names[label], np.array(_whole(classes) or classes))


def _rows(path: pathlib.Path) -> list[_Row]:
    """The rows that are not blank, each with its last line in the file."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            first = next((line for line in file if line.strip()), "")
            file.seek(0)
            reader = csv.reader(file, delimiter=max(_DELIMITERS, key=first.count), strict=True)
            rows = [_Row(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except (csv.Error, UnicodeDecodeError) as error:
        raise Refusal(f"{shown(path)} cannot be read as a CSV file in UTF-8 ({error}).") from error
    return [row for row in rows if any(row.cells)]


def _has_names(rows: Sequence[_Row]) -> bool:
    first, second = (rows[place].cells if place < len(rows) else [] for place in (0, 1))
    above = zip(first, second, strict=False)
    return all(not _is_number(cell) for cell in first) or any(
        not _is_number(name) and _is_number(cell) for name, cell in above
    )


def _label(root: str, names: Sequence[str], rows: Sequence[_Row]) -> int | None:
    """The place of the column of classes."""
    found = [place for place, name in enumerate(names) if name.casefold() in LABELS]
    found = [
        place
        for place in found
        if _whole([row.cells[place] for row in rows]) or not all(_is_number(row.cells[place]) for row in rows)
    ]
    if len(found) > 1:
        listed = " and ".join(names[place] for place in found)
        raise Refusal(f"{root} has several columns of classes, {listed}: remove or rename all but one.")
    return found[0] if found else None


def _numbers(root: str, row: _Row, columns: Sequence[str], label: int | None) -> list[float]:
    values = []
    for place, cell in enumerate(row.cells):
        if place == label:
            continue
        if not _is_number(cell):
            raise Refusal(
                f"{root}, line {row.line}, has {shown(cell)} in column {columns[place]}, which is no number: remove "
                f"the column, or name it label in a first line of names if it holds classes."
            )
        values.append(float(cell))
        if not math.isfinite(values[-1]):
            raise Refusal(f"{root}, line {row.line}, has {cell} in column {columns[place]}: remove the row.")
    return values


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _whole(cells: Sequence[str]) -> list[int]:
    """Cells as whole numbers of 64 bits; [] if some are none."""
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        return []
    return [int(value) for value in values] if all(abs(v) < 2**53 and v.is_integer() for v in values) else []
