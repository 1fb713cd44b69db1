"""Linear maps of the last axis: the way back, the determinant at every place, the start."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks.bijectors.linear import Linear


@pytest.mark.parametrize("shape", [(6,), (2, 3, 4)])
def test_both_ways_and_determinants(shape):
    layer, x = Linear(seed=1), jax.random.normal(jax.random.key(0), (5, *shape))

    @jax.jit
    def all_of(key, x):
        params = layer.init(key, x, method="encode")
        leaves, tree = jax.tree.flatten(params)
        keys = jax.random.split(key, len(leaves))
        moved = [leaf + 0.2 * jax.random.normal(k, leaf.shape) for leaf, k in zip(leaves, keys, strict=True)]
        params = jax.tree.unflatten(tree, moved)
        z, log_det = layer.apply(params, x, method="encode")
        back = layer.apply(params, z, method="decode")
        ways = [
            jax.jacfwd(lambda one, way=way: layer.apply(params, one[None], method=way)[0].reshape(-1))(at[0])
            for way, at in (("encode", x), ("decode", z))
        ]
        return (log_det, *back), [jnp.linalg.slogdet(way.reshape(x[0].size, -1))[1] for way in ways]

    (log_det, back, log_det_back), measured = all_of(jax.random.key(1), x)
    np.testing.assert_allclose(back, x, atol=1e-5)
    np.testing.assert_allclose(measured[0], log_det[0], atol=1e-4)
    np.testing.assert_allclose(measured[1], log_det_back[0], atol=1e-4)


def test_it_begins_as_a_rotation_of_its_seed():
    eye = jnp.eye(7)
    first, again, other = (
        Linear(seed=seed).init_with_output(jax.random.key(0), eye, method="encode")[0] for seed in (3, 3, 4)
    )
    np.testing.assert_allclose(first[0] @ first[0].T, eye, atol=1e-5)
    np.testing.assert_allclose(first[1], 0, atol=1e-5)
    assert (first[0] == again[0]).all() and abs(first[0] - other[0]).max() > 0.1
