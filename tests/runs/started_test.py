"""Started models: each is whole, small, opened by its name, and can be gone on from but not with."""

import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

import gengen
from benchmarks.zoo import LARGEST, STARTED, as_table
from configs import cgan
from gengen.core.refusal import Refusal
from gengen.files.archive import check_digests
from gengen.runs import started as module
from gengen.runs.archived import located
from gengen.runs.folder import WEIGHTS, begun
from gengen.runs.run import open_run
from gengen.runs.started import ZOO, names
from gengen.runs.weights_alone import write_weights

ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PLACE", tmp_path / "runs")
    return tmp_path


def test_those_that_the_table_makes_are_there_and_on_the_page():
    assert names() == sorted(STARTED)
    assert as_table() in (ROOT / "docs" / "getting-started.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", STARTED)
def test_each_is_whole_and_small_and_names_no_place(name):
    check_digests(ZOO / name)
    assert (ZOO / name / WEIGHTS).stat().st_size <= LARGEST
    config = json.loads((ZOO / name / "config.json").read_text())
    assert config["data"]["data_dir"] is None and config["data"]["manual_dir"] is None
    assert json.loads((ZOO / name / "evaluation.json").read_text())["run"] == f"zoo:{name}"


@pytest.mark.parametrize(
    "name", ["cgan", *(pytest.param(name, marks=pytest.mark.slow) for name in STARTED if name != "cgan")]
)
def test_each_is_opened_by_its_name_and_does_what_it_can(name, here):
    run = gengen.open_run(f"zoo:{name}")
    assert run.step == json.loads((ZOO / name / "evaluation.json").read_text())["step"]
    if name == "cyclegan":
        digits = np.random.default_rng(0).integers(0, 256, (2, *run.signature.shape), np.uint8)
        assert run.translate(digits).shape == digits.shape
    elif name == "anomaly":
        assert run.encode(np.zeros((2, *run.signature.shape), np.uint8)).shape[0] == 2
    else:
        drawn = run.sample(20)
        assert drawn.dtype == np.uint8 and drawn.std() > 30
    assert (here / "runs" / f"zoo-{name}" / "config.json").is_file()


def test_it_is_copied_once_and_nothing_of_ours_is_lost(here):
    folder = located(Path("zoo:cgan"))
    (folder / "samples.png").write_bytes(b"made since")
    assert located(Path("zoo:cgan")) == folder
    assert (folder / "samples.png").exists()
    shutil.copyfile(ZOO / "aae" / "config.json", folder / "config.json")
    with pytest.raises(Refusal, match="is another run than zoo:cgan"):
        located(Path("zoo:cgan"))


def test_a_wrong_name_and_a_damaged_file_are_sentences(here, monkeypatch):
    with pytest.raises(Refusal, match=r"zoo:cgam is no started model \(did you mean zoo:cgan\?\); there are aae, "):
        located(Path("zoo:cgam"))
    shutil.copytree(ZOO / "cgan", here / "zoo" / "cgan")
    (here / "zoo" / "cgan" / WEIGHTS).write_bytes(b"other")
    monkeypatch.setattr(module, "ZOO", here / "zoo")
    with pytest.raises(Refusal, match=r"weights.npz' in it is not what digests.json says"):
        located(Path("zoo:cgan"))
    (here / "zoo" / "cgan" / "digests.json").unlink()


def test_weights_come_back_rounded_and_of_another_model_are_refused(here, data_dir):
    config = cgan.get_config("tiny")
    config.data.data_dir = str(data_dir)
    config.training.update(steps=2, steps_per_dispatch=1, sample_every=0, precision="float32")
    config.evaluation.every = 0
    with jax.numpy_dtype_promotion("standard"):  # Optax's Adam raises a float to an integer power
        gengen.train(config, here / "run")
    run = open_run(here / "run")
    shutil.copytree(here / "run", here / "kept", ignore=shutil.ignore_patterns("checkpoints"))
    write_weights(here / "kept", run.variables, run.step)
    kept = open_run(here / "kept")
    assert (kept.step, kept.origin["weights"]) == (2, run.origin["weights"])
    for own, back in zip(jax.tree.leaves(run.variables), jax.tree.leaves(kept.variables), strict=True):
        np.testing.assert_array_equal(np.asarray(own).astype(np.float16), np.asarray(back))
        assert own.dtype == back.dtype
    with pytest.raises(Refusal, match=r"cannot go on: .*init_from"):
        begun(here / "kept")
    write_weights(here / "kept", {"generator": run.variables["generator"]}, run.step)
    with pytest.raises(Refusal, match="holds the weights of another model"):
        open_run(here / "kept")
    (here / "kept" / WEIGHTS).write_bytes((here / "kept" / WEIGHTS).read_bytes()[:300])
    with pytest.raises(Refusal, match="is damaged"):
        open_run(here / "kept")
