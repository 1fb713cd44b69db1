"""Keys that do not know how many replicas there are, and dispatches that equal single steps."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.mean import Mean, mean_of
from gengen.core.parallel import AXIS, example_keys, local_keys, parallel, replica_mean, replica_sum, replicate


@pytest.mark.parametrize("replicas", [1, 2, 4])
def test_noise_depends_on_the_place_in_the_global_batch_alone(replicas):
    def draw(_):
        return jax.vmap(lambda key: jax.random.normal(key, (3,)))(local_keys(jax.random.key(7), 8 // replicas))

    drawn = jax.vmap(draw, axis_name=AXIS)(jnp.zeros(replicas)).reshape(8, 3)
    expected = jax.vmap(lambda key: jax.random.normal(key, (3,)))(example_keys(jax.random.key(7), 8))
    chex.assert_trees_all_equal(drawn, expected)
    assert len(np.unique(np.asarray(drawn))) == 24


def test_example_keys_go_on_from_a_first_place():
    whole, tail = example_keys(jax.random.key(1), 10), example_keys(jax.random.key(1), 4, first=6)
    chex.assert_trees_all_equal(jax.random.key_data(whole[6:]), jax.random.key_data(tail))


@pytest.mark.parametrize("devices", [1, 2, 4])
def test_a_dispatch_is_its_steps_one_after_another_on_every_device(devices):
    def step(key, state, batch, *, phase=None):
        del key
        assert phase is None
        state = state * 2.0 + replica_mean(batch["x"].sum())
        return state, {"state": mean_of(state)}

    dispatch = parallel(step, jax.devices()[:devices])
    batches = {"x": np.arange(3 * devices, dtype=np.float32).reshape(devices, 3, 1)}
    state = replicate(jnp.ones(()), jax.devices()[:devices])
    state, metrics = dispatch(jax.random.key(0), state, batches)
    expected, history = 1.0, []
    for index in range(3):
        expected = expected * 2 + batches["x"][:, index].mean()
        history.append(expected)
    assert float(state) == pytest.approx(expected)
    np.testing.assert_allclose(metrics["state"].total, history, rtol=1e-6)


@pytest.mark.parametrize(
    ("first", "steps", "phases"), [(0, 6, [0, 1, 2]), (3, 3, [0, 1, 2]), (0, 4, [None]), (1, 3, [None])]
)
def test_whole_periods_are_unrolled_with_their_phases_known(first, steps, phases):
    seen = []

    def step(key, state, batch, *, phase=None):
        del key
        seen.append(phase)
        state = state * 2.0 + batch["x"][0]
        return state, {"state": mean_of(state)}

    used = jax.devices()[:1]
    batches = {"x": np.arange(float(steps), dtype=np.float32).reshape(1, steps, 1)}
    state, metrics = parallel(step, used, period=3)(jax.random.key(0), replicate(jnp.ones(()), used), batches, first)
    expected, history = 1.0, []
    for x in range(steps):
        expected = expected * 2 + x
        history.append(expected)
    assert float(state) == expected
    np.testing.assert_array_equal(metrics["state"].total, history)
    assert seen[: len(phases)] == phases
    assert set(seen) == set(phases)


@pytest.mark.parametrize("replicas", [1, 2])
def test_means_and_sums_over_replicas(replicas):
    x = jnp.arange(3.0 * replicas).reshape(replicas, 3)
    mean, total = jax.vmap(lambda x: (replica_mean(x), replica_sum({"x": x})), axis_name=AXIS)(x)
    chex.assert_trees_all_close(mean[0], x.mean(0))
    chex.assert_trees_all_close(total["x"][0], x.sum(0))


def test_means_add():
    a, b = mean_of(jnp.asarray([1.0, 2.0, 3.0])), mean_of(jnp.asarray(10.0))
    assert float((a + b).value) == 4.0
    nothing = Mean(jnp.zeros(()), jnp.zeros(()))
    assert float((a + nothing).value) == 2.0
    assert np.isnan(nothing.value)
