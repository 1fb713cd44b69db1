"""USPS: handwritten digits from envelopes, 16x16, in the text form of "The Elements of Statistical Learning" (2001)."""

from collections.abc import Mapping

import numpy as np

from gengen.core.refusal import Refusal
from gengen.data import raw
from gengen.data.pipeline import order, stream_seed

SIDE = 16
"""Height and width of every picture."""

CLASSES = tuple("0123456789")

HOMEPAGE = "https://hastie.su.domains/ElemStatLearn/data.html"

MIRRORS = (
    "https://hastie.su.domains/ElemStatLearn/datasets/",
    "https://web.stanford.edu/~hastie/ElemStatLearn/datasets/",
)

FILES = {"train": "zip.train.gz", "test": "zip.test.gz"}
"""The packed file of each split; copies differ in their packing, so what they hold is checked, and not their bytes."""

CONTENTS = {
    "zip.train.gz": "e57c3daf274c6d73c4c9a38efbc9e9192c9d1cf7958c3be6cc02291f8956095b",
    "zip.test.gz": "d3116f29ba0692d4fc0a3a59d4c4f0275c6f8f6e8030a464a46f6c9f87d7e7c6",
}
"""SHA-256 of the text that each file unpacks to."""

COUNTS = {
    "train": (1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644),
    "test": (359, 264, 198, 166, 200, 160, 170, 147, 166, 177),
}
"""Pictures of each class in each split, as published: 7,291 and 2,007."""

POOLED = 7438
"""Pictures for training where both splits are pooled and drawn anew: four fifths."""

Arrays = dict[str, tuple[np.ndarray, np.ndarray]]
"""Of each split the pictures, uint8 [N, 16, 16] with ink at 255, and the labels, uint8 [N]."""


def raw_set() -> raw.RawSet:
    """What the raw files are known by: a file has the form of that which has as many lines of 257 numbers."""
    lines = {sum(COUNTS[split]): name for split, name in FILES.items()}

    def form(place: raw.Place) -> str | None:
        first = raw.head(place, 4096).split(b"\n")[0] if place.is_file() else b""
        if len(first.split()) != 1 + SIDE * SIDE:
            return None
        return lines.get(sum(1 for line in raw.unpacked(place).splitlines() if line.strip()))

    return raw.RawSet("usps", CONTENTS, {}, form, False, raw.digest)


def read_splits(files: Mapping[str, raw.Place]) -> Arrays:
    """Reads the official splits: 7,291 pictures for training and 2,007, which are harder to read, for testing.

    Args:
      files: path of each of `FILES`, by its packed name.

    Raises:
      Refusal: a file is damaged, or holds something else than this split.
    """
    return {split: read_text(files[name], COUNTS[split]) for split, name in FILES.items()}


def pooled(splits: Arrays) -> Arrays:
    """Draws splits anew out of all 9,298 pictures, so that both hold pictures of the same distribution.

    Papers on the adaptation of domains use USPS so (Liu and Tuzel, 2016, arXiv:1606.07536, among them). Their draws
    are not published. Here `order` with seed 0 and the stream "usps_pooled" draws 7,438 for training; the other 1,860
    are for testing. Both keep the order of the files.

    Args:
      splits: the official splits.
    """
    images, labels = (np.concatenate(parts) for parts in zip(splits["train"], splits["test"], strict=True))
    shuffled = order(stream_seed(0, "usps_pooled"), len(labels), 0, len(labels))
    places = {"train": np.sort(shuffled[:POOLED]), "test": np.sort(shuffled[POOLED:])}
    return {split: (images[chosen], labels[chosen]) for split, chosen in places.items()}


def read_text(path: raw.Place, counts: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Reads a file of one picture a line: its label, then 256 values from -1 (paper) to 1 (ink), row by row.

    Args:
      path: the file, packed or not.
      counts: how many pictures of each class it must hold.

    Returns:
      Pictures, uint8 [N, 16, 16] with (value + 1) * 127.5 rounded, and labels, uint8 [N].

    Raises:
      Refusal: the file cannot be unpacked, or holds other lines, values or labels.
    """
    lines = [line.split() for line in raw.unpacked(path).splitlines() if line.strip()]
    wanted, width = sum(counts), 1 + SIDE * SIDE
    odd = next((place for place, line in enumerate(lines) if len(line) != width), None)
    if odd is not None:
        raise Refusal(
            f"{path} should hold {width} numbers in each line, but line {odd + 1} holds {len(lines[odd])}: it was cut "
            "or damaged, so copy or download it again."
        )
    if len(lines) != wanted:
        raise Refusal(
            f"{path} should hold {wanted} lines, but holds {len(lines)}: it was cut, or is the other file, so copy or "
            "download it again."
        )
    try:
        numbers = np.array(lines, np.bytes_).astype(np.float64)
    except ValueError as error:
        raise Refusal(f"{path} holds what is no number ({error}): copy or download it again.") from error
    labels, values = numbers[:, 0], numbers[:, 1:]
    if not (np.abs(values) <= 1).all():
        raise Refusal(f"{path} should hold values from -1 to 1, and holds others: copy or download it again.")
    found = tuple(int((labels == label).sum()) for label in range(len(counts)))
    if found != counts:
        raise Refusal(f"{path} should hold {counts} pictures of the classes, but holds {found}: download it again.")
    pictures = np.rint((values + 1) * 127.5).astype(np.uint8)
    return pictures.reshape(-1, SIDE, SIDE), labels.astype(np.uint8)
