"""A user's own arrays: a .npz, .npy or .csv file, or a folder of one, or of one to train on and one for testing."""

import hashlib
import os
import pathlib
import zipfile
import zlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from gengen.core.refusal import Refusal
from gengen.data import room
from gengen.data.layout import role
from gengen.data.listing import few, shown
from gengen.data.signature import KINDS, Signature, plural
from gengen.data.splits import OWN
from gengen.data.table import read_table

SUFFIXES = (".npz", ".npy", ".csv")

LARGEST = 1e38
"""The largest number: the difference of two is still one of float32."""

_CHUNK = 4096


class Read(NamedTuple):
    """What was read.

    Attributes:
      kind: one of `signature.KINDS`.
      splits: of "train", and of "test" where there is a file of it: examples, uint8 of pictures and volumes and float32
        of points and series, and their labels, int64 [N], or None.
      classes: names of the classes.
      lines: to say.
    """

    kind: str
    splits: Mapping[str, tuple[np.ndarray, np.ndarray | None]]
    classes: tuple[str, ...]
    lines: tuple[str, ...]


class Arrays(NamedTuple):
    """The files of a user's arrays, by split, which `digest` tells from other files and from other states of them."""

    files: Mapping[str, pathlib.Path]
    kind: str
    digest: str

    def read(self) -> Read:
        """Reads the files, and checks what they hold.

        Raises:
          Refusal: a file cannot be read, or it holds something else than finite numbers of one kind, two examples at
            least, and a label for each or for none.
        """
        found = {split: _read(path) for split, path in self.files.items()}
        names = {split: shown(self.files[split]) for split in found}
        first, lines = found["train"], []
        kind = _kind(names["train"], first.examples, self.kind)
        splits = {}
        for split, one in found.items():
            if one.columns != first.columns or (one.labels is None) != (first.labels is None):
                raise Refusal(
                    f"{names[split]} has other columns than {names['train']}, or only one of them has labels."
                )
            examples, line = _converted(names[split], one.examples, kind)
            lines.append(line)
            splits[split] = examples
            if kind in ("picture", "volume") and bool(line) != bool(lines[0]):
                raise Refusal(
                    f"Of {names['train']} and {names[split]} one has values from 0 to 1, and the other whole numbers "
                    f"from 0 to 255: save both as one of them."
                )
            if one.labels is not None and one.labels.shape not in ((len(examples),), (len(examples), 1)):
                raise Refusal(
                    f"y of {names[split]} has the shape {one.labels.shape}, and x has {len(examples)} examples."
                )
            if examples.shape[1:] != splits["train"].shape[1:]:
                raise Refusal(f"{names[split]} has examples of another shape than {names['train']}.")
        labels, classes = _labels({names[split]: one.labels for split, one in found.items()})
        if first.label:
            lines.append(f"{names['train']}: the column {first.label} holds the classes")
        pairs = {split: (examples, labels.get(names[split])) for split, examples in splits.items()}
        return Read(kind, pairs, classes, tuple(lines))


class _Content(NamedTuple):
    """What a file holds: examples and labels as they are, the names of columns, and that of the labels."""

    examples: np.ndarray
    labels: np.ndarray | None
    columns: tuple[str, ...] = ()
    label: str = ""


