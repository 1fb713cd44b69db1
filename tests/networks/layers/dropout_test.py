"""Dropout: the share that is dropped, the mean that stays, and masks that belong to examples."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks.layers.dropout import drop


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_numbers_are_zero_at_the_rate_and_else_larger_so_that_the_mean_stays(rate):
    ones = jnp.ones((4, 50, 50, 10))
    dropped = np.asarray(drop(ones, jax.random.split(jax.random.key(0), 4), rate))
    share = np.sqrt(rate * (1 - rate) / 25_000)  # standard deviation of the share of one example
    assert (abs((dropped == 0).mean((1, 2, 3)) - rate) < 5 * share).all()
    np.testing.assert_allclose(dropped[dropped > 0], 1 / (1 - rate), rtol=1e-6)
    assert abs(dropped.mean() - 1) < 5 * share / (1 - rate)


def test_a_mask_is_that_of_the_examples_key():
    keys = jax.random.split(jax.random.key(0), 3)
    x = 1 + jax.random.uniform(jax.random.key(1), (3, 20))
    dropped = drop(x, keys, 0.5)
    np.testing.assert_array_equal(drop(x[::-1], keys[::-1], 0.5), dropped[::-1])
    np.testing.assert_array_equal(drop(x[1:2], keys[1:2], 0.5), dropped[1:2])
    assert ((dropped[0] == 0) != (dropped[1] == 0)).any()


def test_a_rate_of_nothing_changes_nothing():
    x = jnp.arange(3.0)[:, None]
    np.testing.assert_array_equal(drop(x, jax.random.split(jax.random.key(0), 3), 0.0), x)


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_a_rate_out_of_range_is_refused(rate):
    with pytest.raises(ValueError, match=f"dropout={rate}"):
        drop(jnp.ones((1, 2)), jax.random.split(jax.random.key(0), 1), rate)
