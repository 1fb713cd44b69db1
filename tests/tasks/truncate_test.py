"""Truncations of a run: which a model can be told, what changes, and reports of each."""

import json

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

import gengen
from configs import dcgan
from gengen.core.refusal import Refusal
from gengen.runs.run import open_run
from gengen.tasks import truncate
from gengen.tasks.truncate import VALUES, truncated, truncations


@pytest.fixture(scope="module")
def run(tmp_path_factory, data_dir):
    """A DCGAN of few channels, after two steps."""

    config = dcgan.get_config("tiny")
    config.data.data_dir = str(data_dir)
    config.training.update(steps=2, steps_per_dispatch=1, sample_every=0, precision="float32")
    config.evaluation.every = 0
    folder = tmp_path_factory.mktemp("truncate") / "run"
    with jax.numpy_dtype_promotion("standard"):  # Optax's Adam raises a float to an integer power
        gengen.train(config, folder)
    return open_run(folder)


def test_a_model_is_told_what_its_key_may_be(run):
    assert truncations(run) == list(VALUES)
    styles = run._replace(config=ConfigDict({"model": {"name": "style_based"}}))
    assert truncations(styles) == [value for value in VALUES if value <= 1]


def test_latents_and_statistics_are_those_of_the_truncation(run):
    narrow = truncated(run, 0.5)
    latents = np.asarray(narrow.model.prior(jax.random.key(0), narrow.variables, 200))
    assert 0.45 < np.abs(latents).max() <= 0.5
    before, after = (one.variables["generator"]["batch_stats"] for one in (run, narrow))
    first = [np.asarray(jax.tree.leaves(stats)[-1]) for stats in (before, after)]
    assert np.abs(first[0] - first[1]).max() > 1e-3
    for was, now in zip(*(jax.tree.leaves(one.variables["generator"]["params"]) for one in (run, narrow)), strict=True):
        np.testing.assert_array_equal(was, now)


def test_each_truncation_has_a_report_and_a_row(run, monkeypatch, tmp_path, sheets, capsys):
    seen = []

    def judged(own, *, num, seed):
        seen.append((own.config.model.truncation, num, seed))
        part = {"samples": {"value": 1.0, "low": 0.5, "high": 2.0}}
        return {"scores": {"frechet_distance": part, "precision": part}}

    monkeypatch.setattr(truncate, "evaluate", judged)
    path = truncate.main(run, num=300, seed=3, output=tmp_path / "found.json", dark=False)
    assert seen == [(value, 300, 3) for value in VALUES]
    found = json.loads(path.read_text())["truncations"]
    assert [one["truncation"] for one in found] == list(VALUES)
    assert sheets[0].blocks[0].rows == [f"truncation {value:g}" for value in VALUES]
    assert "1 [0.5, 2]" in capsys.readouterr().out


def test_what_cannot_be_truncated_is_refused(run):
    other = run._replace(config=ConfigDict({"model": {"name": "autoencoder"}}))
    with pytest.raises(Refusal, match="cannot be truncated"):
        truncate.main(other, num=300, seed=0, output=None, dark=False)
