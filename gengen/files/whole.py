"""Files and folders that appear whole or not at all, and what is left of those whose writers were killed."""

import fcntl
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

CRUMB = re.compile(
    r"\..+\.(json|jsonl|npz|png)\.(\d+|[0-9a-f]{32})|.*\.[0-9a-f]{32}\.partial|incomplete\.[0-9a-f]{32}\..+"
)
"""Names that files and folders have until they are whole, those of older versions first."""


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Opens a file to write that appears whole or not at all: it gets its name when the context ends well.

    Until then it has a name that `sweep` knows, and a lock that ends with this process, however it ends.
    """
    partial = path.with_name(f".{uuid.uuid4().hex}.partial")  # as short for the longest name that a path may have
    with partial.open("xb") as file:
        try:
            _lock(file.fileno())
            yield file
            file.flush()
            os.fsync(file.fileno())
            partial.replace(path)
        except OSError as error:
            if error.filename == str(partial):
                error.filename = str(path)
            raise
        finally:
            partial.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Writes a text file that appears whole or not at all."""
    with whole(path) as file:
        file.write(text.encode())


@contextmanager
def whole_folder(path: Path, *, anew: bool = False) -> Iterator[Path]:
    """Makes a folder to fill that appears whole or not at all; where another process was first, its folder stays.

    Where it is made `anew`, it takes the place of what is there, which stays until then.
    """
    partial, old = (path.with_name(f"incomplete.{uuid.uuid4().hex}.{path.name}") for _ in range(2))
    partial.mkdir(parents=True)
    try:
        with _opened(partial) as descriptor:
            _lock(descriptor)
            yield partial
            with suppress(OSError):
                if anew and path.exists():
                    path.rename(old)
                partial.rename(path)
    finally:
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(partial, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Removes what writers that were killed have left in a folder; what somebody still writes is locked, and stays."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if CRUMB.fullmatch(path.name):
            with suppress(OSError), _opened(path) as descriptor:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Locks a file of one's own, where the file system knows locks."""
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
