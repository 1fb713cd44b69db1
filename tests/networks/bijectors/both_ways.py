"""The proof of a bijector: both ways with random parameters, and determinants beside those of Jacobians."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
"""Compiles fast what runs once."""


def random_parameters(bijector, x, context=None, deviation=0.2):
    """Parameters of which none is 0."""
    shapes = jax.eval_shape(lambda key: bijector.init(key, x, context, method="encode"), jax.random.key(0))
    rng = np.random.default_rng(1)
    return {
        "params": jax.tree.map(lambda leaf: rng.normal(0, deviation, leaf.shape).astype(np.float32), _params(shapes))
    }


def _params(shapes):
    return shapes.get("params", {})


def check_both_ways(bijector, x, context=None, exact=1e-5):
    """Checks that `decode` is the inverse of `encode`, and each log-determinant that of the Jacobian by autodiff."""
    variables = random_parameters(bijector, x, context)
    size = x[0].size

    def run(method, at):
        """Of the first example, as often as it has numbers, with another number moved in each."""

        def apply(at, context):
            return bijector.apply(variables, at, context, method=method)

        alike, others = (one if one is None else jnp.repeat(one[:1], size, 0) for one in (at, context))
        ways = jnp.eye(size).reshape(alike.shape)
        _, columns = jax.jvp(lambda at: apply(at, others)[0], (alike,), (ways,))
        return *apply(at, context), jnp.linalg.slogdet(columns.reshape(size, size))[1]

    @QUICK
    def all_of(x):
        z, *of_encode = run("encode", x)
        return z, of_encode, *run("decode", z)

    z, (log_det, measured), back, log_det_back, measured_back = all_of(x)
    np.testing.assert_allclose(back, x, atol=exact)
    assert log_det.shape == log_det_back.shape == (len(x),)
    np.testing.assert_allclose(log_det[0], measured, atol=1e-4)
    np.testing.assert_allclose(log_det_back[0], measured_back, atol=1e-4)
    np.testing.assert_allclose(log_det, -log_det_back, atol=1e-4)
    return z
