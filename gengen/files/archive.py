"""Folders as one file, to send, and back: what a stranger sent is looked at before any of it is written.

Nothing of an archive is executed or unpickled: gengen reads JSON, NumPy's arrays without objects, and checkpoints of
plain arrays. What could be meant to be, or to lie elsewhere, is refused with all else that is in the archive.
"""

import hashlib
import json
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from gengen.core.refusal import Refusal
from gengen.files.whole import whole

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2")
"""Endings of what is taken for an archive."""

DIGESTS = "digests.json"
"""File of an archive with the SHA-256 of every other one, by its path."""

PICKLED = re.compile(r"\.(pkl|pickle|pt|pth|ckpt|joblib|dill|py|pyc|so|dll|exe|sh)$", re.IGNORECASE)
"""Endings of what runs code where it is opened."""

MOST = 100_000
"""The most files of an archive."""

LARGEST = 2**37
"""The most bytes of all files together."""

TEXT = 2**24
"""The most bytes of a JSON file: a config has thousands."""

SWELL = 1_000
"""How many times larger than the archive its files may be, beyond `TEXT`."""

_CHUNK = 2**20


class Member(NamedTuple):
    """A file of an archive: its path, its size in bytes, and what opens it."""

    path: str
    size: int
    open: Callable[[], IO[bytes]]


def is_archive(path: Path) -> bool:
    """Whether a path ends as archives do."""
    return path.name.lower().endswith(SUFFIXES)


def pack(folder: Path, paths: Sequence[str], output: Path, replaced: Mapping[str, str] | None = None) -> Path:
    """Writes files of a folder as a zip, with the SHA-256 of each, that appears whole or not at all.

    Args:
      folder: the folder.
      paths: of the files in it, with "/" between folders.
      output: the zip to write.
      replaced: texts of some of them, in the place of what they hold.

    Returns:
      The path of the zip.
    """
    texts, digests = {path: text.encode() for path, text in (replaced or {}).items()}, {}
    with whole(output) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(paths):
            content = texts[path] if path in texts else (folder / path).read_bytes()
            digests[path] = hashlib.sha256(content).hexdigest()
            archive.writestr(zipfile.ZipInfo(path), content, zipfile.ZIP_DEFLATED)
        archive.writestr(zipfile.ZipInfo(DIGESTS), json.dumps(digests, indent=1), zipfile.ZIP_DEFLATED)
    return output


def unpack(archive: Path, folder: Path, holds: str) -> None:
    """Writes the files of an archive into an empty folder, from that of its own folders that holds a file.

    Args:
      archive: a zip or tar.
      folder: an empty folder.
      holds: name of a file that lies beside what is wanted, such as "config.json".

    Raises:
      Refusal: it is no whole archive, or holds no such file, links, what would lie outside, what could be run, more
        than it may, or a file whose digest is another one than it says.
    """
    try:
        with _members(archive) as members:
            _check(archive, members)
            top = _top(archive, [member.path for member in members], holds)
            wanted = [member for member in members if member.path.startswith(top)]
            written = {member.path[len(top) :]: _write(archive, member, folder, top) for member in wanted}
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, tarfile.TarError, zlib.error) as error:
        raise Refusal(f"{archive} cannot be unpacked ({error}): copy it again.") from error
    if DIGESTS in written:
        _compare(archive, folder, written)


@contextmanager
def _members(archive: Path) -> Iterator[list[Member]]:
    """The files of an archive; anything that is neither a file nor a folder is refused."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            for entry in entries:
                if stat.S_ISLNK(entry.external_attr >> 16):
                    raise _refused(archive, entry.filename, "is a link")
            yield [Member(entry.filename, entry.file_size, partial(opened.open, entry)) for entry in entries]
        return
    with tarfile.open(archive) as tape:
        found: list[Member] = []
        for info in tape:
            if len(found) > MOST:
                break
            if not (info.isreg() or info.isdir()):
                raise _refused(archive, info.name, "is a link or a device")
            if info.isreg():
                found.append(Member(info.name.removeprefix("./"), info.size, partial(_of_tape, tape, info)))
        yield found


def _of_tape(tape: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    opened = tape.extractfile(info)
    assert opened is not None, "it is a file"
    return opened


def _check(archive: Path, members: Sequence[Member]) -> None:
    """Refuses an archive by the names and the sizes that it says."""
    if len(members) > MOST:
        raise Refusal(f"{archive} holds more than {MOST:,} files, and no run does: it is not unpacked.")
    for path, size, _ in members:
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts or "\\" in path or ":" in parts[0] or "\0" in path:
            raise _refused(archive, path, "would lie outside of its folder")
        if PICKLED.search(path):
            raise _refused(archive, path, "is of a kind that can run code")
        if path.endswith(".json") and size > TEXT:
            raise _refused(archive, path, f"has {size:,} bytes, and {TEXT:,} are the most")
    if len({member.path for member in members}) < len(members):
        raise Refusal(f"{archive} holds two files of one path, and it is not clear which is meant: it is not unpacked.")
    total = sum(member.size for member in members)
    if total > LARGEST or total > TEXT + SWELL * archive.stat().st_size:
        raise Refusal(f"{archive} would swell to {total:,} bytes: it is not unpacked.")


def _top(archive: Path, paths: Sequence[str], holds: str) -> str:
    """The folder, with "/" at its end, that holds a file and lies above all others that do; "" for the archive."""
    above = {path.removesuffix(holds) for path in paths if PurePosixPath(path).name == holds}
    outermost = sorted(above, key=lambda path: path.count("/"))[:2]
    if not outermost or (len(outermost) > 1 and outermost[0].count("/") == outermost[1].count("/")):
        found = "several runs" if outermost else f"no run: there is no {holds} in it"
        raise Refusal(f"{archive} holds {found}.")
    return outermost[0]


def _write(archive: Path, member: Member, folder: Path, top: str) -> str:
    """Writes a file below a folder, no more of it than its size; returns its SHA-256."""
    target, digest, left = folder / member.path[len(top) :], hashlib.sha256(), member.size
    target.parent.mkdir(parents=True, exist_ok=True)
    with member.open() as source, target.open("xb") as file:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise _refused(archive, member.path, "is larger than it says")
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def digests_of(folder: Path, paths: Sequence[str]) -> dict[str, str]:
    """The SHA-256 of files of a folder by their paths."""
    return {path: hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in sorted(paths)}


def check_digests(folder: Path) -> None:
    """Checks the files of a folder by its `DIGESTS`.

    Raises:
      Refusal: one is another than it was.
    """
    there = [path.name for path in folder.iterdir() if path.is_file()]
    _compare(folder, folder, digests_of(folder, there))


def _compare(archive: Path, folder: Path, written: Mapping[str, str]) -> None:
    try:
        digests: Any = json.loads((folder / DIGESTS).read_bytes())
    except ValueError as error:
        raise _refused(archive, DIGESTS, "is no JSON") from error
    known = digests if isinstance(digests, dict) else {}
    for path, digest in written.items():
        if path != DIGESTS and known.get(path) != digest:
            raise _refused(archive, path, f"is not what {DIGESTS} says")
    if missing := sorted(set(known) - set(written)):
        raise _refused(archive, missing[0], f"is missing, and {DIGESTS} names it")


def _refused(archive: Path, path: str, why: str) -> Refusal:
    shown = path.encode("ascii", "backslashreplace").decode()[:200]
    return Refusal(f"{archive} is not taken: {shown!r} in it {why}.")
