"""Batch normalisation equals flax's, and the replicas' equals one replica's with the whole batch."""

import functools

import chex
import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn
from flax.core import copy

from gengen.core.parallel import AXIS
from gengen.networks.layers.norm import BatchNorm

SHAPES = [(8, 5), (8, 4, 3, 5)]
EQUAL = functools.partial(chex.assert_trees_all_close, rtol=2e-5, atol=2e-5)


def _bound(function):
    """Compiles a function to run as one replica."""

    @jax.jit
    def run(*args):
        outputs = jax.vmap(function, in_axes=None, axis_size=1, axis_name=AXIS)(*args)
        return jax.tree.map(lambda leaf: leaf[0], outputs)

    return run


def _setup(shape, **fields):
    x = 3 + 2 * jax.random.normal(jax.random.key(1), shape)
    layer = BatchNorm(momentum=0.9, scale_init=nn.initializers.normal(), bias_init=nn.initializers.normal(), **fields)
    variables = layer.init(jax.random.key(0), x, True)
    theirs = nn.BatchNorm(momentum=0.9, scale_init=layer.scale_init, bias_init=layer.bias_init, **fields)
    return layer, theirs, variables, x, jax.random.normal(jax.random.key(2), shape)


def _train(apply, weight, variables, x):
    """Output, new statistics, and gradients of a weighted sum with respect to parameters and input."""

    def loss(params, x):
        y, new = apply(copy(variables, {"params": params}), x)
        return jnp.vdot(y.astype(jnp.float32), weight), (y, new)

    (_, aux), gradients = jax.value_and_grad(loss, (0, 1), has_aux=True)(variables["params"], x)
    return *aux, *gradients


@pytest.mark.parametrize("shape", SHAPES)
def test_training_equals_flax(shape):
    layer, theirs, variables, x, weight = _setup(shape)
    chex.assert_trees_all_equal(variables, theirs.init(jax.random.key(0), x, use_running_average=False))
    ours = _bound(
        lambda variables, x: _train(lambda v, x: layer.apply(v, x, True, mutable=["batch_stats"]), weight, variables, x)
    )(variables, x)
    expected = jax.jit(
        lambda variables, x: _train(
            lambda v, x: theirs.apply(v, x, use_running_average=False, mutable=["batch_stats"]), weight, variables, x
        )
    )(variables, x)
    EQUAL(ours, expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_evaluation_equals_flax_and_needs_no_axis(shape):
    layer, theirs, variables, x, _ = _setup(shape)
    variables = {**variables, "batch_stats": {"mean": jnp.arange(5.0), "var": 1 + jnp.arange(5.0)}}
    EQUAL(layer.apply(variables, x, False), theirs.apply(variables, x, use_running_average=True))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("replicas", ["vmap", "pmap"])
def test_four_replicas_equal_one(shape, replicas):
    layer, _, variables, x, weight = _setup(shape)

    def step(variables, x, weight):
        y, new, params, inner = _train(
            lambda v, x: layer.apply(v, x, True, mutable=["batch_stats"]), weight, variables, x
        )
        return y, new, jax.lax.psum(params, AXIS), inner

    whole = _bound(step)(variables, x, weight)
    over = functools.partial(jax.vmap if replicas == "vmap" else jax.pmap, in_axes=(None, 0, 0), axis_name=AXIS)
    cut = lambda a: a.reshape(4, -1, *a.shape[1:])  # noqa: E731
    y, new, params, inner = jax.jit(over(step))(variables, cut(x), cut(weight))
    EQUAL((y.reshape(shape), inner.reshape(shape)), (whole[0], whole[3]))
    for replica in range(4):
        EQUAL(jax.tree.map(lambda leaf, replica=replica: leaf[replica], (new, params)), whole[1:3])


def test_second_order_gradient_equals_flax():
    layer, theirs, variables, x, weight = _setup((8, 5))

    def penalty(apply, variables, x):
        return jnp.sum(jnp.square(jax.grad(lambda x: jnp.vdot(apply(variables, x)[0], weight))(x)))

    ours = _bound(
        jax.grad(functools.partial(penalty, lambda v, x: layer.apply(v, x, True, mutable=["batch_stats"])), 1)
    )
    expected = jax.grad(
        functools.partial(penalty, lambda v, x: theirs.apply(v, x, use_running_average=False, mutable=["batch_stats"])),
        1,
    )
    EQUAL(ours(variables, x), expected(variables, x))


def test_statistics_stay_float32_in_bfloat16():
    layer, theirs, variables, x, _ = _setup((64, 4, 3, 5), dtype=jnp.bfloat16)
    x = (x + 30).astype(jnp.bfloat16)  # in bfloat16, the mean of squares would lose the variance
    y, new = _bound(lambda v, x: layer.apply(v, x, True, mutable=["batch_stats"]))(variables, x)
    with jax.numpy_dtype_promotion("standard"):  # flax mixes dtypes here
        expected, stats = theirs.apply(variables, x, use_running_average=False, mutable=["batch_stats"])
    assert y.dtype == jnp.bfloat16
    chex.assert_trees_all_equal_dtypes(new, stats)
    EQUAL(new, stats)
    EQUAL(y.astype(jnp.float32), expected.astype(jnp.float32), atol=0.02)


def test_equal_forward_passes_are_merged():
    layer, _, variables, x, _ = _setup((8, 4, 3, 5))
    matrix = jax.random.normal(jax.random.key(4), (5, 5))

    def arithmetic(passes):
        def step(matrix, x):
            def forward():
                inner = (x.reshape(-1, 5) @ matrix).reshape(x.shape)
                return layer.apply(variables, inner, True, mutable=["batch_stats"])[0].reshape(-1, 5) @ matrix

            outputs = [forward() for _ in range(passes)]
            return matrix + jnp.tanh(sum(map(jnp.sum, outputs))), None

        def scan(x):
            return jax.lax.scan(step, matrix, x)[0]

        compiled = jax.pmap(scan, axis_name=AXIS, devices=jax.devices()[:1]).lower(jnp.stack([x] * 3)[None]).compile()
        return compiled.cost_analysis()["flops"]

    assert 0 < arithmetic(2) < 1.01 * arithmetic(1)  # unmerged, it would be double
