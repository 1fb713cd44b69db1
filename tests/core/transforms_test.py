"""Parameter clipping and learning rates."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gengen.core.transforms import clip_parameters, scale_by_rate


@pytest.mark.parametrize("limit", [0.01, 0.3])
def test_clipped_parameters_are_the_clipped_sum(limit):
    params = jax.random.normal(jax.random.key(0), (1000,))
    updates = jax.random.normal(jax.random.key(1), (1000,))
    clip = clip_parameters(limit)
    clipped, _ = clip.update(updates, clip.init(params), params)
    after = optax.apply_updates(params, clipped)
    chex.assert_trees_all_close(after, np.clip(params + updates, -limit, limit), atol=1e-6)
    assert np.abs(after).max() <= limit * (1 + 1e-5)


def test_clipping_leaves_small_steps_of_small_parameters_alone():
    params = jnp.asarray([0.001, -0.004])
    clip = clip_parameters(0.01)
    updates, _ = clip.update(jnp.asarray([0.001, 0.001]), clip.init(params), params)
    chex.assert_trees_all_close(optax.apply_updates(params, updates), jnp.asarray([0.002, -0.003]), rtol=1e-6)


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan")])
def test_a_limit_must_be_positive(limit):
    with pytest.raises(ValueError, match="clip"):
        clip_parameters(limit)


def test_the_rate_points_downhill_and_may_depend_on_the_step():
    gradients = {"w": jnp.asarray([2.0, -4.0])}
    fixed = scale_by_rate(0.5)
    chex.assert_trees_all_close(fixed.update(gradients, (), step=jnp.asarray(3))[0]["w"], jnp.asarray([-1.0, 2.0]))
    falling = scale_by_rate(lambda step: 1.0 / (1.0 + step))
    chex.assert_trees_all_close(falling.update(gradients, (), step=jnp.asarray(3))[0]["w"], jnp.asarray([-0.5, 1.0]))
