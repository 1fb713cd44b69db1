"""`training.init_from`: a new run begins exactly where another one stands, and tells what did not fit."""

import jax
import numpy as np
import pytest

import gengen
from configs import cgan, wgan
from gengen.core.refusal import Refusal
from gengen.files.archive import pack
from gengen.runs.run import open_run


def settings(module, data_dir, **training):
    config = module.get_config("tiny")
    config.data.data_dir = str(data_dir)
    config.training.update(
        steps=2, steps_per_dispatch=1, sample_every=0, diagnose_every=0, precision="float32", **training
    )
    config.evaluation.every = 0
    return config


@pytest.fixture(scope="module")
def source(tmp_path_factory, data_dir):
    folder = tmp_path_factory.mktemp("source") / "wgan"
    gengen.train(settings(wgan, data_dir), folder)
    return folder


def weights(folder, step_of=None):
    run = open_run(folder, raw=True)
    return {network: run.variables[network]["params"] for network in ("generator", "critic")}


def test_it_begins_with_the_weights_and_other_steps_follow(source, tmp_path, data_dir, capsys):
    config = settings(wgan, data_dir, init_from=str(source), seed=7)
    for player in ("critic", "generator"):
        config.optimizers[player].rate = 0.0  # so that the run ends with what it began with
    gengen.train(config, tmp_path / "tuned")
    for old, new in zip(jax.tree.leaves(weights(source)), jax.tree.leaves(weights(tmp_path / "tuned")), strict=True):
        np.testing.assert_array_equal(old, new)
    assert "begins with weights of" in capsys.readouterr().out
    gengen.train(settings(wgan, data_dir, init_from=str(source), seed=7), tmp_path / "moved")
    moved = weights(tmp_path / "moved")
    assert any(np.any(old != new) for old, new in zip(*map(jax.tree.leaves, (weights(source), moved)), strict=True))


def test_a_model_of_other_networks_is_refused_before_there_is_a_folder(source, tmp_path, data_dir):
    sent = pack(source, [str(p.relative_to(source)) for p in source.rglob("*") if p.is_file()], tmp_path / "sent.zip")
    with (
        jax.numpy_dtype_promotion("standard"),  # Optax's Adam raises a float to an integer power
        pytest.raises(Refusal, match=r"holds nothing that this model could begin with: 0 of \d+ arrays; its own are"),
    ):
        gengen.train(settings(cgan, data_dir, init_from=str(sent)), tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("asked", ["nowhere", "own"])
def test_what_is_no_run_is_refused_before_there_is_a_folder(tmp_path, data_dir, asked):
    config = settings(wgan, data_dir, init_from=str(tmp_path / asked))
    with pytest.raises(Refusal, match=r"holds no run|is the run itself"):
        gengen.train(config, tmp_path / "own")
    assert not (tmp_path / "own").exists()
