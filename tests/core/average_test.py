"""Averaged variables against the recursion written out."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.build.averages import exponential
from gengen.core.average import averaged, evaluation_variables
from gengen.core.model import GenerativeModel, Stage
from gengen.core.state import State


def drifting(period=1):
    """A model whose weights and statistics move by known amounts."""

    def init(key, batch):
        del key, batch
        network = {
            "params": {"w": jnp.ones(3)},
            "batch_stats": {"mean": jnp.zeros(2), "seen": jnp.zeros((), jnp.int32)},
        }
        return State(jnp.zeros((), jnp.int32), {"a": network, "b": network}, {})

    def train_step(key, state, batch, *, phase=None):
        del key, batch, phase
        network = state.variables["a"]
        moved = {
            "params": {"w": network["params"]["w"] + 1},
            "batch_stats": {
                "mean": network["batch_stats"]["mean"] - 2,
                "seen": network["batch_stats"]["seen"] + 1,
            },
        }
        return state.replace(step=state.step + 1, variables={**state.variables, "a": moved}), {}

    return GenerativeModel(init, train_step, period)


@pytest.mark.parametrize("period", [1, 3])
@pytest.mark.parametrize("known", [False, True])
def test_the_average_follows_its_recursion(period, known):
    model = averaged(drifting(period), taken={"": exponential(0.5)}, networks=("a",))
    state = jax.jit(model.init)(jax.random.key(0), {})
    w, mean, average_w, average_mean = 1.0, 0.0, 1.0, 0.0
    step_at = jax.jit(model.train_step, static_argnames="phase")
    for step in range(12):
        state, _ = step_at(jax.random.key(0), state, {}, phase=step % period if known else None)
        w, mean = w + 1, mean - 2
        if step % period == period - 1:
            d = min(0.5, (1 + step) / (10 + step)) ** period
            average_w, average_mean = d * average_w + (1 - d) * w, d * average_mean + (1 - d) * mean
    average = state.average["a"]
    chex.assert_trees_all_close(average["params"]["w"], np.full(3, average_w, np.float32), rtol=1e-6)
    chex.assert_trees_all_close(average["batch_stats"]["mean"], np.full(2, average_mean, np.float32), rtol=1e-6)
    assert average["batch_stats"]["seen"] == 12
    assert state.step == 12
    assert set(state.average) == {"a"}


def test_evaluation_takes_the_average_where_there_is_one():
    model = averaged(drifting(), taken={"": exponential(0.9)}, networks=("a",))
    state, _ = model.train_step(jax.random.key(0), jax.jit(model.init)(jax.random.key(0), {}), {})
    chosen = evaluation_variables(state)
    chex.assert_trees_all_equal(chosen["a"], state.average["a"])
    chex.assert_trees_all_equal(chosen["b"], state.variables["b"])
    chex.assert_trees_all_equal(evaluation_variables(state, raw=True), state.variables)
    with pytest.raises(AssertionError):
        chex.assert_trees_all_equal(chosen["a"], state.variables["a"])


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_the_decay_must_be_a_share(decay):
    with pytest.raises(ValueError, match="decay"):
        averaged(drifting(), taken={"": exponential(decay)}, networks=("a",))


def test_an_unknown_network_is_named():
    with pytest.raises(ValueError, match=r"'c'.*'a', 'b'"):
        averaged(drifting(), taken={"": exponential(0.9)}, networks=("c",)).init(jax.random.key(0), {})


@pytest.mark.parametrize("known", [False, True])
def test_the_average_of_a_model_with_stages_follows_the_period_of_each(known):
    start, steps = 4, 13

    def backwards(key, state, batch, *, phase=None):
        after, _ = drifting().train_step(key, state, batch)
        w = state.variables["a"]["params"]["w"] - 5
        moved = {**after.variables["a"], "params": {"w": w}}
        return after.replace(variables={**after.variables, "a": moved}), {"back": phase}

    staged = drifting(2)._replace(stages=(Stage(start, backwards, 3), Stage(50, backwards)))
    model = averaged(staged, taken={"": exponential(0.6)}, networks=("a",))
    later = model.stages[0]
    assert [(stage.start, stage.period) for stage in model.stages] == [(start, 3), (50, 1)]
    state = jax.jit(model.init)(jax.random.key(0), {})
    step_at = [jax.jit(step, static_argnames="phase") for step in (model.train_step, later.train_step)]
    w = average = 1.0
    for step in range(steps):
        stage, period, move = (0, 2, 1) if step < start else (1, 3, -5)
        phase = step % period if known else None
        state, metrics = step_at[stage](jax.random.key(0), state, {}, phase=phase)
        assert metrics == ({"back": phase} if stage else {})
        w += move
        if step % period == period - 1:
            own = step - start * stage  # who begins to play later is not held back by what it was before
            d = min(0.6, (1 + own) / (10 + own)) ** period
            average = d * average + (1 - d) * w
    chex.assert_trees_all_close(state.variables["a"]["params"]["w"], np.full(3, w, np.float32))
    chex.assert_trees_all_close(state.average["a"]["params"]["w"], np.full(3, average, np.float32), rtol=1e-5)
    assert state.step == steps