def find_arrays(root: pathlib.Path | None, kind: str) -> Arrays:
    """Finds the files of a user's arrays; they are not read.

    Args:
      root: a file, or a folder.
      kind: one of `signature.KINDS`, or "auto".

    Raises:
      Refusal: there is none, there are several that are not named as splits, or the kind is unknown.
    """
    if kind not in ("auto", *KINDS):
        raise Refusal(f"--config.data.kind={kind} should be one of auto, {', '.join(KINDS)}.")
    listed = ", ".join(SUFFIXES)
    if root is None:
        raise Refusal(f"array_folder needs --config.data.manual_dir=FILE, your arrays ({listed}), or their folder.")
    name = shown(root)
    if not root.exists():
        raise Refusal(f"--config.data.manual_dir={name} does not exist: name the file of your arrays ({listed}).")
    paths = sorted(root.iterdir()) if root.is_dir() else [root]
    paths = [path for path in paths if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
    if not paths:
        raise Refusal(f"--config.data.manual_dir={name} is or holds no file of arrays ({listed}).")
    files = {"train": paths[0]}
    if len(paths) > 1:
        roles = {path: role(path.stem) for path in paths}
        by_split = {found.split: path for path, found in roles.items() if found}
        tested = by_split.get("test") or by_split.get("val")
        if len(by_split) != len(paths) or "train" not in by_split or tested is None:
            names = few([shown(path.name) for path in paths])
            raise Refusal(f"{name} holds several files of arrays, {names}: keep one, or name two train and test.")
        files = {"train": by_split["train"], "test": tested}
    states = [(split, path.resolve(), path.stat()) for split, path in files.items()]
    state = "\n".join(f"{split}\t{path}\t{stat.st_size}\t{stat.st_mtime_ns}" for split, path, stat in states)
    return Arrays(files, kind, hashlib.sha256(os.fsencode(f"{kind}\n{state}")).hexdigest()[:16])


def kept(name: str, array: np.ndarray, kind: str = "auto") -> tuple[str, np.ndarray, str]:
    """The kind of examples in memory, the examples as they are kept, and a line to say, "" for none; as `Arrays.read`.

    Raises:
      Refusal: they are not finite numbers of one kind, or fewer than two.
    """
    found = _kind(name, array, kind)
    return (found, *_converted(name, array, found))


def described(root: str, signature: Signature) -> str:
    """What a user's arrays were taken as, in a line."""
    *sizes, last = signature.shape
    of = "x".join(map(str, sizes)) + f" with {last} channel{'s' * (last > 1)}"
    if signature.kind in ("points", "series"):
        of = "".join(f"{steps} steps of " for steps in sizes) + f"{last} number{'s' * (last > 1)}"
    classes = f"classes: {few(signature.classes)}" if signature.classes else "no classes"
    train, test = (signature.counts[split] for split in ("train", "test"))
    how = "of the file for testing" if signature.split == OWN else "held out"
    return f"{root}: {plural(signature.kind)} of {of}, {classes}, {train:,} to train on, {test:,} {how}"


def _read(path: pathlib.Path) -> _Content:
    name, suffix = shown(path), path.suffix.lower()
    if suffix == ".csv":
        table = read_table(path)
        return _Content(table.numbers, table.classes, table.names, table.label)
    try:
        if suffix == ".npy":
            return _Content(np.load(path, mmap_mode="r", allow_pickle=False), None)
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            y = next((key for key in ("y", "Y", "label", "labels") if key in file), None)
            others = [key for key in file.files if key != y]
            x = next((key for key in ("x", "X") if key in file), others[0] if len(others) == 1 else None)
            if x is None:
                held = few(list(file.files)) if file.files else "nothing"
                raise Refusal(f"{name} holds {held}, and no array x: save it with numpy.savez(FILE, x=x, y=y).")
            return _Content(file[x], file[y] if y else None)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, AttributeError, TypeError) as error:
        if "pickle" in str(error) or "Python objects" in str(error):
            raise Refusal(
                f"{name} holds Python objects or rows of several lengths, which gengen does not load."
            ) from error
        raise Refusal(f"{name} cannot be read as NumPy's arrays ({error}): save it again.") from error


def _kind(name: str, array: np.ndarray, kind: str) -> str:
    """The kind of examples, by what is asked for, or by their axes."""
    rank = array.ndim - 1
    if kind == "auto":
        is_picture = (rank == 2 and array.dtype == np.uint8) or (rank == 3 and array.shape[-1] in (1, 3))
        kind = (
            "picture" if is_picture else {0: "points", 1: "points", 2: "series", 3: "volume", 4: "volume"}.get(rank, "")
        )
    if not kind or rank not in (KINDS[kind], KINDS[kind] - 1):
        ranks = ", ".join(f"{KINDS[known]} of {plural(known)}" for known in KINDS)
        raise Refusal(f"x of {name} has the shape {array.shape}: after the examples come as many axes as {ranks}.")
    return kind


