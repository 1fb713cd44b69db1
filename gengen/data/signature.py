"""What a run needs to know of its data, and the data themselves."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gengen.core.field import Field
from gengen.core.units import Units

KINDS: Mapping[str, int] = {"points": 1, "series": 2, "picture": 3, "volume": 4}
"""Kinds of data, and how many axes an example of each has: [D], [T, D], [H, W, C] and [D, H, W, C]."""


def plural(kind: str) -> str:
    """The word for several examples of a kind."""
    return kind if kind.endswith("s") else f"{kind}s"


BYTE = (0.0, 255.0)
"""Bounds of pictures and volumes."""


@dataclasses.dataclass(frozen=True)
class Signature:
    """The shape and identity of a data set, kept in the run's folder: later tasks need it, and not the data.

    Attributes:
      name: of the data set.
      kind: one of `KINDS`.
      fields: what the arrays of an example are: "data", "label" where there are labels, "text" where there are
        captions, and "paired" where every example has a second picture.
      counts: examples of each split.
      digest: identifies the decoded values and labels of "train" and "test", so that a run is never continued on other
        data. It covers those of `second`, too.
      second: describes a second data set; None where there is none.
      split: how "test" was drawn: by one of `splits.RULES`, or `splits.OWN` where the data set has one.
      range: the values (low, high) of pictures that became 0 and 255; None where they have 8 bits.
    """

    name: str
    kind: str
    fields: Mapping[str, Field]
    counts: Mapping[str, int]
    digest: str
    second: "Signature | None" = None
    split: str = "position"
    range: tuple[float, float] | None = None

    @classmethod
    def of_pictures(
        cls,
        name: str,
        shape: tuple[int, ...],
        classes: tuple[str, ...],
        counts: Mapping[str, int],
        digest: str,
        *,
        paired: int = 0,
        **others: Any,
    ) -> "Signature":
        """The signature of pictures.

        Args:
          name: of the data set.
          shape: (height, width, channels) of one picture.
          classes: names of the classes; () where there are no labels.
          counts: examples of each split.
          digest: of the decoded pictures and labels.
          paired: channels of the second picture that every example has; 0 where there is none.
          **others: further attributes.
        """
        fields = {"data": Field(tuple(shape), "uint8", *BYTE)}
        if classes:
            fields["label"] = label_field(classes)
        if paired:
            fields["paired"] = Field((*shape[:2], paired), "uint8", *BYTE)
        return cls(name, "picture", fields, counts, digest, **others)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example: (height, width, channels) of a picture."""
        return self.fields["data"].shape

    @property
    def title(self) -> str:
        """What the data are, as a picture is titled: "digits, 16 × 16"."""
        name = self.name if self.second is None else f"{self.name} and {self.second.name}"
        sizes = {"picture": self.shape[:2], "volume": self.shape[:3]}.get(self.kind, ())
        return f"{name}, {' × '.join(map(str, sizes))}" if sizes else name

    @property
    def domains(self) -> tuple[str, str]:
        """What two domains are called: their data sets, where these have names of their own, and else a and b."""
        other = self.second
        return ("a", "b") if other is None or other.name == self.name else (self.name, other.name)

    def way(self, direction: str) -> str:
        """A direction of a translation, "ab" or "ba", in words."""
        start, end = self.domains if direction == "ab" else self.domains[::-1]
        return f"from {start} to {end}"

    @property
    def units(self) -> Units:
        """What brings the data to the units of models, and back."""
        return Units(self.fields["data"])

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; () where there are no labels."""
        return self.fields["label"].classes if "label" in self.fields else ()

    @property
    def text(self) -> Field | None:
        """The captions: their words, and how many there are at most; None where there are none."""
        return self.fields.get("text")

    @property
    def levels(self) -> int:
        """How many whole numbers a number of the data may be; 0 where they are real ones, or have no bounds."""
        field = self.fields["data"]
        if field.low is None or field.high is None or np.dtype(field.dtype).kind not in "iu":
            return 0
        return int(field.high - field.low) + 1

    @property
    def paired(self) -> int:
        """Channels of the second picture that every example has; 0 where there is none."""
        return self.fields["paired"].shape[-1] if "paired" in self.fields else 0

    def of_shape(self, shape: tuple[int, ...], **changes: Any) -> "Signature":
        """The signature of data made of these: of another shape, and without second pictures."""
        fields = {name: field for name, field in self.fields.items() if name != "paired"}
        fields["data"] = dataclasses.replace(fields["data"], shape=tuple(shape))
        return dataclasses.replace(self, fields=fields, **changes)

    def to_json(self) -> dict[str, Any]:
        """Gives the attributes as plain JSON values."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        fields = {name: field.to_json() for name, field in self.fields.items()}
        second = self.second.to_json() if self.second else None
        return {**values, "fields": fields, "counts": dict(self.counts), "second": second}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Signature":
        """Reads what `to_json` wrote, or a version before 0.3; what older versions did not write has its default.

        Raises:
          KeyError: a value is missing.
          ValueError: one is not what it should be.
        """
        values = as_written_now(values)
        names = [field.name for field in dataclasses.fields(cls)]
        found = {name: values[name] for name in names if name in values or name not in ("second", "split", "range")}
        for name, kind in {"name": str, "kind": str, "digest": str, "fields": dict, "counts": dict}.items():
            if type(found[name]) is not kind:  # True is no number here
                raise ValueError(f"{name} is {found[name]!r}")
        if found["kind"] not in KINDS or not all(type(count) is int for count in found["counts"].values()):
            raise ValueError(f"kind is {found['kind']!r}, and counts are {found['counts']!r}")
        found["fields"] = {name: Field.from_json(field) for name, field in found["fields"].items()}
        if len(found["fields"]["data"].shape) != KINDS[found["kind"]]:
            raise ValueError(f"kind is {found['kind']!r}, and the shape {found['fields']['data'].shape}")
        if found.get("second") is not None:
            found["second"] = cls.from_json(found["second"])
        found["range"] = tuple(found["range"]) if found.get("range") else None
        return cls(**{**found, "counts": dict(found["counts"])})


