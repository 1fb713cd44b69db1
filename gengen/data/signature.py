"""What a run needs to know of its data, and the data themselves."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

NORMALISATION = "uint8, scaled to [-1, 1]"

_LATER = ("paired", "second", "split", "range")

_KINDS = {
    **dict.fromkeys(("name", "digest", "normalisation"), str),
    **dict.fromkeys(("height", "width", "channels", "paired"), int),
    **{"classes": list, "counts": dict},
}
"""What each field is in JSON."""


@dataclasses.dataclass(frozen=True)
class Signature:
    """The shape and identity of a data set, kept in the run's folder: later tasks need it, and not the data.

    `classes` is empty where there are no labels; `counts` holds the examples of each split; `digest` identifies the
    decoded pixels and labels of "train" and "test", so that a run is never continued on other data. `paired` is the
    number of channels of the second picture that every example has, 0 where there is none. `second` describes a second
    data set, which the digest covers, too; None where there is none. `split` says how "test" was drawn: by one of
    `splits.RULES`, or `splits.OWN` where the data set has one. `range` holds the values (low, high) that became 0 and
    255; None where the pictures have 8 bits.
    """

    name: str
    height: int
    width: int
    channels: int
    classes: tuple[str, ...]
    counts: Mapping[str, int]
    digest: str
    normalisation: str = NORMALISATION
    paired: int = 0
    second: "Signature | None" = None
    split: str = "position"
    range: tuple[float, float] | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of one picture."""
        return self.height, self.width, self.channels

    def to_json(self) -> dict[str, Any]:
        """Gives the fields as plain JSON values."""
        second = self.second.to_json() if self.second else None
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**fields, "classes": list(self.classes), "counts": dict(self.counts), "second": second}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Signature":
        """Reads what `to_json` wrote; what older versions did not write has its default.

        Raises:
          KeyError: a field is missing.
          ValueError: one is not what it should be.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        values = {name: fields[name] for name in names if name in fields or name not in _LATER}
        for name in values.keys() & _KINDS.keys():
            if type(values[name]) is not _KINDS[name]:  # True is no number here
                raise ValueError(f"{name} is {values[name]!r}")
        for name, items, kind in (("classes", values["classes"], str), ("counts", values["counts"].values(), int)):
            if not all(type(item) is kind for item in items):
                raise ValueError(f"{name} are {values[name]!r}")
        if values.get("second") is not None:
            values["second"] = cls.from_json(values["second"])
        values["range"] = tuple(values["range"]) if values.get("range") else None
        return cls(**{**values, "classes": tuple(values["classes"]), "counts": dict(values["counts"])})


@dataclasses.dataclass(frozen=True)
class DataSet:
    """Decoded pictures: `splits[split]` holds "data", uint8 [N, H, W, C], and "label", int32 [N], if there are any.

    Where every example has a second picture, "paired", uint8 [N, H, W, P], holds it. The splits are "train" and "test",
    and those that a selection adds. The arrays are for reading only. `folder` is where what is derived from them is
    kept; that of a part lies in that of the whole, and need not exist yet. `second` is another data set, of other
    pictures that correspond to none of these in particular; its signature is that of `signature.second`.
    """

    signature: Signature
    splits: Mapping[str, Mapping[str, np.ndarray]]
    folder: Path
    second: "DataSet | None" = None
