"""The cache of decoded data: plain .npy files, written once and then read in a fraction of a second."""

import dataclasses
import hashlib
import json
import math
import pathlib
import shutil
from collections.abc import Iterator

import numpy as np

from gengen.core.field import Field
from gengen.core.refusal import Refusal
from gengen.data import room
from gengen.data.fitting import Fitted
from gengen.data.prepared import Prepared
from gengen.data.signature import DataSet, Signature, label_field
from gengen.data.words import TEXT, some_of
from gengen.files.whole import sweep, whole_folder

MAPPED_ABOVE = 1 << 30
"""Arrays above this many bytes stay on the disk and are read as batches need them."""

_SPLITS = ("train", "test")

_CHUNK = 4096


def read(folder: pathlib.Path) -> DataSet | None:
    """Reads decoded data.

    Args:
      folder: where `write` put them.

    Returns:
      The data set; None if there is none, or if it is damaged.
    """
    try:
        signature = Signature.from_json(json.loads((folder / "signature.json").read_text(encoding="utf-8")))
        splits = {split: {key: _load(folder / f"{split}.{key}.npy") for key in signature.fields} for split in _SPLITS}
    except (OSError, ValueError, EOFError, KeyError):
        return None
    for split, arrays in splits.items():
        if any(len(array) != signature.counts[split] for array in arrays.values()):
            return None
    return DataSet(signature, splits, folder)


def _load(path: pathlib.Path) -> np.ndarray:
    array: np.ndarray = np.load(path, mmap_mode="r" if path.stat().st_size > MAPPED_ABOVE else None)
    array.flags.writeable = False
    return array


def write(folder: pathlib.Path, name: str, prepared: Prepared, fitted: Fitted) -> DataSet:
    """Decodes a prepared data set into a folder, which appears whole or not at all.

    Args:
      folder: where to put it; another process may be writing it too, and the first one wins.
      name: name of the data set.
      prepared: its records.
      fitted: how they are decoded.

    Returns:
      The data set, as it is read back.

    Raises:
      Refusal: a picture does not fit the size, which the sentence names, all do not fit on the disk, or what was
        written cannot be read.
    """
    counts = {split: len(prepared.splits[split][1]) for split in _SPLITS}
    _check_room(folder, fitted, tuple(counts.values()))
    fields = dict(fitted.fields)
    sweep(folder.parent)
    with whole_folder(folder) as partial:
        digest = hashlib.sha256()
        for split in _SPLITS:
            labels = np.zeros(counts[split], np.int32)
            for key, field in fitted.fields.items():
                rows = _noted(fitted.examples(split, key), labels)
                digest.update(_write_rows(partial / f"{split}.{key}.npy", rows, counts[split], field))
            if prepared.classes:
                np.save(partial / f"{split}.label.npy", labels)
                digest.update(hashlib.sha256(labels.tobytes()).digest())
        if prepared.classes:
            fields["label"] = label_field(prepared.classes)
        if not fields["data"].bounded:
            fields["data"] = measured(fields["data"], np.load(partial / "train.data.npy", mmap_mode="r"))
        if TEXT in fields:
            texts = some_of(np.load(partial / f"train.{TEXT}.npy"), fields[TEXT].words)
            fields[TEXT] = dataclasses.replace(fields[TEXT], texts=texts)
        signature = Signature(name, prepared.features.kind, fields, counts, digest.hexdigest()[:16])
        signature = dataclasses.replace(signature, split=prepared.split, range=prepared.range)
        (partial / "signature.json").write_text(json.dumps(signature.to_json(), indent=1), encoding="utf-8")
        if folder.exists() and read(folder) is None:
            shutil.rmtree(folder)
    data = read(folder)
    if data is None:
        raise Refusal(f"{folder} was written and cannot be read back: check the disk, or give another data_dir.")
    return data


def _check_room(folder: pathlib.Path, fitted: Fitted, counts: tuple[int, ...]) -> None:
    """Checks that there is room for all examples on the disk, and in memory for those that are not mapped."""
    sizes = [math.prod(field.shape) * np.dtype(field.dtype).itemsize for field in fitted.fields.values()]
    arrays = [count * size for count in counts for size in sizes]
    room.check_disk(fitted.what, sum(arrays), folder)
    # An example is there twice while it is brought to its size.
    room.check_memory(fitted.what, sum(size for size in arrays if size <= MAPPED_ABOVE) + 2 * max(sizes))


def _noted(examples: Iterator[tuple[np.ndarray, int]], labels: np.ndarray) -> Iterator[np.ndarray]:
    """Yields the arrays of examples, and notes their labels on the way."""
    for index, (array, label) in enumerate(examples):
        labels[index] = label
        yield array


def _write_rows(path: pathlib.Path, rows: Iterator[np.ndarray], count: int, field: Field) -> bytes:
    """Writes a .npy file row by row, and gives its SHA-256.

    Any number of examples fits in memory this way. A memory map would too, but a full disk kills a process that
    writes through one, where a plain write says so.
    """
    shape, dtype = (count, *field.shape), np.dtype(field.dtype).newbyteorder("<")
    digest = hashlib.sha256(repr(shape).encode())
    with path.open("wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for row in rows:
            content = row.astype(dtype, copy=False).tobytes()
            digest.update(content)
            file.write(content)
    return digest.digest()


def measured(field: Field, array: np.ndarray) -> Field:
    """A field with the mean and the deviation of each feature of an array [N, *shape], in two passes of float64.

    A constant feature, or one whose deviation float32 cannot divide by, has a deviation of 1.
    """
    rows = array.reshape(-1, array.shape[-1])
    chunks = [slice(start, start + _CHUNK) for start in range(0, len(rows), _CHUNK)]
    mean = sum(rows[chunk].sum(0, dtype=np.float64) for chunk in chunks) / len(rows)
    squares = sum(((rows[chunk] - mean) ** 2).sum(0) for chunk in chunks)
    constant = np.all([(rows[chunk] == rows[0]).all(0) for chunk in chunks], axis=0)
    deviation = np.sqrt(squares / len(rows))
    deviation = np.where(constant | (deviation < np.finfo(np.float32).tiny), 1.0, deviation)
    mean = np.where(constant, rows[0], mean)
    return dataclasses.replace(field, mean=tuple(mean.tolist()), deviation=tuple(deviation.tolist()))
