"""The picture files of a folder or a zip: found through links, named whatever their bytes, and what is passed over."""

import contextlib
import functools
import os
import pathlib
import stat
import sys
import unicodedata
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from gengen.core.refusal import Refusal

SUFFIXES = frozenset(
    (".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
"""What counts as a picture; hidden files and macOS's `__MACOSX` folders are passed over without a word."""

_NAMED = 3
_UTF8 = 0x800  # mark of a zip's entry whose name is UTF-8


class File(NamedTuple):
    """One picture file: its path below the root as it can be shown, the name to open it by, and its state."""

    path: str
    name: str
    stamp: str


class Listing(NamedTuple):
    """The pictures of a folder or zip, sorted by path, and the paths that are passed over, by the reason.

    `again` are folders whose pictures are there under another path, too, as links can lead to one folder twice.
    """

    root: pathlib.Path
    files: tuple[File, ...]
    passed: Mapping[str, Sequence[str]]
    again: Sequence[str] = ()

    @contextlib.contextmanager
    def reader(self) -> Iterator[Callable[[File], bytes]]:
        """Gives what reads a file's bytes; a zip is opened once for all of them."""
        if self.root.is_dir():
            yield lambda file: (self.root / file.name).read_bytes()
        else:
            with zipfile.ZipFile(self.root) as archive:
                yield lambda file: archive.read(file.name)

    def passed_over(self) -> str:
        """Says what is passed over and names the first of each kind; "" where there is nothing."""
        kinds = "; ".join(f"{why}: {few(paths)}" for why, paths in self.passed.items() if paths)
        return kinds and f"{shown(self.root)}: passed over {kinds}"

    def taken_again(self) -> str:
        """Says which folders are there twice, so that a picture may be trained on and tested; "" where none is."""
        if not self.again:
            return ""
        return f"{shown(self.root)}: links to folders of its own, whose pictures count twice: {few(self.again)}"


def list_pictures(root: pathlib.Path) -> Listing:
    """Lists the pictures of a folder or zip.

    Links are followed, but not into a folder that they lie in. In a zip, a backslash separates folders as a slash
    does, and a name without a mark of its encoding is UTF-8 where it can be.

    Args:
      root: folder or zip; it exists.

    Returns:
      The listing, which may be empty.

    Raises:
      Refusal: it is neither.
    """
    found = _Found({}, set(), {}, {})
    if root.is_dir():
        _walk(root, "", (), found)
    else:
        _unzip(root, found)
    filled: set[str] = set()
    for path in found.files:
        while (path := path.rpartition("/")[0]) and path not in filled:
            filled.add(path)
    empty = found.folders - filled
    outer = sorted(path for path in empty if path.rpartition("/")[0] not in empty)
    files = sorted(File(shown(path), name, stamp) for path, (name, stamp) in found.files.items())
    passed = {why: sorted(map(shown, paths)) for why, paths in found.passed.items()}
    passed["folders without pictures"] = [shown(path) for path in outer]
    linked = {path for paths in found.places.values() for path in _linked(root, paths) if path in filled}
    again = sorted(shown(path) for path in linked if path.rpartition("/")[0] not in linked)
    return Listing(root, tuple(files), passed, again)


def shown(name: str | os.PathLike[str]) -> str:
    """A name as any program can print and store it: bytes that are not UTF-8, and ends of lines, are escaped."""
    text = str(name).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    ends = ("Cc", "Zl", "Zp")
    return "".join(
        sign.encode("unicode_escape").decode() if unicodedata.category(sign) in ends else sign for sign in text
    )


def few(names: Collection[str], limit: int = _NAMED) -> str:
    """Counts names, and gives the first of them."""
    listed = ", ".join(list(names)[:limit])
    return f"{len(names):,} ({listed}{', ...' if len(names) > limit else ''})"


@functools.cache
def say(line: str) -> None:
    """Tells the user what was guessed or passed over; the same line is printed only once."""
    if line:
        print(f"gengen: {line}", file=sys.stderr)


class _Found(NamedTuple):
    """What a walk has found: by path, a picture's name and state; folders; what is passed over; paths of a folder."""

    files: dict[str, tuple[str, str]]
    folders: set[str]
    passed: dict[str, list[str]]
    places: dict[tuple[int, int], list[str]]

    def skip(self, why: str, path: str) -> None:
        self.folders.discard(path)
        self.passed.setdefault(why, []).append(path)


def _walk(folder: pathlib.Path, prefix: str, above: tuple[tuple[int, int], ...], found: _Found) -> None:
    """Walks one folder; `above` identifies those that it lies in, so that a link cannot lead in a circle."""
    try:
        status = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        found.skip("unreadable", prefix.rstrip("/") or ".")
        return
    here = (status.st_dev, status.st_ino)
    if here in above:
        found.skip("links into their own folder", prefix.rstrip("/"))
        return
    found.places.setdefault(here, []).append(prefix.rstrip("/"))
    for entry in entries:
        path = prefix + entry.name
        if _is_hidden(entry.name):
            continue
        try:
            status = entry.stat()
        except FileNotFoundError:
            found.skip("links to nothing", path)
        except OSError:
            found.skip("unreadable", path)
        else:
            if stat.S_ISDIR(status.st_mode):
                found.folders.add(path)
                _walk(folder / entry.name, path + "/", (*above, here), found)
            elif not stat.S_ISREG(status.st_mode) or not _is_picture(entry.name):
                found.skip("no pictures", path)
            elif not os.access(entry.path, os.R_OK):
                found.skip("unreadable", path)
            else:  # the time of change, as reading all contents at every start would take too long
                found.files[path] = (path, f"{status.st_size} {status.st_mtime_ns}")


def _linked(root: pathlib.Path, paths: Sequence[str]) -> Sequence[str]:
    """Of several paths of one folder, all but one: the links, where one of them is none."""
    return sorted(paths, key=lambda path: (root / path).resolve() != root.resolve() / path)[1:] if paths[1:] else ()


def _unzip(root: pathlib.Path, found: _Found) -> None:
    """Lists a zip; size and checksum are the contents themselves, for the price of the directory."""
    try:
        with zipfile.ZipFile(root) as archive:
            entries = archive.infolist()
    except (OSError, UnicodeError, zipfile.BadZipFile) as error:
        raise Refusal(f"{shown(root)} is neither a folder nor a whole zip file ({error}).") from error
    for entry in entries:
        parts = [part for part in _unzipped_name(entry).replace("\\", "/").split("/") if part]
        if any(map(_is_hidden, parts)):
            continue
        path = "/".join(parts)
        is_folder = entry.filename.endswith(("/", "\\"))
        found.folders.update("/".join(parts[:end]) for end in range(1, len(parts) + is_folder))
        if stat.S_ISLNK(entry.external_attr >> 16):
            found.skip("links in a zip", path)
        elif not is_folder and not _is_picture(path):
            found.skip("no pictures", path)
        elif not is_folder:
            found.files[path] = (entry.filename, f"{entry.file_size} {entry.CRC}")


def _unzipped_name(entry: zipfile.ZipInfo) -> str:
    """The name of a zip's entry: macOS and others write UTF-8 and do not mark it, and Python takes that for CP437."""
    if entry.flag_bits & _UTF8:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _is_picture(name: str) -> bool:
    return pathlib.PurePosixPath(name).suffix.lower() in SUFFIXES


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"
