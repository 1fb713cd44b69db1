"""Raw files that a user has got by hand: known by what they hold, whatever they are called and however they are packed.

A file may be packed by gzip, bzip2 or xz, lie in a zip, or some folders deep; whole archives unpack to such folders.
What it holds is compared with what is published, so that no data set is ever read for another one.
"""

import bz2
import contextlib
import gzip
import hashlib
import itertools
import lzma
import pathlib
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from gengen.core.refusal import Refusal

Place = pathlib.Path | zipfile.Path
"""Where a raw file lies: in a folder, or in a zip."""

DEPTH = 3
"""Folders, or zips, from the user's own one to that of a file; archives hold `MNIST/raw`."""

_PACKINGS = {b"\x1f\x8b": gzip, b"BZh": bz2, b"\xfd7zXZ\0": lzma}
_ZIP = b"PK\3\4"
_PACKED = re.compile(r"\.(gz|bz2|xz|zip)$")


class RawSet(NamedTuple):
    """The raw files of a data set.

    Attributes:
      dataset: its name.
      published: what each file is known by, by its published name: the SHA-256 of what it unpacks to, or of the packed
        file if only that is published.
      packed: SHA-256 of packed files, by name, where whole copies agree in it.
      form: name of the file that a place has the form of; None if it has that of none.
      strict: whether all that `published` says is of unpacked content, so that anything else is another file.
      digest: SHA-256 of what is at a place.
    """

    dataset: str
    published: Mapping[str, str]
    packed: Mapping[str, str]
    form: Callable[[Place], str | None]
    strict: bool
    digest: Callable[[Place], str]


class Found(NamedTuple):
    """Raw files that were found.

    Attributes:
      files: where each lies, by its published name; files to be downloaded are missing.
      digest: identifies what all files hold, and not where they lie; those that are missing count as published.
      notes: what the user should know, a sentence each.
    """

    files: Mapping[str, Place]
    digest: str
    notes: tuple[str, ...]


def unpacked(place: Place) -> bytes:
    """Reads a file, and unpacks it if it is packed by gzip, bzip2 or xz, whatever its name says.

    Raises:
      Refusal: it cannot be read or unpacked.
    """
    content = _read(place)
    for magic, packing in _PACKINGS.items():
        if content.startswith(magic):
            try:
                return bytes(packing.decompress(content))
            except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
                raise Refusal(f"{place} cannot be unpacked ({error}): copy or download it again.") from error
    return content


def head(place: Place, count: int) -> bytes:
    """The first bytes of a file, unpacked; b"" if they cannot be had."""
    try:
        with place.open("rb") as file:
            magic = file.read(6)
        for start, packing in _PACKINGS.items():
            if magic.startswith(start):
                with place.open("rb") as file, packing.open(file) as opened:
                    return bytes(opened.read(count))
        with place.open("rb") as file:
            return bytes(file.read(count))
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile):
        return b""


def digest(place: Place) -> str:
    """The SHA-256 of what a file unpacks to."""
    return hashlib.sha256(unpacked(place)).hexdigest()


def find(wanted: RawSet, folder: pathlib.Path | None, others: Sequence[RawSet] = ()) -> Found:
    """Looks for the raw files of a data set in the user's folder.

    Args:
      wanted: the data set.
      folder: the folder, or a file alone; None finds nothing, so that all is to be downloaded.
      others: data sets whose files are told apart from those wanted.

    Returns:
      The files that are there, of which there is at least one where there is a folder.

    Raises:
      Refusal: the folder does not exist or holds none of the files, or a file is damaged or of another data set.
    """
    if folder is None:
        return Found({}, _key(wanted, wanted.published), ())
    if not folder.exists():
        raise Refusal(f"--config.data.manual_dir={folder} is not a folder, and should hold {listed(wanted.published)}.")
    candidates = _candidates(wanted, folder)
    if not candidates:
        raise Refusal(_nothing(wanted, folder, others))
    files, holds, notes = {}, dict(wanted.published), []
    for name, places in candidates.items():
        files[name], holds[name] = _chosen(wanted, name, places, others)
        if holds[name] != wanted.published[name]:
            notes.append(
                f"{files[name]} has the form of {name} of {wanted.dataset}, but could not be verified: what it holds "
                "has no published checksum."
            )
    renamed = {
        name: place.name if place == folder else str(place).removeprefix(f"{folder}/") for name, place in files.items()
    }
    renamed = {name: there for name, there in renamed.items() if there not in (name, _PACKED.sub("", name))}
    if renamed:
        taken = ", ".join(f"{there} for {name}" for name, there in renamed.items())
        notes.insert(0, f"{wanted.dataset} takes from {folder} {taken}.")
    return Found(files, _key(wanted, holds), tuple(notes))


