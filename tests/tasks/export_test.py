"""`--mode=export`: what it writes and prints, and what it refuses in a sentence."""

import json
import re

import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.export import exporting

pytest.importorskip("safetensors")

BLACK = np.zeros((8, 4, 4, 1), np.uint8)


@pytest.fixture
def exporting_a_run(opened, coding):
    """Returns `(**flags) -> path of the manifest`: exports a run whose codes are two pixels."""
    from gengen.cli.tasks import given_to, main_of
    from gengen.data.signature import DataSet, Signature

    signature = Signature.of_pictures("few", (4, 4, 1), (), {"train": 8, "test": 8}, "")
    split = {"data": BLACK}

    def export(model=None, **flags):
        data = DataSet(signature, {"train": split, "test": split}, None)
        run = opened(coding() if model is None else model, data)
        return main_of("export")(run, **given_to("export", flags))

    return export


def test_a_line_for_each_artefact_says_how_far_it_is_and_the_manifest_says_what_it_takes(exporting_a_run, capsys):
    path = exporting_a_run()
    said = json.loads(path.read_text())
    assert said["functions"].keys() == {"encode", "decode"}
    decode = said["functions"]["decode"]
    assert [one["name"] for one in decode["inputs"]] == ["latents", "key"]  # it draws a pixel
    assert decode["inputs"][0]["meaning"] == "as `encode` gives them"
    assert decode["outputs"] == [
        {"name": "data", "shape": ["b", 4, 4, 1], "dtype": "uint8", "meaning": "in the data's own units, from 0 to 255"}
    ]
    printed = capsys.readouterr().out
    for name in ("weights.safetensors", "encode.stablehlo", "decode.stablehlo"):
        assert re.search(rf"^\| {name} +\|.*\| (none|[\d.e-]+) +\|$", printed, re.M)
        assert (path.parent / name).is_file()
    with np.load(path.parent / "decode.npz") as saved:
        assert saved["latents"].shape == (6, 2)
        assert saved["data"].dtype == np.uint8


def test_in_the_models_units_examples_are_float32(exporting_a_run):
    said = json.loads(exporting_a_run(units="model", format="stablehlo").read_text())
    assert said["functions"]["encode"]["inputs"][0]["dtype"] == "float32"
    assert "safetensors" not in said


MISTAKES = {
    "an unknown format": ({"format": "safetensors,pickle"}, "--format=pickle is no format; take some of safetensors"),
    "no format": ({"format": ""}, "is no format; take some of"),
    "unknown units": ({"units": "metres"}, "--units=metres must be data or model"),
}


@pytest.mark.input(
    "Flags", "a --format or --units of --mode=export that there is not", "refused", "names those there are"
)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_a_sentence_and_nothing_is_written(exporting_a_run, tmp_path, mistake):
    flags, sentence = MISTAKES[mistake]
    with pytest.raises(Refusal, match=re.escape(sentence)):
        exporting_a_run(**flags)
    assert not (tmp_path / "run" / "export").exists()


@pytest.mark.input(
    "Paths", "a folder that holds something else, as --output of --mode=export", "refused", "nothing is lost"
)
def test_what_is_there_and_is_no_export_stays(exporting_a_run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_text("dear")
    with pytest.raises(Refusal, match="holds something that is no export, which would be lost; name another --output"):
        exporting_a_run(output=tmp_path / "mine")
    with pytest.raises(Refusal, match="is a file; name a folder for the export"):
        exporting_a_run(output=tmp_path / "mine" / "letter")
    with pytest.raises(Refusal, match="nothing can be written in"):
        exporting_a_run(output=tmp_path / "mine" / "letter" / "below")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter"]


@pytest.mark.parametrize(("form", "extra"), [("safetensors", "export"), ("stablehlo", "export"), ("onnx", "onnx")])
def test_a_package_that_is_missing_is_named_with_the_extra_that_brings_it(exporting_a_run, monkeypatch, form, extra):
    monkeypatch.setattr(exporting, "find_spec", lambda name: None)
    with pytest.raises(Refusal, match=rf'--format={form} needs .* not installed; .*pip install -e "\.\[{extra}\]"'):
        exporting_a_run(format=form)


def test_a_model_without_such_functions_is_exported_as_weights_alone(exporting_a_run, coding):
    bare = coding(encodes=False)._replace(decode=None)
    with pytest.raises(Refusal, match="can nothing, which is not exported; try --format=safetensors"):
        exporting_a_run(bare)
    assert "functions" not in json.loads(exporting_a_run(bare, format="safetensors").read_text())


def test_an_artefact_that_cannot_be_written_leaves_the_export_that_is_there(exporting_a_run, monkeypatch):
    path = exporting_a_run()
    before = {one.name: one.read_bytes() for one in path.parent.iterdir()}

    def fails(path, function, variables):
        path.write_bytes(b"half")
        raise RuntimeError("disk")

    monkeypatch.setattr(exporting, "write_stablehlo", fails)
    with pytest.raises(RuntimeError, match="disk"):
        exporting_a_run()
    assert {one.name: one.read_bytes() for one in path.parent.iterdir()} == before
    assert [one.name for one in path.parent.parent.iterdir() if "incomplete" in one.name] == []
