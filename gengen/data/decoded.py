"""The cache of decoded pictures: plain .npy files, written once and then read in a fraction of a second."""

import dataclasses
import hashlib
import json
import math
import pathlib
import shutil
from collections.abc import Iterator

import numpy as np

from gengen.core.refusal import Refusal
from gengen.data import pixels, room
from gengen.data.prepared import Prepared
from gengen.data.signature import DataSet, Signature
from gengen.files.whole import sweep, whole_folder

MAPPED_ABOVE = 1 << 30
"""Arrays above this many bytes stay on the disk and are read as batches need them."""

_SPLITS = ("train", "test")


def read(folder: pathlib.Path) -> DataSet | None:
    """Reads decoded data.

    Args:
      folder: where `write` put them.

    Returns:
      The data set; None if there is none, or if it is damaged.
    """
    try:
        signature = Signature.from_json(json.loads((folder / "signature.json").read_text(encoding="utf-8")))
        keys = ["data"] + ["paired"] * bool(signature.paired) + ["label"] * bool(signature.classes)
        splits = {split: {key: _load(folder / f"{split}.{key}.npy") for key in keys} for split in _SPLITS}
    except (OSError, ValueError, EOFError, KeyError):
        return None
    for split, arrays in splits.items():
        if any(len(array) != signature.counts[split] for array in arrays.values()):
            return None
    return DataSet(signature, splits, folder)


def _load(path: pathlib.Path) -> np.ndarray:
    array = np.load(path, mmap_mode="r" if path.stat().st_size > MAPPED_ABOVE else None)
    array.flags.writeable = False
    return array


def write(
    folder: pathlib.Path,
    name: str,
    prepared: Prepared,
    *,
    size: tuple[int, int] | None,
    channels: int | None,
    crop: str,
) -> DataSet:
    """Decodes a prepared data set into a folder, which appears whole or not at all.

    Args:
      folder: where to put it; another process may be writing it too, and the first one wins.
      name: name of the data set.
      prepared: its records.
      size: (height, width), or None for the size that all pictures have.
      channels: 1, 3, or None for what the pictures have.
      crop: "none" or "center".

    Returns:
      The data set, as it is read back.

    Raises:
      Refusal: a picture does not fit the size, which the sentence names, all do not fit on the disk, or what was
        written cannot be read.
    """
    channels = channels or prepared.channels
    first = pixels.plain(next(prepared.examples("train"))[1])
    native = (first.height, first.width)
    target = size or native
    _check_room(folder, name, prepared, (*target, channels))
    sweep(folder.parent)
    with whole_folder(folder) as partial:
        digest = hashlib.sha256()
        counts = {}
        for split in _SPLITS:
            counts[split] = len(prepared.splits[split][1])
            labels = np.zeros(counts[split], np.int32)
            shape = (counts[split], *target, channels)
            for key in ("data", "paired") if prepared.paired else ("data",):
                pictures = _fitted(prepared, split, key, labels, target, native, channels, crop, sized=size is not None)
                digest.update(_write_rows(partial / f"{split}.{key}.npy", pictures, shape))
            if prepared.classes:
                np.save(partial / f"{split}.label.npy", labels)
                digest.update(hashlib.sha256(labels.tobytes()).digest())
        paired = channels if prepared.paired else 0
        signature = Signature(name, *target, channels, prepared.classes, counts, digest.hexdigest()[:16])
        signature = dataclasses.replace(signature, paired=paired, split=prepared.split, range=prepared.range)
        (partial / "signature.json").write_text(json.dumps(signature.to_json(), indent=1), encoding="utf-8")
        if folder.exists() and read(folder) is None:
            shutil.rmtree(folder)
    data = read(folder)
    if data is None:
        raise Refusal(f"{folder} was written and cannot be read back: check the disk, or give another data_dir.")
    return data


def _check_room(folder: pathlib.Path, name: str, prepared: Prepared, shape: tuple[int, int, int]) -> None:
    """Checks that there is room for all pictures on the disk, and in memory for those that are not mapped."""
    what = f"{name} at {shape[0]}x{shape[1]} with {shape[2]} channel{'s' if shape[2] > 1 else ''}"
    picture = math.prod(shape)
    arrays = [len(places) * picture for _, places in prepared.splits.values()] * (2 if prepared.paired else 1)
    room.check_disk(what, sum(arrays), folder)
    # A picture is there twice while it is brought to its size.
    room.check_memory(what, sum(size for size in arrays if size <= MAPPED_ABOVE) + 2 * picture)


def _fitted(
    prepared: Prepared,
    split: str,
    key: str,
    labels: np.ndarray,
    target: tuple[int, int],
    native: tuple[int, int],
    channels: int,
    crop: str,
    *,
    sized: bool,
) -> Iterator[np.ndarray]:
    """Yields a split's pictures [H, W, C] in turn, the first ones or the "paired" ones, and notes labels on the way."""
    for place, (file, stored, label) in enumerate(prepared.examples(split, paired=key == "paired")):
        image = pixels.plain(stored)
        labels[place] = label
        differs = (image.height, image.width) != native
        if differs and not sized:
            raise Refusal(
                f"{file} is {image.height}x{image.width} (height x width), but the first picture is "
                f"{native[0]}x{native[1]}: give --config.data.resolution and add --config.data.crop=center."
            )
        if differs and crop == "none":
            raise Refusal(
                f"{file} is {image.height}x{image.width} (height x width), but the first picture is "
                f"{native[0]}x{native[1]}: add --config.data.crop=center to cut all to one shape."
            )
        try:
            yield pixels.fit(image, size=target, channels=channels, crop=crop)
        except ValueError as error:
            raise Refusal(f"{file} {error}: add --config.data.crop=center to cut it to that shape.") from error


def _write_rows(path: pathlib.Path, rows: Iterator[np.ndarray], shape: tuple[int, ...]) -> bytes:
    """Writes a .npy file row by row, and gives its SHA-256.

    Any number of pictures fits in memory this way. A memory map would too, but a full disk kills a process that
    writes through one, where a plain write says so.
    """
    digest = hashlib.sha256(repr(shape).encode())
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for row in rows:
            content = row.tobytes()
            digest.update(content)
            file.write(content)
    return digest.digest()