def listed(names: Sequence[str] | Mapping[str, str | None]) -> str:
    """Names as a sentence has them."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _candidates(wanted: RawSet, folder: Place) -> dict[str, list[Place]]:
    """Places that have the form or the name of a file, by the published name; those of exactly that name come first."""
    usual = {_usual(name): name for name in wanted.published}
    found: dict[str, list[Place]] = {}
    root = folder if folder.is_dir() else _as_zip(folder) or folder
    for place in itertools.chain([root], _walk(root, DEPTH)):
        name = wanted.form(place) or (usual.get(_usual(place.name)) if place.is_file() else None)
        if name:
            found.setdefault(name, []).append(place)
    # A stable sort: what lies less deep comes first, as `_walk` has it.
    return {
        name: sorted(found[name], key=lambda place: place.name not in wanted.published)
        for name in wanted.published
        if name in found
    }


def _chosen(wanted: RawSet, name: str, places: Sequence[Place], others: Sequence[RawSet]) -> tuple[Place, str]:
    """Picks the place that holds what is published, else one that may, and says what it holds."""
    refusals: list[Refusal] = []
    unknown: dict[str, Place] = {}
    for place in places:
        try:
            holds = _holds(wanted, name, place)
        except Refusal as refusal:
            refusals.append(refusal)
            continue
        if holds == wanted.published[name]:
            return place, holds
        owner = _owner(place, holds, others)
        if owner:
            refusals.append(
                Refusal(
                    f"{place} is a file of {owner}, and not of {wanted.dataset}: name the folder of {wanted.dataset}, "
                    f"or add --config.data.name={owner}."
                )
            )
        elif wanted.strict or wanted.form(place) != name:
            refusals.append(
                Refusal(
                    f"{place} differs from the published {name} of {wanted.dataset} (the SHA-256 of what it holds is "
                    f"{holds}): it is damaged or another version, so copy or download it again."
                )
            )
        else:
            unknown.setdefault(holds, place)
    if len(unknown) == 1:
        ((holds, place),) = unknown.items()
        return place, holds
    if unknown:
        raise Refusal(
            f"{listed([str(place) for place in unknown.values()])} hold different things, and each could be {name} of "
            f"{wanted.dataset}: leave the right one alone in the folder."
        )
    raise refusals[0]


def _holds(wanted: RawSet, name: str, place: Place) -> str:
    """What a place is known by: as published if its packed bytes are, else the digest of what it unpacks to."""
    if name in wanted.packed and _is_packed(place) and _sha256(place) == wanted.packed[name]:
        return wanted.published[name]
    return wanted.digest(place)


def _owner(place: Place, holds: str, others: Sequence[RawSet]) -> str | None:
    for other in others:
        known = {*other.published.values(), *other.packed.values()}
        if holds in known or (_is_packed(place) and _sha256(place) in known):
            return other.dataset
    return None


def _nothing(wanted: RawSet, folder: pathlib.Path, others: Sequence[RawSet]) -> str:
    there = [other.dataset for other in others if len(_candidates(other, folder)) == len(other.published)]
    but = f", but those of {there[0]} (--config.data.name={there[0]})" if there else ""
    return (
        f"--config.data.manual_dir={folder} holds none of the files of {wanted.dataset}{but}: name the folder that "
        f"holds {listed(wanted.published)}, or leave it out, and they are downloaded."
    )


def _walk(folder: Place, depth: int) -> Iterator[Place]:
    """Yields the files and folders below a folder, what is in zips as well; hidden ones are passed over."""
    try:
        entries: list[Place] = [*folder.iterdir()] if folder.is_dir() else []
    except OSError as error:
        raise Refusal(f"{folder} cannot be read ({error.strerror}): make it readable, or name another one.") from error
    for entry in sorted(entries, key=lambda entry: (entry.is_dir(), entry.name)):
        if entry.name.startswith(".") or entry.name == "__MACOSX":
            continue
        inner = entry if entry.is_dir() else _as_zip(entry)
        if inner is None and entry.is_file():
            yield entry
        elif inner is not None and depth > 1:
            yield inner
            yield from _walk(inner, depth - 1)


def _as_zip(place: Place) -> zipfile.Path | None:
    if isinstance(place, pathlib.Path) and place.is_file() and head(place, 4) == _ZIP:
        with contextlib.suppress(zipfile.BadZipFile, OSError):
            return zipfile.Path(place)
    return None


def _is_packed(place: Place) -> bool:
    if not place.is_file():
        return False
    with contextlib.suppress(OSError), place.open("rb") as file:
        return file.read(6).startswith(tuple(_PACKINGS))
    return False


def _usual(name: str) -> str:
    """A name without its packing, as `train-images.idx3-ubyte` stands for `train-images-idx3-ubyte.gz`."""
    return _PACKED.sub("", name.lower()).replace(".", "-").replace("_", "-")


def _sha256(place: Place) -> str:
    return hashlib.sha256(_read(place)).hexdigest()


def _read(place: Place) -> bytes:
    try:
        return place.read_bytes()
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        raise Refusal(f"{place} cannot be read ({error}): copy or download it again.") from error


def _key(wanted: RawSet, holds: Mapping[str, str]) -> str:
    return hashlib.sha256("\n".join(holds[name] for name in wanted.published).encode()).hexdigest()[:16]
