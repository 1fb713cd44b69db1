"""CMP facades: photographs of house fronts with maps of their parts, as the pix2pix archive has them.

Photographs and maps are those of Tyleček and Šára (2013); the archive, with its splits, is that of Isola et al. (2017,
arXiv:1611.07004).
"""

import io
import pathlib
import re
import tarfile

import numpy as np
from PIL import Image

from gengen.core.refusal import Refusal
from gengen.data import fetch

SIDE = 256
"""Height and width of both pictures of a pair."""

HOMEPAGE = "https://cmp.felk.cvut.cz/~tylecr1/facade/"

MIRRORS = ("http://efrosgans.eecs.berkeley.edu/pix2pix/datasets/",)

FILE = "facades.tar.gz"
"""The archive; copies differ in their packing, so what it holds is checked, and not its bytes."""

COUNTS = {"train": 400, "test": 106}
"""Pairs of each split. The archive's third folder, `val` with 100 pairs, is left out."""

_MEMBER = re.compile(r"(?:^|/)(train|test)/(\d+)\.jpg$")


def read_pairs(path: pathlib.Path) -> dict[str, list[bytes]]:
    """Reads the files of each split in the order of their numbers; nothing is unpacked to the disk.

    Args:
      path: the archive, packed with gzip or not.

    Returns:
      JPEG files by split.

    Raises:
      Refusal: the archive is cut or damaged, or a split holds another number of files.
    """
    found: dict[str, dict[int, bytes]] = {split: {} for split in COUNTS}
    content = fetch.unpacked(path)
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for member in archive:
                match = _MEMBER.search(member.name)
                file = archive.extractfile(member) if match and member.isfile() else None
                if match and file:
                    found[match[1]][int(match[2])] = file.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise Refusal(f"{path} cannot be unpacked ({error}): copy or download it again.") from error
    for split, count in COUNTS.items():
        if len(found[split]) != count:
            raise Refusal(
                f"{path} should hold {count} files in {split}, but holds {len(found[split])}: it was cut or is another "
                "archive, so copy or download it again."
            )
    return {split: [content for _, content in sorted(files.items())] for split, files in found.items()}


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
        reason = "it is damaged" if isinstance(error, Image.UnidentifiedImageError) else error
        raise Refusal(f"{name} cannot be read as a picture ({reason}): copy or download the archive again.") from error
    if pair.shape != (SIDE, 2 * SIDE, 3):
        raise Refusal(
            f"{name} should be {SIDE}x{2 * SIDE} (height x width), but is {pair.shape[0]}x{pair.shape[1]}: copy or "
            "download the archive again."
        )
    return pair[:, :SIDE], pair[:, SIDE:]
