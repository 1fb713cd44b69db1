"""Attention equals JAX's, sees what masks of examples leave, and drops each example's own weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks.layers.attention import Attention, attend


@pytest.fixture(scope="module")
def asked():
    keys = jax.random.split(jax.random.key(0), 3)
    query = jax.random.normal(keys[0], (3, 4, 2, 8))
    return query, *(jax.random.normal(key, (3, 6, 2, 8)) for key in keys[1:])


def test_masks_of_all_and_of_each_example_equal_jax(asked):
    query, key, value = asked
    for shape in ((4, 6), (1, 6), (3, 4, 6), (3, 1, 6)):
        visible = jnp.asarray(np.random.default_rng(0).random(shape) < 0.6).at[..., 0].set(True)
        full = jnp.broadcast_to(visible if len(shape) == 3 else visible[None], (3, 4, 6))
        expected = jax.nn.dot_product_attention(query, key, value, mask=full[:, None])
        np.testing.assert_allclose(attend(query, key, value, visible, dtype=jnp.float32), expected, atol=1e-5)


def test_the_last_of_the_places_that_ask_sees_all_that_were_before(asked):
    """`is_causal` of one query and four keys sees the first key alone, in JAX and PyTorch; ours asks for a mask."""
    query, key, value = (x[:, :4] for x in asked)
    all_at_once = attend(query, key, value, dtype=jnp.float32)
    last = attend(query[:, 3:], key, value, jnp.ones((1, 4), bool), dtype=jnp.float32)
    np.testing.assert_allclose(last, all_at_once[:, 3:], atol=1e-6)
    with pytest.raises(ValueError, match="of 4 places, 1 ask"):
        attend(query[:, 3:], key, value, dtype=jnp.float32)


def test_a_dropped_weight_is_one_of_an_example_and_a_head_alone(asked):
    query, key, _ = asked
    ones = jnp.ones_like(key)
    keys = jax.random.split(jax.random.key(1), 3)
    everything = jnp.ones((4, 6), bool)

    def told(query, keys):
        return np.asarray(attend(query, ones, ones, everything, dtype=jnp.float32, dropping=keys, rate=0.5))

    same = jnp.broadcast_to(query[:1, :, :1], query.shape)  # all heads of all examples ask the same
    kept = told(same, keys)[..., 0]
    assert len({tuple(row.round(3)) for row in np.moveaxis(kept, 2, 1).reshape(6, -1)}) == 6
    np.testing.assert_array_equal(told(same[::-1], keys[::-1]), told(same, keys)[::-1])


def test_a_context_is_more_places_of_which_only_those_present_count():
    layer = Attention(heads=2, zero=False)
    x, context = (jax.random.normal(jax.random.key(seed), (2, length, 8)) for seed, length in enumerate((5, 3)))
    present = jnp.asarray([[True, True, False], [False, False, False]])
    made, variables = layer.init_with_output(jax.random.key(2), x, context, present)
    hidden = layer.apply(variables, x, context.at[0, 2].set(9.0).at[1].set(9.0), present)
    np.testing.assert_allclose(made, hidden, atol=1e-5)
    shown = layer.apply(variables, x, context.at[0, 0].set(9.0), present)
    assert np.abs(np.asarray(shown - made)[0]).max() > 1e-3
    np.testing.assert_allclose(layer.apply(variables, x)[1], made[1], atol=1e-5)  # nothing present: as without
    start = Attention(heads=2).init_with_output(jax.random.key(2), x)[0]
    assert not np.any(start)
