"""Runs that were sent as one file: unpacked beside it, once, before they are opened."""

import hashlib
from pathlib import Path

from gengen.core.refusal import Refusal
from gengen.data.listing import say
from gengen.files.archive import SUFFIXES, is_archive, unpack
from gengen.files.whole import whole_folder
from gengen.runs.started import PREFIX, started

MARK = ".unpacked"
"""File of an unpacked run with the SHA-256 of its archive."""


def located(path: Path) -> Path:
    """The run folder of a path: itself, or where an archive of that path is unpacked, beside it and without its ending.

    Args:
      path: a run folder, a zip or tar of one, or zoo:NAME, a started model.

    Raises:
      Refusal: the archive cannot be taken, or a folder that is not of it lies in its way.
    """
    if str(path).startswith(PREFIX):
        return started(str(path))
    if not is_archive(path) or not path.is_file():
        return path
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    suffix = next(suffix for suffix in sorted(SUFFIXES, key=len, reverse=True) if path.name.lower().endswith(suffix))
    folder = path.with_name(path.name[: -len(suffix)])
    if folder.exists():
        mark = folder / MARK
        if mark.is_file() and mark.read_text(encoding="utf-8") == digest:
            return folder
        raise Refusal(f"{path} would be unpacked into {folder}, which is there and not of it: move one of them.")
    with whole_folder(folder) as partial:
        unpack(path, partial, "config.json")
        (partial / MARK).write_text(digest, encoding="utf-8")
    say(f"{path} is unpacked into {folder}")
    return folder