def label_field(classes: tuple[str, ...]) -> Field:
    """The field of labels of some classes."""
    return Field((), "int32", classes=classes)


def as_written_now(values: Mapping[str, Any]) -> dict[str, Any]:
    """What any version wrote as JSON of a signature, as `Signature.to_json` writes it: those before 0.3 knew pictures.

    Raises:
      ValueError: the sizes of pictures are no whole numbers, or the classes no list.
    """
    if "height" not in values or "fields" in values:
        return dict(values)
    sizes = [values["height"], values["width"], values["channels"], values.get("paired", 0)]
    if any(type(size) is not int for size in sizes) or type(values["classes"]) is not list:
        raise ValueError(f"height, width, channels and paired are {sizes!r}, and classes {values['classes']!r}")
    *shape, paired = sizes
    made = Signature.of_pictures("", tuple(shape), tuple(values["classes"]), {}, "", paired=paired).to_json()
    second = as_written_now(values["second"]) if values.get("second") else None
    kept = {key: value for key, value in values.items() if key not in _OF_PICTURES_ALONE}
    return {**kept, "kind": made["kind"], "fields": made["fields"], "second": second}


_OF_PICTURES_ALONE = ("height", "width", "channels", "classes", "paired", "normalisation")


@dataclasses.dataclass(frozen=True)
class DataSet:
    """Decoded data: `splits[split]` holds "data" [N, *shape], and "label", int32 [N], if there are any.

    Captions, where there are any, are "text", int32 [N, L]: numbers of words, from 1 on, and zeros after the last.
    The data are in their own units: pictures and volumes are uint8, points and series float32. Where every example has
    a second picture, "paired", uint8 [N, H, W, P], holds it. The splits are "train" and "test", and those that a
    selection adds. The arrays are for reading only. `folder` is where what is derived from them is kept; that of a part
    lies in that of the whole, and need not exist yet. `second` is another data set, of other examples that correspond
    to none of these in particular; its signature is that of `signature.second`. Of stacks, `layers` are the grey
    pictures that the channels are made of.
    """

    signature: Signature
    splits: Mapping[str, Mapping[str, np.ndarray]]
    folder: Path
    second: "DataSet | None" = None
    layers: "DataSet | None" = None
