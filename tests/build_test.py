"""Config sections become the optimizers that they name."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from ml_collections import ConfigDict

from gengen.build import build_optimizer
from gengen.core.refusal import Refusal

PARAMS = {"w": jnp.asarray([1.0, -2.0, 3.0])}


@pytest.fixture(autouse=True)
def promotion():
    """Optax's Adam raises a float to an integer power, which strict promotion refuses."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def moves(section, gradients, steps=100):
    """Plays gradients through an optimizer; returns the parameters after each."""
    optimizer = optax.with_extra_args_support(build_optimizer(ConfigDict(section), steps))
    state, params, seen = optimizer.init(PARAMS), PARAMS, []
    for step, gradient in enumerate(gradients):
        updates, state = optimizer.update({"w": gradient}, state, params, step=jnp.asarray(step, jnp.int32))
        params = optax.apply_updates(params, updates)
        seen.append(np.asarray(params["w"]))
    return seen


GRADIENTS = [jnp.asarray(g) for g in ([1.0, 2.0, -1.0], [0.5, -1.0, 4.0], [2.0, 0.0, 1.0])]


def test_adam_is_optax_adam():
    reference, expected, params = optax.adam(0.1, b1=0.5), [], PARAMS
    state = reference.init(params)
    for gradient in GRADIENTS:
        updates, state = reference.update({"w": gradient}, state, params)
        params = optax.apply_updates(params, updates)
        expected.append(np.asarray(params["w"]))
    chex.assert_trees_all_close(moves({"name": "adam", "rate": 0.1, "b1": 0.5}, GRADIENTS), expected, rtol=1e-6)


def test_rmsprop_divides_by_the_root_of_the_running_square_plus_epsilon():
    w, square, expected = np.asarray(PARAMS["w"]), np.zeros(3), []
    for gradient in map(np.asarray, GRADIENTS):
        square = 0.99 * square + 0.01 * gradient**2
        w = w - 0.1 * gradient / (np.sqrt(square) + 1e-8)
        expected.append(w.astype(np.float32))
    chex.assert_trees_all_close(moves({"name": "rmsprop", "rate": 0.1}, GRADIENTS), expected, rtol=1e-5, atol=1e-6)


def test_sgd_with_and_without_momentum():
    plain = moves({"name": "sgd", "rate": 0.1}, GRADIENTS)[-1]
    chex.assert_trees_all_close(plain, np.asarray(PARAMS["w"] - 0.1 * sum(GRADIENTS)), rtol=1e-6)
    first, second, _ = GRADIENTS
    heavy = moves({"name": "sgd", "rate": 0.1, "momentum": 0.9}, GRADIENTS[:2])[-1]
    chex.assert_trees_all_close(heavy, np.asarray(PARAMS["w"] - 0.1 * (first + second + 0.9 * first)), rtol=1e-6)


@pytest.mark.parametrize(("schedule", "factors"), [("linear", [1, 0.75, 0.5]), ("cosine", [1, 0.8535534, 0.5])])
def test_schedules_bring_the_rate_down_over_the_run(schedule, factors):
    ones = [jnp.ones(3)] * 3
    seen = moves({"name": "sgd", "rate": 0.1, "schedule": schedule}, ones, steps=4)
    chex.assert_trees_all_close(np.asarray(PARAMS["w"]) - seen[-1], np.full(3, 0.1 * sum(factors)), rtol=1e-4)


def test_gradients_are_clipped_together_by_their_norm():
    (moved,) = moves({"name": "sgd", "rate": 1.0, "clip_norm": 0.5}, [jnp.asarray([3.0, 4.0, 0.0])])
    chex.assert_trees_all_close(np.asarray(PARAMS["w"]) - moved, np.asarray([0.3, 0.4, 0.0], np.float32), rtol=1e-5)


def test_accumulated_gradients_move_once_by_their_mean():
    seen = moves({"name": "sgd", "rate": 1.0, "accumulate": 3}, GRADIENTS)
    chex.assert_trees_all_close(seen[0], np.asarray(PARAMS["w"]))
    chex.assert_trees_all_close(seen[1], np.asarray(PARAMS["w"]))
    chex.assert_trees_all_close(seen[2], np.asarray(PARAMS["w"] - sum(GRADIENTS) / 3), rtol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [{"name": "lion"}, {"rate": -1.0}, {"schedule": "up"}, {"clip_norm": -1.0}, {"accumulate": 0}, {"b1": 0.5}],
)
def test_what_is_wrong_is_named(wrong):
    (key,) = wrong
    with pytest.raises(Refusal, match=rf"config\.optimizers\.{key}"):
        build_optimizer(ConfigDict({"name": "sgd", "rate": 0.1, **wrong}), 10)