def _converted(name: str, array: np.ndarray, kind: str) -> tuple[np.ndarray, str]:
    """Checks examples, and gives them as they are kept, with a line to say."""
    if array.dtype.kind not in "buif":
        what = {"c": "complex numbers", "U": "text", "S": "text"}.get(array.dtype.kind, f"values of {array.dtype}")
        raise Refusal(f"x of {name} holds {what}: gengen takes real numbers.")
    if len(array) < 2 or not array.size:
        raise Refusal(f"x of {name} has the shape {array.shape}: it takes two examples or more, of a number or more.")
    if array.ndim == KINDS[kind]:
        array = array[..., None]
    if kind == "picture" and array.shape[-1] not in (1, 3):
        raise Refusal(f"x of {name} has {array.shape[-1]} channels, and pictures have 1 or 3.")
    room.check_memory(f"x of {name}", array.size * np.dtype(np.float64).itemsize)
    low, high = _ends(name, array)
    line = ""
    if kind in ("picture", "volume"):
        array, line = _bytes(name, array, low, high)
    elif max(-low, high) > LARGEST:
        raise Refusal(f"x of {name} goes from {low:.6g} to {high:.6g}, beyond {LARGEST:.0e}: scale it down.")
    else:
        array = _rounded(name, array)
    if all((array[start : start + _CHUNK] == array[0]).all() for start in range(0, len(array), _CHUNK)):
        raise Refusal(f"x of {name} holds the same example {len(array):,} times: there is nothing to learn.")
    return array, line


def _ends(name: str, array: np.ndarray) -> tuple[float, float]:
    """The least and the greatest of numbers, all of which have to be finite."""
    ends = []
    for start in range(0, len(array), _CHUNK):
        chunk = array[start : start + _CHUNK]
        if not np.isfinite(chunk).all():
            place = np.argwhere(~np.isfinite(chunk))[0] + [start, *[0] * (chunk.ndim - 1)]
            raise Refusal(f"x of {name} is not a finite number at {place.tolist()}: remove or fill in that example.")
        ends += [float(chunk.min()), float(chunk.max())]
    return min(ends), max(ends)


def _rounded(name: str, array: np.ndarray) -> np.ndarray:
    """Numbers as float32, which has to leave of each feature that varies how it does."""
    rounded = array.astype(np.float32)
    if rounded.dtype != array.dtype:
        numbers, axes = array.astype(np.float64), tuple(range(array.ndim - 1))
        lost, size, deviation = (abs(numbers - rounded).max(axes), abs(numbers).max(axes), numbers.std(axes))
        varies = deviation > 1e-12 * size  # less is what float64 lost
        if (worse := varies & (lost > deviation / 10)).any():
            feature = int(worse.argmax())
            raise Refusal(
                f"x of {name} has numbers up to {size[feature]:.6g} in feature {feature + 1}, whose deviation of "
                f"{deviation[feature]:.3g} is lost in float32: subtract their mean."
            )
    return rounded


def _bytes(name: str, array: np.ndarray, low: float, high: float) -> tuple[np.ndarray, str]:
    """Values of pictures and volumes as bytes: whole numbers from 0 to 255 as they are, those from 0 to 1 times 255."""
    if low >= 0 and high <= 1:
        return np.rint(array * np.float64(255)).astype(np.uint8), f"{name}: 0 to 1 become 0 to 255"
    bytes_ = np.clip(array, 0, 255).astype(np.uint8)
    if not np.array_equal(bytes_, array):
        raise Refusal(
            f"x of {name} goes from {low:.6g} to {high:.6g}: pictures and volumes are of whole numbers from 0 to 255, "
            f"or of any from 0 to 1."
        )
    return bytes_, ""


def _labels(found: Mapping[str, np.ndarray | None]) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Numbers the classes of all files, in order, and gives each file's labels."""
    arrays = {name: _named(name, array) for name, array in found.items() if array is not None}
    if not arrays:
        return {}, ()
    values, numbers = np.unique(np.concatenate(list(arrays.values())), return_inverse=True)
    parts = np.split(numbers, np.cumsum([len(array) for array in arrays.values()])[:-1])
    return dict(zip(arrays, parts, strict=True)), tuple(str(value) for value in values)


def _named(name: str, array: np.ndarray) -> np.ndarray:
    """Labels as whole numbers or text [N]."""
    array = array.reshape(-1)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "backslashreplace")
    if array.dtype.kind == "f" and np.array_equal(array, np.rint(array)):
        array = array.astype(np.int64)
    if array.dtype.kind == "U":
        array = np.array([" ".join(text.split()) for text in array.tolist()])
        if "" in array:
            raise Refusal(f"y of {name} holds no name at {array.tolist().index('')}: name its class.")
    elif array.dtype.kind not in "bui":
        raise Refusal(f"y of {name} holds values of {array.dtype}: labels are whole numbers or names.")
    return array
