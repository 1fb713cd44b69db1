"""Group normalisation equals flax's, and what is said of channels follows it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from gengen.networks.layers.group_norm import Film, GroupNorm, group_count


@pytest.mark.parametrize("shape", [(3, 5, 4, 6), (2, 7, 6), (4, 6)])
def test_results_and_gradients_equal_flax(shape):
    x = 3 + 2 * jax.random.normal(jax.random.key(1), shape)
    ours, theirs = GroupNorm(3), nn.GroupNorm(3)
    draw = np.random.default_rng(0).normal
    film = Film(*jnp.float32(draw(size=(2, shape[0], 6))))
    variables = jax.tree.map(lambda leaf: jnp.float32(draw(size=leaf.shape)), ours.init(jax.random.key(0), x))
    weight = jnp.float32(draw(size=shape))

    def expected(variables, x, film):
        scale, shift = (value.reshape(len(x), *(1,) * (x.ndim - 2), -1) for value in film)
        return theirs.apply(variables, x) * (1 + scale) + shift

    def both(run):
        return jax.value_and_grad(lambda *args: (run(*args) * weight).sum(), (0, 1, 2))(variables, x, film)

    found, told = jax.jit(lambda: (both(ours.apply), both(expected)))()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4), found, told)
    np.testing.assert_allclose(ours.apply(variables, x), theirs.apply(variables, x), rtol=1e-4, atol=1e-5)


def test_examples_are_normalised_alone_and_channels_by_groups():
    x = jax.random.normal(jax.random.key(0), (2, 8, 8, 4)) * jnp.asarray([1.0, 5.0]).reshape(2, 1, 1, 1)
    y, _ = GroupNorm(2).init_with_output(jax.random.key(0), x)
    grouped = np.asarray(y).reshape(2, 64, 2, 2)
    np.testing.assert_allclose(grouped.mean((1, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(grouped.std((1, 3)), 1, atol=1e-3)


def test_groups_divide_the_channels_or_are_refused():
    assert [group_count(channels, 8) for channels in (1, 6, 8, 12, 96)] == [1, 6, 8, 6, 8]
    with pytest.raises(ValueError, match="6 channels do not fall into groups=4"):
        GroupNorm(4).init(jax.random.key(0), jnp.ones((1, 2, 2, 6)))
