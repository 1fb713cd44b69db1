"""The files that a task writes, settled before it starts to work."""

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gengen.core.refusal import Refusal
from gengen.files.whole import sweep, whole

LONGEST = 150
"""The most bytes of an input's name in that of an output; file systems take 255 for all of it."""


def output_files(output: Path | None, default: Path, *suffixes: str, source: Path | None = None) -> list[Path]:
    """Says which files of one name and several endings a task will write, and makes ready their folder.

    What comes of a user's own input is named by it, and numbered from 2 on where a file of that name is there, so that
    no earlier result is lost: it may be of another input of that name, or of another step. What comes of the data of
    the run can be made again, and is written over, as is what the user names.

    Args:
      output: what the user named, with one of the endings or without.
      default: what to take where the user named nothing.
      *suffixes: endings, such as ".json".
      source: the user's input, if there is one.

    Returns:
      One path an ending.

    Raises:
      Refusal: one of them is a folder, or nothing can be written where they should lie.
    """
    output = output or (_of_input(default, source, suffixes) if source else default)
    if output.is_dir() or not output.name:
        raise Refusal(f"--output={output} is a folder; name the file.")
    paths = _paths(output, suffixes)
    for path in paths:
        if path.is_dir():
            raise Refusal(f"{path} is a folder, and the file of that name cannot be written; choose another --output.")
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    if not os.access(paths[0].parent, os.W_OK):
        raise Refusal(f"nothing can be written in {paths[0].parent}; choose another --output.")
    sweep(paths[0].parent)
    return paths


def _paths(output: Path, suffixes: Sequence[str]) -> list[Path]:
    stem = output.with_suffix("") if output.suffix in suffixes else output
    return [stem.with_name(stem.name + suffix) for suffix in suffixes]


def _of_input(default: Path, source: Path, suffixes: Sequence[str]) -> Path:
    """The first name of an input that is free: `default-input`, `default-input-2` and so on, with its ending."""
    place = source.expanduser().resolve()
    name = os.fsencode(place.name if place.is_dir() else place.stem)[:LONGEST].decode(errors="ignore")
    stem = f"{default.stem}-{''.join(filter(str.isprintable, name)) or 'input'}"
    for number in itertools.count(1):
        free = default.with_name(stem + f"-{number}" * (number > 1) + default.suffix)
        if not any(path.exists() for path in _paths(free, suffixes)):
            break
    return free


def save_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    """Writes arrays by their names to a compressed .npz that appears whole or not at all."""
    with whole(path) as file:
        np.savez_compressed(file, **arrays)
