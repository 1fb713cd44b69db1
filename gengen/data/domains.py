"""Two data sets in one: the pictures of a domain a, and those of a domain b that correspond to none in particular."""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image

from gengen.core.refusal import Refusal
from gengen.data.signature import DataSet, plural

GAIN = 2.0
"""What the steepness of a picture's brightness, in [0, 1], is multiplied with to make it visible."""


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
      A data set whose "data" are these pictures, in the same places and with the same labels; it has the splits of
      `data` but for "labelled".

    Raises:
      Refusal: the data set has no pairs.
    """
    signature = data.signature
    if not signature.paired:
        raise Refusal(f"--config.data.name=paired needs a first data set of pairs, and {signature.name} has none.")
    return _of_first(data, "paired", lambda arrays: arrays["paired"], signature.paired)


def edges_alone(data: DataSet) -> DataSet:
    """Takes the edges of a data set's pictures, white on black, as a data set of their own.

    Args:
      data: a data set of pictures.

    Returns:
      A data set whose "data" say how steep the brightness of the pictures is (`edges`), in the same places and with
      the same labels; it has the splits of `data` but for "labelled".

    Raises:
      Refusal: the data are no pictures.
    """
    if data.signature.kind != "picture":
        found = plural(data.signature.kind)
        raise Refusal(
            f"--config.data.name=edges needs a first data set of pictures, and {data.signature.name} holds {found}."
        )
    return _of_first(data, "edges", lambda arrays: edges(arrays["data"]), 1)


OF_FIRST: Mapping[str, Callable[[DataSet], DataSet]] = {"paired": paired_alone, "edges": edges_alone}
"""Second data sets that are made of the first, by name."""


def edges(images: np.ndarray) -> np.ndarray:
    """The length of the gradient of brightness by Sobel's filter, times `GAIN`.

    Args:
      images: uint8 [N, H, W, C], C 1 or 3; RGB becomes grey as everywhere in `gengen.data`.

    Returns:
      uint8 [N, H, W, 1]; a step from black to white is white.
    """
    from scipy import ndimage  # half of a start, and only who asks for edges needs it

    def one(image: np.ndarray) -> np.ndarray:
        grey = Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).convert("L")
        bright = np.asarray(grey, np.float64) / 255
        steep = np.hypot(*(ndimage.sobel(bright, axis=axis, mode="nearest") for axis in (0, 1)))
        drawn: np.ndarray = np.rint(255 * np.minimum(GAIN * steep / (4 * 2**0.5), 1))[..., None].astype(np.uint8)
        return drawn

    return np.stack([one(image) for image in images])


def _of_first(
    data: DataSet, what: str, pictures: Callable[[Mapping[str, np.ndarray]], np.ndarray], channels: int
) -> DataSet:
    """A data set of pictures made of each split's, with a digest and a folder of its own."""
    signature, splits = data.signature, {}
    for split, arrays in data.splits.items():
        if split != "labelled":
            kept = {key: arrays[key] for key in arrays if key not in ("data", "paired")}
            splits[split] = {"data": pictures(arrays), **kept}
    own = signature.of_shape(
        (*signature.shape[:-1], channels),
        name=f"{signature.name}_{what}",
        range=None,
        counts={split: signature.counts[split] for split in splits},
        digest=hashlib.sha256(f"{signature.digest} {what}".encode()).hexdigest()[:16],
    )
    return DataSet(own, splits, data.folder / what)
