"""Every way to double an image does what its name says."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from gengen.networks.layers import upsample
from gengen.networks.layers.upsample import METHODS, Upsample


@pytest.fixture
def images():
    return jax.random.normal(jax.random.key(0), (2, 3, 5, 4))


@pytest.mark.parametrize("name", ["nearest", "bilinear"])
def test_interpolation_equals_resize(name, images):
    resize = jax.jit(functools.partial(jax.image.resize, shape=(2, 6, 10, 4), method=name))
    double = jax.jit(upsample.INTERPOLATIONS[name])
    chex.assert_trees_all_close(double(images), resize(images), atol=1e-6)
    weight = jax.random.normal(jax.random.key(1), (2, 6, 10, 4))
    ours, theirs = (jax.grad(lambda x, f=f: jnp.vdot(f(x), weight))(images) for f in (double, resize))
    chex.assert_trees_all_close(ours, theirs, atol=1e-5)


def test_bed_of_nails(images):
    y = np.asarray(upsample.bed_of_nails(images))
    np.testing.assert_array_equal(y[:, ::2, ::2], images)
    assert not y[:, 1::2].any() and not y[:, :, 1::2].any()


def test_depth_to_space(images):
    y = np.asarray(upsample.depth_to_space(images))
    assert y.shape == (2, 6, 10, 1)
    for channel, (row, column) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        np.testing.assert_array_equal(y[:, row::2, column::2, 0], images[..., channel])


@pytest.mark.parametrize("method", METHODS)
def test_every_method_doubles(method, images):
    full = Upsample(6, method, use_bias=False)
    half = full.clone(dtype=jnp.bfloat16)
    variables = jax.eval_shape(half.init, jax.random.key(0), images)
    kernel = (4, 4, 4, 6) if method == "transposed" else (3, 3, 4, 24 if method == "subpixel" else 6)
    chex.assert_trees_all_equal_shapes_and_dtypes(jax.tree.leaves(variables), [jnp.zeros(kernel)])
    variables = jax.tree.map(lambda leaf: np.random.default_rng(0).normal(0, 0.2, leaf.shape).astype("f"), variables)
    exact, close = jax.jit(lambda *args: [layer.apply(*args) for layer in (full, half)])(variables, images)
    chex.assert_shape([exact, close], (2, 6, 10, 6))
    assert (exact.dtype, close.dtype) == (jnp.float32, jnp.bfloat16)
    chex.assert_trees_all_close(close.astype(jnp.float32), exact, atol=0.05, rtol=0.02)


@pytest.mark.parametrize("method", METHODS)
def test_fields_reach_the_convolution(method, images):
    layer = Upsample(3, method, kernel_init=nn.initializers.zeros_init())
    variables = jax.eval_shape(layer.init, jax.random.key(0), images)["params"]
    (convolution,) = variables.values()
    assert set(convolution) == {"kernel", "bias"}
    assert not jax.jit(layer.init)(jax.random.key(0), images[:, :1, :1])["params"].popitem()[1]["kernel"].any()


def test_subpixel_is_a_convolution_of_each_phase(images):
    layer = Upsample(2, "subpixel")
    y, variables = jax.jit(layer.init_with_output)(jax.random.key(0), images)
    wide = nn.Conv(8, (3, 3)).apply({"params": variables["params"]["Conv_0"]}, images)
    chex.assert_trees_all_close(y[:, 1::2, ::2], wide[..., 4:6], atol=1e-5)


def test_unknown_name_is_refused(images):
    with pytest.raises(ValueError, match=r'nearest, bilinear, bed_of_nails, transposed, subpixel, not "cubic"'):
        Upsample(2, "cubic").init(jax.random.key(0), images)
