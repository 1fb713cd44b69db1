"""What one array of an example is: its shape, its type, and the values that it may have."""

import dataclasses
from collections.abc import Mapping
from typing import Any

_KINDS = {"shape": int, "classes": str, "mean": float, "deviation": float, "words": str, "texts": str}
"""What the entries of each tuple are."""


@dataclasses.dataclass(frozen=True)
class Field:
    """One array of an example, such as the data themselves, a label or a condition.

    Attributes:
      shape: of one example, without the batch: (H, W, C) of a picture, (D,) of a point, (T, D) of a series,
        (D, H, W, C) of a volume, () of a label.
      dtype: name of NumPy's type, such as "uint8", "float32" or "int32".
      low: the least value that there can be; None where there is no bound.
      high: the greatest one; None where there is no bound.
      classes: names of the classes that a label counts; () where it is none.
      mean: of each feature (the last axis) over the training split; () where it was not measured.
      deviation: the standard deviation of each feature, 1 of a constant one; () where it was not measured.
      words: that the numbers of a text count from 1 on, as 0 is no word; () where it is none.
      texts: some of the texts of the training split.
    """

    shape: tuple[int, ...]
    dtype: str
    low: float | None = None
    high: float | None = None
    classes: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    words: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    @property
    def bounded(self) -> bool:
        """Whether both bounds of the values are known."""
        return self.low is not None and self.high is not None

    def to_json(self) -> dict[str, Any]:
        """Gives the attributes that are not their defaults as plain JSON values, floats to the last bit."""
        values = {field.name: (getattr(self, field.name), field.default) for field in dataclasses.fields(self)}
        values = {name: value for name, (value, default) in values.items() if value != default}
        return {name: list(value) if name in _KINDS else value for name, value in values.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Field":
        """Reads what `to_json` wrote; what has a default may be missing.

        Raises:
          KeyError: the shape or the type is missing.
          ValueError: a value is not what it should be.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        found: dict[str, Any] = {name: values[name] for name in names if name in values or name in ("shape", "dtype")}
        for name, value in found.items():
            if not _is_right(name, value):
                raise ValueError(f"{name} is {value!r}")
        found |= {name: tuple(found[name]) for name in found.keys() & _KINDS.keys()}
        return cls(**found)


def _is_right(name: str, value: Any) -> bool:
    if name in _KINDS:
        return type(value) is list and all(type(entry) is _KINDS[name] for entry in value)  # True is no number here
    return type(value) is str if name == "dtype" else value is None or type(value) is float
