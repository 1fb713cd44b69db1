"""A field survives JSON to the last bit, and nothing else passes for one."""

import json
from typing import Any

import pytest

from gengen.core.field import Field

FIELDS = [
    Field((8, 8, 1), "uint8", 0.0, 255.0),
    Field((), "int32", classes=("cat", "dög")),
    Field((24, 5), "float32", mean=(0.1, 1 / 3, 1e300, -0.0, 5e-324), deviation=(1.0, 2.0, 3.0, 4.0, 5.0)),
]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.dtype)
def test_a_field_survives_json(field: Field) -> None:
    assert Field.from_json(json.loads(json.dumps(field.to_json()))) == field


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("shape", 8),
        ("shape", [8, True]),
        ("shape", [8.0]),
        ("dtype", 1),
        ("low", "0"),
        ("high", True),
        ("classes", ["a", 1]),
        ("classes", "ab"),
        ("mean", [1]),
        ("deviation", None),
    ],
)
def test_a_value_of_another_type_is_no_field(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} is"):
        Field.from_json({**FIELDS[0].to_json(), name: value})


@pytest.mark.parametrize("name", ["shape", "dtype"])
def test_a_field_has_a_shape_and_a_type(name: str) -> None:
    values = FIELDS[0].to_json()
    del values[name]
    with pytest.raises(KeyError):
        Field.from_json(values)


def test_values_are_bounded_where_both_bounds_are_known() -> None:
    assert Field((1,), "float32", 0.0, 1.0).bounded
    assert not Field((1,), "float32", low=0.0).bounded and not Field((1,), "float32").bounded
