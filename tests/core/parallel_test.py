"""Keys that do not know how many replicas there are, and dispatches that equal single steps."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from gengen.core.mean import Mean, mean_of
from gengen.core.parallel import AXIS, example_keys, local_keys, parallel, replicate


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
    def step(key, state, batch):
        del key
        state = state * 2.0 + lax.pmean(batch["x"].sum(), AXIS)
        return state, {"state": mean_of(state)}

    dispatch = parallel(step, jax.devices()[:devices])
    batches = {"x": np.arange(3 * devices, dtype=np.float32).reshape(devices, 3, 1)}
    state = replicate(jnp.ones(()), jax.devices()[:devices])
    state, metrics = dispatch(jax.random.key(0), state, batches)
    expected, history = 1.0, []
    for place in range(3):
        expected = expected * 2 + batches["x"][:, place].mean()
        history.append(expected)
    assert float(state) == pytest.approx(expected)
    np.testing.assert_allclose(metrics["state"].total, history, rtol=1e-6)


def test_means_add():
    a, b = mean_of(jnp.asarray([1.0, 2.0, 3.0])), mean_of(jnp.asarray(10.0))
    assert float((a + b).value) == 4.0
    nothing = Mean(jnp.zeros(()), jnp.zeros(()))
    assert float((a + nothing).value) == 2.0
    assert np.isnan(nothing.value)
