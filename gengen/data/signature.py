"""What a run needs to know of its data, and the data themselves."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

NORMALISATION = "uint8, scaled to [-1, 1]"


@dataclasses.dataclass(frozen=True)
class Signature:
    """The shape and identity of a data set, kept in the run's folder: later tasks need it, and not the data.

    `classes` is empty where there are no labels; `counts` holds the examples of each split; `digest` identifies the
    decoded pixels and labels of "train" and "test", so that a run is never continued on other data.
    """

    name: str
    height: int
    width: int
    channels: int
    classes: tuple[str, ...]
    counts: Mapping[str, int]
    digest: str
    normalisation: str = NORMALISATION

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of one picture."""
        return self.height, self.width, self.channels

    def to_json(self) -> dict[str, Any]:
        """Gives the fields as plain JSON values."""
        return {**dataclasses.asdict(self), "classes": list(self.classes), "counts": dict(self.counts)}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Signature":
        """Reads what `to_json` wrote.

        Raises:
          KeyError: a field is missing.
        """
        values = {field.name: fields[field.name] for field in dataclasses.fields(cls)}
        return cls(**{**values, "classes": tuple(values["classes"]), "counts": dict(values["counts"])})


@dataclasses.dataclass(frozen=True)
class DataSet:
    """Decoded pictures: `splits[split]` holds "image", uint8 [N, H, W, C], and "label", int32 [N], if there are any.

    The splits are "train" and "test", and those that a selection adds. The arrays are for reading only. `folder` is
    where what is derived from them is kept; that of a part lies in that of the whole, and need not exist yet.
    """

    signature: Signature
    splits: Mapping[str, Mapping[str, np.ndarray]]
    folder: Path
