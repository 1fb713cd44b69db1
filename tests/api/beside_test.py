"""Pictures, scores and checkpoints go on beside the steps: in order, each with the state of its step, and heard."""

import errno
import json
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import base
from gengen.api import ready, scorekeeper, train
from gengen.core.mean import mean_of
from gengen.core.model import GenerativeModel
from gengen.core.parallel import replica_sum
from gengen.core.state import State
from gengen.data.signature import DataSet, Signature
from gengen.metrics.interval import Estimate
from gengen.training.checkpoint import Checkpoints
from gengen.training.report import Report

STEPS, EVERY = 18, 6
"""Of a run whose dispatches have two steps."""


def walker():
    """A model that walks as its noise says."""

    def init(key, batch):
        del key, batch
        return State(jnp.zeros((), jnp.int32), {"walker": {"params": {"place": jnp.zeros(3)}}}, {})

    def step(key, state, batch, *, phase=None):
        del batch, phase
        place = state.variables["walker"]["params"]["place"] + jax.random.normal(jax.random.fold_in(key, state.step))
        moved = state.replace(step=state.step + 1, variables={"walker": {"params": {"place": place}}})
        return moved, {"walker/place": replica_sum(mean_of(place[0]))}

    def sample(key, variables, n, condition=None):
        del key, condition
        return jnp.broadcast_to(jnp.tanh(variables["walker"]["params"]["place"][0]), (n, 4, 4, 1))

    return GenerativeModel(init, step, sample=sample)


@pytest.fixture
def walk(monkeypatch, tmp_path):
    """Returns `(name, judged=0) -> folder`, which trains, and judges after so many steps."""
    split = {"data": np.random.default_rng(0).integers(0, 256, (50, 4, 4, 1), np.uint8)}
    data = DataSet(Signature.of_pictures("few", (4, 4, 1), (), {}, "d"), {"train": split, "test": split}, tmp_path)
    monkeypatch.setattr(ready, "load_data", lambda config, rule="hash": data)
    monkeypatch.setattr(ready, "check_config", lambda config: None)  # it names no model
    monkeypatch.setattr(ready, "member_model", lambda config, signature: walker())

    def run(name, judged=0):
        config = base.vary(base.defaults(), "tiny", ("tiny",))
        config.training.update(steps=STEPS, steps_per_dispatch=2, log_every=2)
        config.training.update(checkpoint_every=EVERY, sample_every=EVERY)
        config.evaluation.every = judged
        train.run(config, tmp_path / name / "run")  # pictures are titled by the last part
        return tmp_path / name / "run"

    return run


def steps_of(folder):
    """The steps whose metrics are written, in the order of the file."""
    return [json.loads(line)["step"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def wait_for(folder, step):
    """Waits until the run has gone on to a step."""
    limit = time.monotonic() + 20
    while steps_of(folder)[-1] < step and time.monotonic() < limit:
        time.sleep(0.002)
    assert steps_of(folder)[-1] >= step, "steps are taken meanwhile"


def arrays_of(folder, step):
    checkpoints = Checkpoints(folder, read_only=True)
    arrays = checkpoints.read(step)
    checkpoints.close()
    return arrays


@pytest.mark.input("Kills", "a run that is killed while it saves beside the steps", "taken", "ends as if it was not")
def test_a_run_killed_while_it_saves_ends_as_a_straight_one_and_steps_go_on_meanwhile(walk, monkeypatch, tmp_path):
    save = Checkpoints.save

    def slow(self, step, tree):
        if step == 2 * EVERY:
            wait_for(tmp_path / "straight" / "run", step + 4)
            shutil.copytree(tmp_path / "straight", tmp_path / "killed")  # what a kill would leave
        save(self, step, tree)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", slow)
        straight = walk("straight")
    killed = tmp_path / "killed" / "run"
    assert max(steps_of(killed)) > 2 * EVERY and not (killed / "checkpoints" / str(2 * EVERY)).exists()
    assert walk("killed") == killed
    for step in (2 * EVERY, STEPS):
        chex.assert_trees_all_equal(arrays_of(killed / "checkpoints", step), arrays_of(straight / "checkpoints", step))
        name = f"samples/step_{step:08d}.png"
        assert (killed / name).read_bytes() == (straight / name).read_bytes()
    assert steps_of(killed) == steps_of(straight) == list(range(2, STEPS + 1, 2))


def test_what_was_before_a_checkpoint_is_there_before_it_and_a_picture_before_its_line(walk, monkeypatch, tmp_path):
    saved, told = [], []
    save, say = Checkpoints.save, Report.say

    def checked(self, step, tree):
        folder = tmp_path / "run" / "run"
        pictures = [folder / "samples" / f"step_{each:08d}.png" for each in range(EVERY, step + 1, EVERY)]
        saved.append(all(path.exists() for path in pictures) and step in steps_of(folder))
        save(self, step, tree)

    def heard(self, step, parts, every=0):
        told.append(all(Path(part).exists() for part in parts))
        say(self, step, parts, every)

    monkeypatch.setattr(Checkpoints, "save", checked)
    monkeypatch.setattr(Report, "say", heard)
    walk("run")
    assert saved == 4 * [True], "the last one is asked for twice"
    assert told == 3 * [True]


def test_what_goes_wrong_beside_the_steps_ends_the_run(walk, monkeypatch, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Checkpoints, "save", full)
    with pytest.raises(OSError, match="No space left"):
        walk("run")
    assert steps_of(tmp_path / "run" / "run")[-1] <= 2 * EVERY


def test_scores_are_of_their_step_and_the_best_state_is_the_one_that_was_judged(walk, monkeypatch, tmp_path):
    """The second of three evaluations is the best; steps go on while it is made."""
    folder, found = tmp_path / "run" / "run", iter([3.0, 1.0, 2.0])

    def scores(samples):
        del samples
        value = next(found)
        if value == 1.0:
            wait_for(folder, 2 * EVERY + 4)
        return {"frechet_distance": Estimate(value, 0.0, 5.0)}

    judge = SimpleNamespace(
        samples=lambda *_: None, scores=scores, tag=lambda name: f"evaluation/{name}", floor=None, real=None
    )
    monkeypatch.setattr(ready, "_judge_of", lambda *_: judge)
    monkeypatch.setattr(scorekeeper, "measure", lambda *_: {"frechet_distance": Estimate(0.5, 0.4, 0.6)})
    walk("run", judged=EVERY)
    chex.assert_trees_all_equal(arrays_of(folder / "best", 2 * EVERY), arrays_of(folder / "checkpoints", 2 * EVERY))
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    judged = {line["step"]: line["evaluation/frechet_distance"] for line in lines if "walker/place" not in line}
    assert judged == {EVERY: 3.0, 2 * EVERY: 1.0, STEPS: 2.0}
