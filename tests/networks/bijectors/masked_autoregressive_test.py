"""Autoregressive layers: what depends on what, both ways, two ways of sampling, derivatives of what is looked for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks.bijectors.bijector import Inverse
from gengen.networks.bijectors.made import MADE
from gengen.networks.bijectors.masked_autoregressive import Autoregressive
from gengen.networks.bijectors.monotone import affine
from gengen.networks.bijectors.spline import rational_quadratic

ORDER = (2, 0, 3, 1)
PLACES = np.argsort(ORDER)
TRANSFORMS = {"affine": affine(), "spline": rational_quadratic(4)}
X = jnp.asarray(np.random.default_rng(1).normal(size=(3, 4)), jnp.float32)
CONTEXT = jnp.eye(3)


def drawn(shapes, scale=0.3):
    """Parameters far from those of the start."""
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: jnp.asarray(scale * rng.normal(size=leaf.shape), jnp.float32), shapes)


def autoregressive(transform, sampling="parallel"):
    made = MADE((8, 8), transform.numbers, ORDER, residual=True)
    return Autoregressive(made, transform, ORDER, sampling)


@pytest.mark.parametrize("residual", [True, False])
def test_what_a_masked_perceptron_says_depends_on_the_numbers_before_and_on_the_context(residual):
    made = MADE((9, 9, 9), 2, ORDER, residual, "tanh")
    params = drawn(jax.eval_shape(lambda: made.init(jax.random.key(0), X, CONTEXT)), 1.0)
    by_x, by_context = jax.jit(jax.jacrev(lambda x, c: made.apply(params, x, c).sum((0, 2)), (0, 1)))(X, CONTEXT)
    np.testing.assert_array_equal(np.abs(by_x).max(1) > 0, PLACES[:, None] > PLACES[None])
    assert (np.abs(by_context).max((1, 2)) > 0).all()


def test_of_one_number_a_masked_perceptron_sees_nothing():
    made = MADE((4,), 2)
    params = drawn(jax.eval_shape(lambda: made.init(jax.random.key(0), X[:, :1], None)))
    found = made.apply(params, X[:, :1], None)
    assert found.shape == (3, 1, 2) and (found == found[:1]).all()


@pytest.mark.parametrize("name", TRANSFORMS)
def test_both_ways_their_determinants_and_both_ways_of_sampling(name):
    layer, other = (autoregressive(TRANSFORMS[name], sampling) for sampling in ("parallel", "sequential"))
    params = drawn(jax.eval_shape(lambda: layer.init(jax.random.key(0), X, CONTEXT, method="encode")))

    @jax.jit
    def all_of(x):
        z, log_det = layer.apply(params, x, CONTEXT, method="encode")
        back, one_by_one = (way.apply(params, z, CONTEXT, method="decode") for way in (layer, other))
        ways = [
            jax.jacrev(lambda one, way=way: layer.apply(params, one[None], CONTEXT[:1], method=way)[0][0])(at[0])
            for way, at in (("encode", x), ("decode", z))
        ]
        return log_det, back, one_by_one, ways

    log_det, back, one_by_one, ways = all_of(X)
    np.testing.assert_allclose(back[0], X, atol=1e-5)
    np.testing.assert_allclose(back[1], -log_det, atol=1e-4)
    np.testing.assert_allclose(one_by_one[0], back[0], atol=1e-5)
    np.testing.assert_allclose(one_by_one[1], back[1], atol=1e-4)
    for way, said in zip(ways, (log_det[0], back[1][0]), strict=True):
        np.testing.assert_array_equal(np.abs(way) > 0, PLACES[:, None] >= PLACES[None])
        np.testing.assert_allclose(np.linalg.slogdet(way)[1], said, atol=1e-4)


def test_an_example_is_found_whatever_lies_beside_it():
    layer = autoregressive(TRANSFORMS["affine"])
    params = drawn(jax.eval_shape(lambda: layer.init(jax.random.key(0), X, method="encode")))
    found = jax.jit(lambda z: layer.apply(params, z, method="decode")[0])
    far = X.at[1:].multiply(30)
    np.testing.assert_array_equal(found(X)[0], found(far)[0])


def test_derivatives_of_what_is_looked_for_are_those_of_as_many_passes_as_numbers():
    layer = autoregressive(TRANSFORMS["affine"])
    iaf = Inverse(layer)
    params = drawn(jax.eval_shape(lambda: iaf.init(jax.random.key(0), X, method="encode")))

    def looked_for(params, z):
        x, log_det = iaf.apply(params, z, method="encode")
        return (x**2).sum() + log_det.sum()

    def passed(params, z):
        conditioner = {"params": params["params"]["of"]["conditioner"]}
        x, slope = z, z
        for _ in range(5):
            x, slope = layer.transform.inverse(layer.conditioner.apply(conditioner, x, None), z)
        return (x**2).sum() + slope.sum()

    for one, other in zip(*map(jax.tree.leaves, jax.jit(_grads(looked_for, passed))(params, X)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def _grads(*functions):
    return lambda *args: [jax.grad(function, (0, 1))(*args) for function in functions]
