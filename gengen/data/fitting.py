"""The examples of prepared data as they are decoded: pictures brought to one size, other arrays as they are."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from gengen.core.field import Field
from gengen.core.refusal import Refusal
from gengen.data import pixels
from gengen.data.prepared import Prepared
from gengen.data.signature import BYTE, plural
from gengen.data.words import TEXT


class Fitted(NamedTuple):
    """What is decoded.

    Attributes:
      what: it is, for sentences.
      fields: of "data", of "paired" where there are second pictures, and of "text" where there are texts.
      examples: of a split, "train" or "test", and a field, each array of the field's shape and type with its label (0
        if there are none), in turn.
    """

    what: str
    fields: dict[str, Field]
    examples: Callable[[str, str], Iterator[tuple[np.ndarray, int]]]


def fitted(name: str, prepared: Prepared, *, size: tuple[int, int] | None, channels: int | None, crop: str) -> Fitted:
    """Says how the examples of prepared data are decoded.

    Args:
      name: of the data set.
      prepared: its records.
      size: (height, width) of pictures, or None for the size that all have.
      channels: 1, 3, or None for what the pictures have.
      crop: "none" or "center".

    Raises:
      Refusal: the data are no pictures, and a size, channels or a crop are asked for.
    """
    found = prepared.features
    if found.encoded:
        return _pictures(name, prepared, size, channels or found.shape[-1], crop)
    given = {"resolution": size, "channels": channels, "crop": crop if crop != "none" else None}
    for key, value in given.items():
        if value is not None:
            raise Refusal(
                f"--config.data.{key} is for files of pictures, and {name} holds {plural(found.kind)}: leave it empty."
            )
    fields = {"data": Field(found.shape, found.dtype, *(prepared.bounds or ()))}
    if prepared.text:
        fields[TEXT] = prepared.text

    def examples(split: str, key: str) -> Iterator[tuple[np.ndarray, int]]:
        for _, array, label in prepared.examples(split, key):
            yield np.asarray(array, fields[key].dtype), label

    return Fitted(name, fields, examples)


def _pictures(name: str, prepared: Prepared, size: tuple[int, int] | None, channels: int, crop: str) -> Fitted:
    first = pixels.plain(next(prepared.pictures("train"))[1])
    native = (first.height, first.width)
    height, width = size or native
    field = Field((height, width, channels), "uint8", *BYTE)

    def examples(split: str, key: str) -> Iterator[tuple[np.ndarray, int]]:
        for file, stored, label in prepared.pictures(split, key):
            image = pixels.plain(stored)
            here = f"{file} is {image.height}x{image.width} (height x width), but the first picture is"
            if (image.height, image.width) != native and size is None:
                raise Refusal(
                    f"{here} {native[0]}x{native[1]}: give --config.data.resolution and add --config.data.crop=center."
                )
            if (image.height, image.width) != native and crop == "none":
                raise Refusal(f"{here} {native[0]}x{native[1]}: add --config.data.crop=center to cut all to one shape.")
            try:
                yield pixels.fit(image, size=(height, width), channels=channels, crop=crop), label
            except ValueError as error:
                raise Refusal(f"{file} {error}: add --config.data.crop=center to cut it to that shape.") from error

    what = f"{name} at {height}x{width} with {channels} channel{'s' if channels > 1 else ''}"
    return Fitted(what, dict.fromkeys(("data", "paired")[: 1 + bool(prepared.paired)], field), examples)
