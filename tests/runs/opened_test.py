"""A run folder whose files were changed is one sentence, whatever was changed in them."""

import dataclasses
import json

import pytest
from ml_collections import ConfigDict

from gengen.core.refusal import Refusal
from gengen.data.signature import Signature
from gengen.runs.folder import open_folder, opened, unchanged

SECOND = Signature.of_pictures("glyphs", (8, 8, 3), (), {"train": 5, "test": 2}, "e")
SIGNATURE = Signature.of_pictures("digits", (8, 9, 1), ("a", "b"), {"train": 5, "test": 2}, "d", second=SECOND)
FIELDS = SIGNATURE.to_json()


WRONG = {
    **dict.fromkeys(("name", "digest", "kind"), (None, 8, ["a"], {}, False)),
    "fields": (None, "ab", [], {}, {"data": {"shape": [8, 9, 1]}}, {"data": {"shape": [8, 9], "dtype": "uint8"}}),
    "counts": (None, "ab", 2, [5, 2], {"train": "5"}, {"train": 5.5}, {"train": True}),
    "second": ("ab", 2, [], {}, {"name": "glyphs"}, {**SECOND.to_json(), "digest": 8}, False),
}
"""Values that cannot be those of a field."""


@pytest.fixture
def run(tmp_path):
    open_folder(tmp_path, ConfigDict({"model": {"name": "gan", "widths": (1, 2)}}), FIELDS)
    return tmp_path


def test_what_was_written_comes_back(run):
    config, signature = opened(run)
    assert signature == SIGNATURE
    assert config.model.widths == (1, 2)


@pytest.mark.input("Run folders", "a `data.json` that lacks something", "refused", "says what is missing")
@pytest.mark.parametrize("name", sorted(FIELDS.keys() - {"second", "paired", "range", "split"}))
def test_a_missing_field_is_named(run, name):
    (run / "data.json").write_text(json.dumps({key: value for key, value in FIELDS.items() if key != name}))
    with pytest.raises(Refusal, match=rf"data\.json is missing or damaged \(it has no {name}\)"):
        opened(run)


@pytest.mark.input("Run folders", "a `data.json` with values of wrong types", "refused", "says which value is wrong")
@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_field_of_another_type_is_named(run, name, value):
    (run / "data.json").write_text(json.dumps({**FIELDS, name: value}))
    with pytest.raises(Refusal, match=r"data\.json is missing or damaged"):
        opened(run)


OLDER = {
    "name": "digits",
    "height": 8,
    "width": 9,
    "channels": 1,
    "classes": ["a", "b"],
    "counts": {"train": 5, "test": 2},
    "digest": "d",
    "normalisation": "uint8, scaled to [-1, 1]",
}
"""What the oldest version wrote."""


@pytest.mark.input("Run folders", "a `data.json` of an older version", "taken", "it holds pictures")
def test_a_file_of_an_older_version_has_what_it_lacks_by_default(run):
    (run / "data.json").write_text(json.dumps(OLDER))
    assert opened(run)[1] == dataclasses.replace(SIGNATURE, second=None)
    second = {**OLDER, "name": "glyphs", "width": 8, "channels": 3, "classes": [], "digest": "e"}
    later = {**OLDER, "paired": 3, "second": second, "split": "hash", "range": [0, 4095]}
    (run / "data.json").write_text(json.dumps(later))
    paired = Signature.of_pictures("digits", (8, 9, 1), ("a", "b"), {"train": 5, "test": 2}, "d", paired=3)
    assert opened(run)[1] == dataclasses.replace(paired, second=SECOND, split="hash", range=(0, 4095))


@pytest.mark.parametrize("name", ["height", "width", "channels", "paired", "classes"])
@pytest.mark.parametrize("value", [None, "8", 8.5, [8], True])
def test_a_field_of_another_type_in_an_older_file_is_named(run, name, value):
    (run / "data.json").write_text(json.dumps({**OLDER, name: value}))
    with pytest.raises(Refusal, match=r"data\.json is missing or damaged"):
        opened(run)


@pytest.mark.input("Run folders", "a `config.json` that was changed by hand", "refused", "what it says cannot be built")
@pytest.mark.parametrize(
    "error", [KeyError("rate"), TypeError("not a mapping"), AttributeError("decay"), ValueError("x")]
)
def test_what_could_be_built_once_and_cannot_be_now_was_changed(tmp_path, error):
    said = rf"config\.json is missing or damaged \(what it says .*{type(error).__name__}"
    with pytest.raises(Refusal, match=said), unchanged(tmp_path):
        raise error
    with pytest.raises(Refusal, match="as it was"), unchanged(tmp_path):
        raise Refusal("as it was")
