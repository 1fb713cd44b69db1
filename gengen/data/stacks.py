"""Stacks: three digits as the red, the green and the blue channel of a picture, so that there are a thousand kinds.

Metz et al. 2017, https://arxiv.org/abs/1611.02163, count how many of these kinds a generator makes. Which digits are
stacked follows from the places of the stacks alone, so nothing of them is kept on the disk: three indices a stack are
drawn each time, in a second, into the digits, which are.
"""

import dataclasses
import hashlib
from collections.abc import Mapping

import numpy as np

from gengen.data import room
from gengen.data.random_numbers import uniform
from gengen.data.signature import DataSet, label_field

COUNTS = {"train": 128_000, "test": 26_000}
"""Stacks of each split: the numbers that Lin et al. 2018, https://arxiv.org/abs/1712.04086, train on and judge."""

STACKS: Mapping[str, str] = {"stacked_digits": "digits", "stacked_mnist": "mnist"}
"""By `config.data.name`, the data set whose pictures are stacked."""

CHANNELS = 3

CLASSES = tuple(f"{number:03d}" for number in range(10**CHANNELS))
"""The digits of red, green and blue in turn."""

_RULE = "stacks-1"  # to be raised when other digits are stacked


def stacked(name: str, digits: DataSet) -> DataSet:
    """Stacks three digits for each picture, drawn evenly and independently from the same split.

    So no digit of the split for testing is in a stack for training. All digits of a split are as likely, so that the
    thousand kinds have the products of the digits' shares.

    Args:
      name: of the stacks.
      digits: grey pictures of ten classes, with splits "train" and "test".

    Returns:
      The stacks, whose `layers` are the digits. Labels are the numbers that the digits of red, green and blue spell.

    Raises:
      Refusal: they do not fit into memory.
    """
    shape = (*digits.signature.shape[:2], CHANNELS)
    room.check_memory(f"{name} at {shape[0]}x{shape[1]}", sum(COUNTS.values()) * int(np.prod(shape)))
    splits = {split: _drawn(digits.splits[split], split, count) for split, count in COUNTS.items()}
    state = f"{_RULE} {digits.signature.digest} {sorted(COUNTS.items())}"
    digest = hashlib.sha256(state.encode()).hexdigest()[:16]
    signature = digits.signature.of_shape(shape, name=name, counts=dict(COUNTS), digest=digest)
    signature = dataclasses.replace(signature, fields={**signature.fields, "label": label_field(CLASSES)})
    return DataSet(signature, splits, digits.folder / name, layers=digits)


def _drawn(digits: Mapping[str, np.ndarray], split: str, count: int) -> dict[str, np.ndarray]:
    images, labels = digits["data"][..., 0], digits["label"]
    chosen = (uniform(f"stacks {split}", count, CHANNELS) * len(images)).astype(np.int64)
    data = np.empty((count, *images.shape[1:], CHANNELS), np.uint8)
    for channel in range(CHANNELS):
        data[..., channel] = images[chosen[:, channel]]
    label = (labels[chosen] @ np.array([100, 10, 1])).astype(np.int32)
    for array in (data, label):
        array.flags.writeable = False
    return {"data": data, "label": label}
