"""Examples whose class is not known: they are pictures like all others, and nothing is said of their class."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from gengen.data.signature import DataSet

UNKNOWN = -1
"""Label of an example whose class is not known, as in TFDS; any other negative number becomes it."""


def with_labels(split: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """The examples of a split whose class is known: the split itself if it is of all, and none if there are no labels.

    Args:
      split: arrays [N, ...] by name, of which "label" holds the classes.

    Returns:
      Arrays [M, ...] by the same names, and "label" in any case.
    """
    labels = split.get("label")
    known = np.flatnonzero(labels >= 0) if labels is not None else np.empty(0, np.int64)
    if labels is not None and len(known) == len(labels):
        return split
    return {"label": np.empty(0, np.int32)} | {name: np.take(array, known, axis=0) for name, array in split.items()}


def present(data: DataSet) -> list[int]:
    """The classes that training images are known to be of, in order."""
    labels = np.unique(data.splits["train"].get("label", np.empty(0, np.int32)))
    return [int(label) for label in labels if 0 <= label < len(data.signature.classes)]


def only_labelled(data: DataSet) -> DataSet:
    """A data set without the examples whose class is not known; itself if there are none.

    Digest and folder stay: it is made of the same data.
    """
    splits = {name: with_labels(split) for name, split in data.splits.items()}
    if all(splits[name] is split for name, split in data.splits.items()):
        return data
    counts = {name: len(split["label"]) for name, split in splits.items()}
    signature = dataclasses.replace(data.signature, counts=counts)
    return dataclasses.replace(data, signature=signature, splits=splits)
