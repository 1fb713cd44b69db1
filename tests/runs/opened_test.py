"""A run folder whose files were changed is one sentence, whatever was changed in them."""

import json

import pytest
from ml_collections import ConfigDict

from gengen.core.refusal import Refusal
from gengen.data.signature import Signature
from gengen.runs.folder import open_folder
from gengen.runs.opened import opened, unchanged

SECOND = Signature.of_pictures("glyphs", (8, 8, 3), (), {"train": 5, "test": 2}, "e")
SIGNATURE = Signature.of_pictures("digits", (8, 9, 1), ("a", "b"), {"train": 5, "test": 2}, "d", second=SECOND)
FIELDS = SIGNATURE.to_json()


WRONG = {
    **dict.fromkeys(("height", "width", "channels", "paired"), (None, "8", 8.5, [8], True)),
    **dict.fromkeys(("name", "digest", "normalisation"), (None, 8, ["a"], {}, False)),
    "classes": (None, "ab", 2, {"a": "b"}, ["a", 1]),
    "counts": (None, "ab", 2, [5, 2], {"train": "5"}, {"train": 5.5}, {"train": True}),
    "second": ("ab", 2, [], {}, {"name": "glyphs"}, {**SECOND.to_json(), "height": "8"}, False),
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


def test_a_file_of_an_older_version_has_what_it_lacks_by_default(run):
    older = {key: value for key, value in FIELDS.items() if key not in ("paired", "second")}
    (run / "data.json").write_text(json.dumps(older))
    assert opened(run)[1] == Signature.from_json({**FIELDS, "second": None})


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
