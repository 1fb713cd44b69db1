"""CMP facades: photographs of house fronts with maps of their parts, as the pix2pix archive has them.

Photographs and maps are those of Tyleček and Šára (2013); the archive, with its splits, is that of Isola et al. (2017,
arXiv:1611.07004).
"""

import hashlib
import io
import re
import tarfile
from collections.abc import Iterator

import numpy as np
from PIL import Image, UnidentifiedImageError

from gengen.core.refusal import Refusal
from gengen.data import raw

SIDE = 256
"""Height and width of both pictures of a pair."""

HOMEPAGE = "https://cmp.felk.cvut.cz/~tylecr1/facade/"

MIRRORS = ("http://efrosgans.eecs.berkeley.edu/pix2pix/datasets/",)

FILE = "facades.tar.gz"
"""The archive; copies differ in their packing, so what it holds is checked, and not its bytes."""

CONTENT = "36c016c113430453dfa4f9d8169e3642cbc28916eb15014789db5688952615c8"
"""SHA-256 of the SHA-256s of all its files, those for training first, in the order of their numbers."""

COUNTS = {"train": 400, "test": 106}
"""Pairs of each split. The archive's third folder, `val` with 100 pairs, is left out."""

_MEMBER = re.compile(r"(?:^|/)(train|test)/(\d+)\.jpg$")
_TAR = slice(257, 262)  # where a tar file has its mark


def raw_set() -> raw.RawSet:
    """What the archive is known by: a tar file, or a folder or zip that holds folders `train` and `test`."""

    def form(place: raw.Place) -> str | None:
        if place.is_dir():
            return FILE if all((place / split / "1.jpg").is_file() for split in COUNTS) else None
        return FILE if raw.head(place, _TAR.stop)[_TAR] == b"ustar" else None

    def digest(place: raw.Place) -> str:
        files = [content for split in read_pairs(place).values() for content in split]
        return hashlib.sha256(b"".join(hashlib.sha256(content).digest() for content in files)).hexdigest()

    return raw.RawSet("facades", {FILE: CONTENT}, {}, form, False, digest)


def read_pairs(path: raw.Place) -> dict[str, list[bytes]]:
    """Reads the files of each split in the order of their numbers; nothing is unpacked to the disk.

    Args:
      path: the archive, packed or not, or a folder that holds what it does.

    Returns:
      JPEG files by split.

    Raises:
      Refusal: the archive is cut or damaged, or a split holds another number of files.
    """
    found: dict[str, dict[int, bytes]] = {split: {} for split in COUNTS}
    for name, content in _members(path):
        match = _MEMBER.search(name)
        if match:
            found[match[1]][int(match[2])] = content
    for split, count in COUNTS.items():
        if len(found[split]) != count:
            raise Refusal(
                f"{path} should hold {count} files in {split}, but holds {len(found[split])}: it was cut or is another "
                "archive, so copy or download it again."
            )
    return {split: [content for _, content in sorted(files.items())] for split, files in found.items()}


def _members(path: raw.Place) -> Iterator[tuple[str, bytes]]:
    """Yields the names and contents of an archive's files, or of the folders `train` and `test`."""
    if path.is_dir():
        for split in COUNTS:
            for file in (path / split).iterdir():
                if file.is_file():
                    yield f"{split}/{file.name}", raw.unpacked(file)
        return
    content = raw.unpacked(path)
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for member in archive:
                opened = archive.extractfile(member) if member.isfile() else None
                if opened:
                    yield member.name, opened.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise Refusal(f"{path} cannot be unpacked ({error}): copy or download it again.") from error


def read_halves(content: bytes, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Cuts one file in two.

    Args:
      content: a JPEG file, 256x512 (height x width).
      name: what to call it in a refusal.

    Returns:
      The photograph, which is the left half, and the map of parts: uint8 [256, 256, 3] each.

    Raises:
      Refusal: the file is damaged, or of another size.
    """
    try:
        pair = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    except Exception as error:  # decoders raise anything from OSError to struct.error on damaged files
        reason = "it is damaged" if isinstance(error, UnidentifiedImageError) else error
        raise Refusal(f"{name} cannot be read as a picture ({reason}): copy or download the archive again.") from error
    if pair.shape != (SIDE, 2 * SIDE, 3):
        raise Refusal(
            f"{name} should be {SIDE}x{2 * SIDE} (height x width), but is {pair.shape[0]}x{pair.shape[1]}: copy or "
            "download the archive again."
        )
    return pair[:, :SIDE], pair[:, SIDE:]
