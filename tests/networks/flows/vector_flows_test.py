"""Flows of vectors: both ways and determinants, a density that integrates to 1, what begins where, contexts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks.flows.maf import MAF
from gengen.networks.flows.spline_flow import SplineFlow

FLOWS = {
    "maf": MAF((2,), width=8, layers=2),
    "iaf": MAF((2,), width=8, layers=2, inverse=True),
    "maf of mixtures": MAF((2,), width=8, layers=1, components=12),
    "maf one by one": MAF((2,), width=8, layers=2, residual=True, sampling="sequential"),
    "coupling": SplineFlow((2,), width=8, layers=2, bins=4),
    "autoregressive": SplineFlow((2,), kind="autoregressive", width=8, layers=2, bins=4, mix="linear"),
}
X = jnp.asarray(np.random.default_rng(0).normal(size=(16, 2)), jnp.float32)
SIDE, REACH = 200, 9.0


def _drawn(network, context=None):
    """Parameters at random, far from those of the start."""
    first = X.reshape(-1, *network.shape)
    shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), first, context, method="encode"))["params"]
    rng = np.random.default_rng(1)
    return {"params": jax.tree.map(lambda leaf: jnp.asarray(0.3 * rng.normal(size=leaf.shape), jnp.float32), shapes)}


@pytest.mark.parametrize("name", FLOWS)
def test_both_ways_their_determinants_and_the_whole_of_the_density(name):
    network = FLOWS[name]
    line = (np.arange(SIDE) + 0.5) / SIDE * 2 * REACH - REACH
    grid = jnp.asarray(np.stack(np.meshgrid(line, line), -1).reshape(-1, 2), jnp.float32)

    params = _drawn(network)
    z, log_det = jax.jit(lambda x: network.apply(params, x, method="encode"))(jnp.concatenate([X, grid]))
    back = jax.jit(lambda z: network.apply(params, z, method="decode"))(z[: len(X)])
    np.testing.assert_allclose(back[0], X, atol=1e-5)
    np.testing.assert_allclose(back[1], -log_det[: len(X)], atol=1e-4)
    log_density = np.asarray(log_det - 0.5 * (z**2).sum(-1), np.float64)[len(X) :]
    assert abs(np.exp(log_density).mean() * (2 * REACH) ** 2 / (2 * np.pi) - 1) < 0.005


def test_maps_are_vectors_and_classes_are_told():
    x, told = X.reshape(4, 2, 2, 2), jnp.eye(4)
    network = SplineFlow((2, 2, 2), classes=4, kind="autoregressive", width=8, layers=1, bins=4)

    params = _drawn(network, told)
    encode = jax.jit(lambda told: network.apply(params, x, told, method="encode")[0])
    z, otherwise = encode(told), encode(told[::-1])
    back = jax.jit(lambda z: network.apply(params, z, told, method="decode")[0])(z)
    assert z.shape == (4, 8) and back.shape == x.shape
    np.testing.assert_allclose(back, x, atol=1e-5)
    assert (z != otherwise).all()
