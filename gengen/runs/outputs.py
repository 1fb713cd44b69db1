"""The files that a task writes, settled before it starts to work."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gengen.core.refusal import Refusal
from gengen.files.whole import sweep, whole


def output_files(output: Path | None, default: Path, *suffixes: str) -> list[Path]:
    """Says which files of one name and several endings a task will write, and makes ready their folder.

    Args:
      output: what the user named, with one of the endings or without.
      default: what to take where the user named nothing.
      *suffixes: endings, such as ".json".

    Returns:
      One path an ending.

    Raises:
      Refusal: one of them is a folder, or nothing can be written where they should lie.
    """
    output = output or default
    if output.is_dir() or not output.name:
        raise Refusal(f"--output={output} is a folder; name the file.")
    stem = output.with_suffix("") if output.suffix in suffixes else output
    paths = [stem.with_name(stem.name + suffix) for suffix in suffixes]
    for path in paths:
        if path.is_dir():
            raise Refusal(f"{path} is a folder, and the file of that name cannot be written; choose another --output.")
    stem.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(stem.parent, os.W_OK):
        raise Refusal(f"nothing can be written in {stem.parent}; choose another --output.")
    sweep(stem.parent)
    return paths


def save_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    """Writes arrays by their names to a compressed .npz that appears whole or not at all."""
    with whole(path) as file:
        np.savez_compressed(file, **arrays)
