"""Two data sets in one: the pictures of a domain a, and those of a domain b that correspond to none in particular."""

import dataclasses
import hashlib

from gengen.core.refusal import Refusal
from gengen.data.signature import DataSet

PAIRED = "paired"
"""Name of the second data set that is the second pictures of the first."""


def joined(data: DataSet, second: DataSet) -> DataSet:
    """Joins a second data set to a first; they may differ in size, channels, classes and number of pictures.

    Args:
      data: the first data set; its pictures, its folder and its counts stay.
      second: the other one.

    Returns:
      The first data set with `second`, and with a digest made of those of both.
    """
    digest = hashlib.sha256(f"{data.signature.digest} second {second.signature.digest}".encode()).hexdigest()[:16]
    signature = dataclasses.replace(data.signature, digest=digest, second=second.signature)
    return dataclasses.replace(data, signature=signature, second=second)


def paired_alone(data: DataSet) -> DataSet:
    """Takes the second pictures of a data set of pairs as a data set of their own.

    Args:
      data: a data set whose splits hold "paired".

    Returns:
      A data set whose "image" are these pictures, in the same places and with the same labels; it has the splits of
      `data` but for "labelled".

    Raises:
      Refusal: the data set has no pairs.
    """
    signature = data.signature
    if not signature.paired:
        raise Refusal(f"--config.data.name={PAIRED} needs a first data set of pairs, and {signature.name} has none.")
    splits = {}
    for split, arrays in data.splits.items():
        if split != "labelled":
            splits[split] = {key: arrays[key] for key in arrays if key != "paired"} | {"image": arrays["paired"]}
    own = dataclasses.replace(
        signature,
        name=f"{signature.name}_{PAIRED}",
        channels=signature.paired,
        paired=0,
        counts={split: signature.counts[split] for split in splits},
        digest=hashlib.sha256(f"{signature.digest} {PAIRED}".encode()).hexdigest()[:16],
    )
    return DataSet(own, splits, data.folder / PAIRED)
