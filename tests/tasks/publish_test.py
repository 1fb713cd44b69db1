"""A card that says what the files of a run say, and a zip of all that it takes to use the run elsewhere."""

import json
import re
import shutil
import zipfile

import jax
import numpy as np
import pytest
import yaml

import gengen
from configs import wgan
from gengen.files.archive import DIGESTS
from gengen.runs.run import open_run
from gengen.tasks import card, publish


@pytest.fixture(scope="module")
def trained(tmp_path_factory, data_dir):
    """A WGAN after four steps, its data in a folder of this machine."""
    config = wgan.get_config("tiny")
    config.data.data_dir = str(data_dir)
    config.training.update(steps=4, steps_per_dispatch=2, checkpoint_every=2, sample_every=0, precision="float32")
    config.evaluation.every = 0
    folder = tmp_path_factory.mktemp("publish") / "mine"
    gengen.train(config, folder)
    return folder


@pytest.fixture
def run(trained, tmp_path):
    shutil.copytree(trained, tmp_path / "mine")
    return open_run(tmp_path / "mine")


def report_of(run, **changes):
    estimate = {"value": 12.25, "low": 11.0, "high": 13.5}
    entry = {
        "title": "Fréchet distance",
        "extractor": {"title": "classifier-v1 0"},
        "samples": estimate,
        "floor": estimate,
    }
    report = {
        **run.origin,
        "kind": "picture",
        "sizes": {"samples": 100, "reference": 90},
        "verdict": ["They are fine."],
    }
    return json.dumps({**report, "scores": {"frechet_distance": entry}, **changes})


def front_matter(text):
    return yaml.safe_load(re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)[1])


def test_a_card_repeats_the_files_of_the_run(run):
    (run.folder / "evaluation.json").write_text(report_of(run))
    text = card.main(run, output=None).read_text()
    front = front_matter(text)
    assert front["library_name"] == "gengen"
    (model,) = front["model-index"]
    assert model["name"] == "mine"
    assert model["results"][0]["metrics"][0]["value"] == 12.25
    assert "12.2 [11, 13.5]" in text and "They are fine." in text
    assert f"digest `{run.signature.digest}`" in text and "for 4 steps of" in text
    assert "![what was measured while it trained](curves.png)" in text
    for shown in re.findall(r"!\[.*?\]\((.*?)\)", text):
        assert (run.folder / shown).is_file()


@pytest.mark.parametrize("changes", [None, {"step": 2}, {"combinations": []}])
def test_scores_of_another_step_are_none_of_this_run(run, changes):
    if changes is not None:
        (run.folder / "evaluation.json").write_text(report_of(run, **changes))
    text = card.main(run, output=run.folder / "page.md").read_text()
    assert "It has not been judged" in text
    assert "model-index" not in front_matter(text)


def test_what_is_published_opens_elsewhere_and_names_no_place_of_this_machine(run, tmp_path, data_dir, capsys):
    (run.folder / "README.md").write_text("what I say of it")
    (run.folder / "evaluation.json").write_text(report_of(run))
    path = publish.main(run, output=tmp_path / "there" / "sent.zip")
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        texts = b"".join(archive.read(name) for name in names if name.endswith((".json", ".md", ".jsonl")))
    assert {"config.json", "data.json", "README.md", DIGESTS} < names
    assert {name.split("/")[1] for name in names if name.startswith("checkpoints/")} == {"4"}
    assert not any(name.startswith(("events", "samples/", ".")) for name in names)
    assert b"what I say of it" in texts
    for place in (data_dir, run.folder):
        assert str(place).encode() not in texts
    assert "checkpoints" in capsys.readouterr().out
    again = gengen.open_run(path)
    np.testing.assert_array_equal(again.sample(4), gengen.open_run(run.folder).sample(4))


def test_a_published_run_goes_on_as_it_would_have(run, tmp_path, data_dir):
    straight = open_run(run.folder)
    gengen.open_run(publish.main(run, output=tmp_path / "sent.zip"))
    config = straight.config.copy_and_resolve_references()
    for folder in (run.folder, tmp_path / "sent"):
        config.data.data_dir, config.training.steps = str(data_dir), 6
        gengen.train(config, folder)
    ends = [jax.tree.leaves(open_run(folder).variables) for folder in (run.folder, tmp_path / "sent")]
    for one, other in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, other)
