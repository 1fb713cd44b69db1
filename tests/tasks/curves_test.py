"""Curves of one run and of several, from what is in their folders."""

import json

import numpy as np
import pytest
from PIL import Image

from gengen.core.refusal import Refusal
from gengen.data.signature import Signature
from gengen.pictures.captions import Block
from gengen.pictures.grid import save_png
from gengen.pictures.strip import keep
from gengen.tasks import curves

SIGNATURE = Signature.of_pictures("few", (4, 4, 1), (), {"train": 8, "test": 8}, "")


def trained(folder, lines=3):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model": {"name": "fake"}}))
    (folder / "data.json").write_text(json.dumps(SIGNATURE.to_json()))
    written = [json.dumps({"step": step, "seconds": 1.0, "critic/loss": 1.0 / step}) for step in range(1, 1 + lines)]
    (folder / "metrics.jsonl").write_text("\n".join(written) + '\n{"step": 9, "cut')
    return folder


def test_one_run_has_its_curves_and_where_something_was_kept_its_strip(tmp_path, capsys):
    run = trained(tmp_path / "run")
    assert curves.main(run, output=None, dark=False) == run / "curves.png"
    assert not (run / "strip.png").exists()
    for step in (1, 2):
        keep(run / "strip.npz", step, Block(np.zeros((2, 4, 4, 1), np.uint8), 2))
    for output, names in ((None, ("curves", "strip")), (tmp_path / "a", ("a", "a-strip"))):
        path = curves.main(run, output=output, dark=True)
        assert [path, path.with_name(f"{names[1]}.png")] == [path.with_name(f"{name}.png") for name in names]
        for name in names:
            with Image.open(path.with_name(f"{name}.png")) as picture:
                assert picture.width >= 1_150 and max(picture.getpixel((0, 0))) < 60
    assert capsys.readouterr().out.split() == [str(run / "strip.png"), str(tmp_path / "a-strip.png")]


def test_a_run_whose_pictures_were_taken_has_its_film(tmp_path, capsys):
    run = trained(tmp_path / "run")
    for step, number in ((0, 0), (100, 2)):
        save_png(run / "film" / f"step_{step:08d}.png", np.full((6, 6, 3), step, np.uint8))
        curves.main(run, output=None, dark=False)
        made = [str(run / f"film.{ending}") for ending in ("png", "gif")]
        assert capsys.readouterr().out.split() == made[:number]
    curves.main(run, output=tmp_path / "a.png", dark=False)
    assert {path.name for path in tmp_path.glob("a*")} == {"a.png", "a-film.png", "a-film.gif"}


def test_several_runs_are_a_folder_or_named(tmp_path):
    for name in ("a", "b"):
        trained(tmp_path / "runs" / name)
    made = curves.main(tmp_path / "runs", output=None, dark=False)
    assert made == tmp_path / "runs" / "curves.png"
    there = made.read_bytes()
    named = tmp_path / "runs" / f"a,{tmp_path / 'runs' / 'b'}"
    assert curves.main(named, output=None, dark=False) == made
    assert made.read_bytes() == there


@pytest.mark.input("Run folders", "one without metrics yet, whose curves are asked for", "refused", "until it has some")
def test_what_cannot_be_drawn_is_a_sentence(tmp_path):
    new = trained(tmp_path / "runs" / "new", lines=0)
    for folder, said in (
        (tmp_path / "none", "none holds no run"),
        (tmp_path, "holds no run; train one"),
        (new, "has written no metrics yet"),
        (tmp_path / "runs", "no run in .* has written metrics yet"),
    ):
        with pytest.raises(Refusal, match=said):
            curves.main(folder, output=None, dark=False)
    for index in range(curves.MOST + 1):
        trained(tmp_path / "runs" / f"run{index}")
    with pytest.raises(Refusal, match=r"holds 7 runs .* --workdir=.*run0,.*run1"):
        curves.main(tmp_path / "runs", output=None, dark=False)
