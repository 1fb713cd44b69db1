"""Paths as users give them, and folders whose paths other libraries would misread."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gengen.core.refusal import Refusal

URL = re.compile(r"[A-Za-z][\w+.-]*://|file:/")

MISREAD = re.compile(r"[][*?\\:\ud800-\udfff]")
"""What etils, under Orbax and TFDS, takes for a pattern or a bucket, TensorStore for a separator, and C++ cannot read:
bytes that are not UTF-8, which Python writes as these surrogates."""


def place(flag: str, text: str | os.PathLike[str]) -> Path:
    """The path that a user names, with `~` expanded.

    Args:
      flag: where it was named, such as "--workdir".
      text: the path.

    Raises:
      Refusal: it is empty, a URL, has a character that no path can have, or begins with the `~` of nobody.
    """
    given = os.fspath(text)
    if not given:
        raise Refusal(f"{flag} is empty; name a path, or leave it out.")
    if "\0" in given:
        raise Refusal(f"{flag}={given!r} has a NUL character, which no path can have; name another path.")
    if URL.match(given):
        raise Refusal(f"{flag}={given} is a URL, and gengen reads and writes local files alone; name a local path.")
    try:
        return Path(given).expanduser()
    except RuntimeError as error:
        raise Refusal(
            f"{flag}={given} begins with a home folder that is not known; write ./{given} if it is a name."
        ) from error


@contextmanager
def plain(folder: Path) -> Iterator[Path]:
    """Another path of a folder, for libraries that would misread its own; the same one where they would not.

    The folder is made where it is missing. The path ends with the context, and errors name the folder's own.

    Raises:
      Refusal: the folder's path would be misread, and this system gives it no other.
    """
    own = folder.absolute()
    if not MISREAD.search(str(own)):
        yield own
        return
    own.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(own, os.O_RDONLY)
    alias = Path(f"/proc/self/fd/{descriptor}")
    try:
        if not alias.is_dir():
            raise Refusal(f"the path of {folder} has one of []*?\\: or a byte that is not UTF-8; choose another.")
        yield alias
    except OSError as error:
        if str(error.filename).startswith(f"{alias}/"):
            error.filename = str(own / Path(error.filename).relative_to(alias))
        raise
    finally:
        os.close(descriptor)
