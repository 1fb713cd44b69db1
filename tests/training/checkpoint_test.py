"""Checkpoints: round trips, rotation, damage, and what is refused."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.core.state import State
from gengen.training.checkpoint import KEEP, Checkpoints, named_leaves
from gengen.training.loop import NonFiniteError


def state(step, width=3):
    params = {"w": jnp.arange(width, dtype=jnp.float32) + step}
    network = {"params": params, "stats": {"n": jnp.zeros((), jnp.bfloat16)}}
    return State(jnp.asarray(step, jnp.int32), {"net": network}, {"player": (jnp.ones((2, 2)), ())})


@pytest.fixture
def checkpoints(tmp_path):
    opened = Checkpoints(tmp_path / "checkpoints")
    yield opened
    opened.close()


def test_what_is_restored_is_what_was_saved(checkpoints):
    checkpoints.save(7, state(7))
    checkpoints.wait()
    step, restored = checkpoints.restore_latest(state(0))
    assert step == 7
    chex.assert_trees_all_equal(restored, jax.device_get(state(7)))
    chex.assert_trees_all_equal_dtypes(restored, state(7))


def test_there_is_nothing_to_restore_at_first(checkpoints):
    assert checkpoints.restore_latest(state(0)) is None
    assert checkpoints.latest() is None


def test_the_latest_few_are_kept(checkpoints):
    for step in range(1, KEEP + 3):
        checkpoints.save(step, state(step))
    checkpoints.save(KEEP + 2, state(99))  # saved already: left as it is
    checkpoints.wait()
    assert checkpoints.restore_latest(state(0))[1].step == KEEP + 2
    assert checkpoints.steps() == list(range(3, KEEP + 3))


def test_a_saved_copy_does_not_follow_its_state(checkpoints):
    array = np.zeros(1000, np.float32)
    checkpoints.save(1, {"w": array})
    array[:] = 5
    checkpoints.wait()
    assert not checkpoints.restore_latest({"w": array})[1]["w"].any()


def test_numbers_that_are_none_are_not_saved(checkpoints):
    bad = state(1).replace(average={"net": {"params": {"w": jnp.asarray([0.0, jnp.nan])}}})
    with pytest.raises(NonFiniteError, match=r"average.net.params.w became nan at step 1"):
        checkpoints.save(1, bad)
    assert checkpoints.latest() is None


def test_another_model_is_refused_and_nothing_is_lost(checkpoints):
    checkpoints.save(1, state(1))
    checkpoints.wait()
    with pytest.raises(Refusal, match=r"variables.net.params.w is float32\[3\] there and float32\[4\] here"):
        checkpoints.restore_latest(state(0, width=4))
    assert checkpoints.steps() == [1]


def test_when_all_are_damaged_the_run_is_not_started_over(checkpoints, tmp_path):
    checkpoints.save(1, state(1))
    checkpoints.wait()
    for path in (tmp_path / "checkpoints" / "1").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:10])
    with pytest.raises(Refusal, match=r"every checkpoint .* is damaged"):
        checkpoints.restore_latest(state(0))


def test_leaves_are_named_by_their_path():
    assert list(named_leaves(state(0))) == [
        "step",
        "variables.net.params.w",
        "variables.net.stats.n",
        "opt.player.0",
    ]
