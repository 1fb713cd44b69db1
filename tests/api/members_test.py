"""Runs of several seeds: each member is the run of its seed alone, and a run that stops goes on exactly."""

import json

import chex
import numpy as np
import pytest

import gengen
from configs import wgan
from gengen.api import train
from gengen.core.refusal import Refusal
from gengen.training.checkpoint import Checkpoints

STEPS = 100


def config(**training):
    made = wgan.get_config("tiny")
    made.evaluation.every = 0
    made.training.update(steps=STEPS, steps_per_dispatch=25, log_every=25, precision="float32", quick_compilation=True)
    made.training.update(checkpoint_every=50, sample_every=0, seed=3, **training)
    return made


def arrays_of(folder):
    checkpoints = Checkpoints(folder / "checkpoints", read_only=True)
    arrays = checkpoints.read(STEPS)
    checkpoints.close()
    return arrays


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    folder = tmp_path_factory.mktemp("several") / "run"
    train.run(config(seeds=2), folder)
    return folder


def test_a_member_is_the_run_of_its_seed_alone_after_a_hundred_steps_and_draws_the_same(several, tmp_path):
    alone = config()
    alone.training.seed = 4
    train.run(alone, tmp_path / "run")
    together = {name: array for name, array in arrays_of(several).items() if "frozen" not in name}
    own = {name: array if name == "step" else array[1] for name, array in together.items()}
    chex.assert_trees_all_equal(own, arrays_of(tmp_path / "run"))
    drawn = [run.sample(4) for run in (gengen.open_run(several, seed=4), gengen.open_run(tmp_path / "run"))]
    np.testing.assert_array_equal(*drawn)


def test_a_run_of_several_seeds_says_what_each_measured_and_is_opened_by_seed(several):
    line = json.loads((several / "metrics.jsonl").read_text().splitlines()[-1])
    each = line["critic/loss/members"]
    np.testing.assert_allclose(line["critic/loss"], np.mean(each), rtol=1e-5)
    assert [line["critic/loss/low"], line["critic/loss/high"]] == sorted(each)
    run = gengen.open_run(several)
    assert run.seeds == (3, 4)
    assert np.any(run.sample(4) != gengen.open_run(several, seed=4).sample(4))
    with pytest.raises(Refusal, match="was trained with the seeds 3 to 4, and not with seed 5"):
        gengen.open_run(several, seed=5)


@pytest.mark.parametrize("seed", [4, 4.0, np.int64(4), np.float32(4)])
def test_a_seed_of_any_kind_of_number_is_told_of_as_the_whole_number_that_it_is(several, seed):
    run = gengen.open_run(several, seed=seed)
    assert repr(run).endswith(", seed 4>")
    assert json.dumps(run._run.origin["member"]) == "4"


def test_a_run_of_several_seeds_goes_on_exactly_and_keeps_their_number(several, tmp_path):
    first = config(seeds=2)
    first.training.steps = 50
    train.run(first, tmp_path / "run")
    train.run(config(seeds=2), tmp_path / "run")
    chex.assert_trees_all_equal(arrays_of(tmp_path / "run"), arrays_of(several))
    with pytest.raises(Refusal, match=r"training\.seeds is 2 there and 3 here"):
        train.run(config(seeds=3), tmp_path / "run")
