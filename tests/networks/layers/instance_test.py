"""Instance normalisation: the closed form, what it does not see, and maps that it refuses."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks import dcgan, mlp
from gengen.networks.layers.norm import NORMS, NORMS_OF_MAPS, InstanceNorm, check_norm

QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
"""Compiles fast what runs once."""


@pytest.fixture(scope="module")
def maps():
    numbers = np.random.default_rng(1).normal(size=(3, 5, 6, 4))
    return (100 + numbers * np.arange(1, 5)).astype(np.float32)


def normalised(x, **fields):
    layer = InstanceNorm(**fields)
    return layer.apply(layer.init(jax.random.key(0), x), x)


def test_the_result_is_the_closed_form(maps):
    x = maps.astype(np.float64)
    expected = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
    np.testing.assert_allclose(normalised(maps), expected, atol=1e-4)


def test_scale_and_bias_of_each_channel_follow_if_asked_for(maps):
    assert not InstanceNorm().init(jax.random.key(0), maps)
    scale, bias = np.arange(4.0, dtype=np.float32), np.array([0.0, 1.0, -1.0, 2.0], np.float32)
    found = InstanceNorm(affine=True).apply({"params": {"scale": scale, "bias": bias}}, maps)
    np.testing.assert_allclose(found, np.asarray(normalised(maps)) * scale + bias, atol=1e-5)
    np.testing.assert_array_equal(normalised(maps, affine=True), normalised(maps))


def test_brightness_and_contrast_of_an_image_and_all_other_images_do_not_matter(maps):
    changed = np.concatenate([5 * maps[:1] - 7, -maps[1:]])
    np.testing.assert_allclose(normalised(changed)[0], normalised(maps)[0], atol=1e-4)


def test_statistics_stay_float32_in_bfloat16(maps):
    short = jnp.asarray(maps, jnp.bfloat16)
    found = normalised(short)
    assert found.dtype == jnp.bfloat16
    assert normalised(maps, dtype=jnp.bfloat16).dtype == jnp.bfloat16
    np.testing.assert_allclose(found.astype(jnp.float32), normalised(short.astype(jnp.float32)), atol=0.02)


@pytest.mark.parametrize("shape", [(2, 1, 1, 3), (2, 3)])
def test_maps_of_one_place_and_vectors_are_refused(shape):
    with pytest.raises(ValueError, match="two places or more"):
        normalised(jnp.ones(shape))


def test_networks_of_vectors_do_not_know_it():
    check_norm("instance", NORMS_OF_MAPS)
    assert "instance" not in NORMS
    for critic in (mlp.Critic(norm="instance"), dcgan.Critic(norm="instance")):
        with pytest.raises(ValueError, match='none, batch, layer, spectral, not "instance"'):
            jax.eval_shape(lambda c=critic: c.init(jax.random.key(0), jnp.zeros((1, 8, 8, 1)), train=False))
