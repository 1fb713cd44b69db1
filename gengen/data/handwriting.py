"""Captions of digits, from what can be measured of them: "a bold slanted seven"."""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping

import numpy as np

from gengen.core.refusal import Refusal
from gengen.data.signature import DataSet
from gengen.data.words import TEXT, some_of, text_field

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
"""The classes "0" to "9" in words."""

WEIGHTS, SLANTS = ("thin", "", "bold"), ("upright", "", "slanted")
"""What is said of the thirds of each class, by the width of the strokes and by the slant; of the middle one nothing."""

WORDS = ("a", "an", *filter(None, WEIGHTS), *filter(None, SLANTS), *NAMES)
"""The vocabulary."""

LENGTH = 4
"""The most words of a caption."""

_RULE = "handwriting-1"  # to be raised when captions become other ones
_CHUNK = 4096


def stroke_width(pictures: np.ndarray) -> np.ndarray:
    """The mean width of the strokes, in pixels: 2 A / P, twice the ink by the length of its outline.

    The outline's length is the total variation of the ink; both stay right where edges are soft.

    Args:
      pictures: ink from 0 to 255 [N, H, W].

    Returns:
      float64 [N]; 0 where there is no ink.
    """
    ink = np.pad(pictures, ((0, 0), (1, 1), (1, 1))).astype(np.float64) / 255
    across, down = np.diff(ink, axis=2)[:, :-1], np.diff(ink, axis=1)[:, :, :-1]
    outline = np.hypot(across, down).sum((1, 2))
    width: np.ndarray = 2 * ink.sum((1, 2)) / np.maximum(outline, 1e-9)
    return width


def slant(pictures: np.ndarray) -> np.ndarray:
    """How far strokes lean to the right for each pixel upwards: minus cov(x, y) / var(y) of where the ink is.

    Args:
      pictures: ink from 0 to 255 [N, H, W], the first row above.

    Returns:
      float64 [N]; 0 where there is no ink, or a single row of it.
    """
    ink = pictures.astype(np.float64)
    mass = np.maximum(ink.sum((1, 2)), 1e-9)
    x, y = np.arange(ink.shape[2], dtype=np.float64), np.arange(ink.shape[1], dtype=np.float64)
    columns, rows = ink.sum(1) / mass[:, None], ink.sum(2) / mass[:, None]
    across, down = columns @ x, rows @ y
    both = np.einsum("nij,i,j->n", ink, y, x) / mass - across * down
    lean: np.ndarray = -both / np.maximum(rows @ y**2 - down**2, 1e-9)
    return lean


def captioned_digits(data: DataSet) -> DataSet:
    """Adds the captions of digits as "text", int32 [N, 4].

    A digit is "bold" or "thin" where its strokes (`stroke_width`) are of the widest or the narrowest third of its
    class in the training split, and "slanted" or "upright" where it leans (`slant`) to the right as the third of its
    class that leans the most, or the least. Both splits are measured by the thresholds of the training split.

    Args:
      data: grey pictures of the classes "0" to "9", with splits "train" and "test".

    Raises:
      Refusal: they are others, or the class of some is not known.
    """
    signature = data.signature
    if signature.classes != tuple("0123456789") or signature.shape[2:] != (1,):
        raise Refusal(
            f"--config.data.captions=True needs grey pictures of the digits 0 to 9, and {signature.name} has others: "
            "leave it False."
        )
    if any((arrays["label"] < 0).any() for arrays in data.splits.values()):
        raise Refusal(
            f"--config.data.captions=True needs the class of every digit of {signature.name}: leave it False."
        )
    measured = {
        split: [_in_parts(measure, arrays["data"]) for measure in (stroke_width, slant)]
        for split, arrays in data.splits.items()
    }
    thresholds = [_thirds(values, data.splits["train"]["label"]) for values in measured["train"]]
    splits = {
        split: {**arrays, TEXT: _texts(arrays["label"], measured[split], thresholds)}
        for split, arrays in data.splits.items()
    }
    texts = some_of(splits["train"][TEXT], WORDS)
    fields = {**signature.fields, TEXT: dataclasses.replace(text_field(WORDS, LENGTH), texts=texts)}
    digest = hashlib.sha256(f"{_RULE} {signature.digest}".encode()).hexdigest()[:16]
    changed = dataclasses.replace(signature, fields=fields, digest=digest)
    return dataclasses.replace(data, signature=changed, splits=splits, folder=data.folder / "captions")


def _in_parts(measure: Callable[[np.ndarray], np.ndarray], pictures: np.ndarray) -> np.ndarray:
    parts = range(0, len(pictures), _CHUNK)
    return np.concatenate([measure(np.asarray(pictures[start : start + _CHUNK, :, :, 0])) for start in parts])


def _thirds(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The two values between the thirds of each class [10, 2]; those of all for a class without examples."""
    groups = [values[labels == index] for index in range(len(NAMES))]
    return np.stack([np.quantile(group if len(group) else values, (1 / 3, 2 / 3)) for group in groups])


def _texts(labels: np.ndarray, measured: list[np.ndarray], thresholds: list[np.ndarray]) -> np.ndarray:
    texts = np.zeros((len(labels), LENGTH), np.int32)
    words: Mapping[str, int] = {word: index + 1 for index, word in enumerate(WORDS)}
    thirds = [(values[:, None] > of[labels]).sum(1) for values, of in zip(measured, thresholds, strict=True)]
    for index, (label, weight, lean) in enumerate(zip(labels, *thirds, strict=True)):
        said = [word for word in (WEIGHTS[weight], SLANTS[lean], NAMES[label]) if word]
        said = ["an" if said[0][0] in "aeiou" else "a", *said]
        texts[index, : len(said)] = [words[word] for word in said]
    texts.flags.writeable = False
    return texts
