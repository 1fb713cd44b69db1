"""Perceptrons: maxout, waves in the place of coordinates, and latents of a mixture."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks import mlp
from gengen.networks.layers.fourier import FourierFeatures


def test_a_unit_of_maxout_is_the_largest_of_its_linear_maps():
    """Two maps W x and -W x of each unit, without biases, make it |W x|."""
    x = jax.random.normal(jax.random.key(0), (5, 2))
    critic = mlp.Critic(widths=(3,), pieces=2)
    params = critic.init(jax.random.key(0), x, train=False)["params"]
    maps = jax.random.normal(jax.random.key(1), (2, 3))
    kernel = jnp.stack([maps, -maps], -1).reshape(2, 6)
    params["Dense_0"] = {"kernel": kernel, "bias": jnp.zeros(6)}
    seen = critic.apply({"params": params}, x, train=False).features
    np.testing.assert_allclose(seen, jnp.abs(x @ maps), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="pieces=0 must be at least 1"):
        mlp.Critic(pieces=0).init(jax.random.key(0), x, train=False)


def test_waves_are_the_sines_and_cosines_of_the_products_with_their_frequencies():
    x = jax.random.normal(jax.random.key(0), (5, 2))
    layer = FourierFeatures(waves=64, frequency=1.5)
    variables = layer.init(jax.random.key(1), x)
    frequencies = np.asarray(variables["params"]["Dense_0"]["kernel"])
    assert frequencies.std() == pytest.approx(1.5, rel=0.2)
    seen = np.asarray(layer.apply(variables, x))
    phase = 2 * np.pi * np.asarray(x) @ frequencies
    np.testing.assert_allclose(seen, np.concatenate([x, np.sin(phase), np.cos(phase)], 1), atol=1e-4)
    np.testing.assert_allclose((seen[:, 2:66] ** 2 + seen[:, 66:] ** 2), 1, atol=1e-5)


@pytest.mark.parametrize("values", [{"waves": 0, "frequency": 1.0}, {"waves": 2, "frequency": 0.0}])
def test_no_waves_and_waves_of_no_frequency_are_refused(values):
    with pytest.raises(ValueError, match="must be"):
        FourierFeatures(**values).init(jax.random.key(0), jnp.zeros((1, 2)))


def test_a_critic_sees_points_and_waves_side_by_side_and_none_by_default():
    def first(**values):
        critic = mlp.Critic(widths=(3,), **values)
        return critic.init(jax.random.key(0), jnp.zeros((1, 2)), train=False)["params"]["Dense_0"]["kernel"].shape

    assert first() == (2, 3)
    assert first(waves=7) == (2 + 2 * 7, 3)


def test_components_are_equally_likely_and_follow_the_order_of_the_latent():
    latent = jnp.sort(jax.random.normal(jax.random.key(0), (20_000,)))
    found = np.asarray(mlp.component(latent, 8))
    assert (np.diff(found) >= 0).all()
    np.testing.assert_allclose(np.bincount(found, minlength=8), 2_500, rtol=0.1)
    ends = mlp.component(jnp.asarray([-jnp.inf, -1e-4, 1e-4, jnp.inf]), 8)
    np.testing.assert_array_equal(ends, [0, 3, 4, 7])


def test_a_generator_adds_what_it_learnt_of_a_latents_component_to_its_first_layer():
    """Without biases and kernels of the first layer, what is left of a latent is its component."""
    generator = mlp.Generator((2,), widths=(4,), norm="none", components=3, bounded=False)
    latent = jnp.asarray([[-2.0, 5.0], [-1.0, 1.0], [0.0, 0.0], [2.0, 0.0]])
    params = generator.init(jax.random.key(0), latent, train=False)["params"]
    assert params["components"]["embedding"].shape == (3, 4)
    params["Dense_0"] = jax.tree.map(jnp.zeros_like, params["Dense_0"])
    made = np.asarray(generator.apply({"params": params}, latent, train=False))
    np.testing.assert_array_equal(made[0], made[1])
    assert abs(made[2] - made[0]).max() > 0.01
    assert abs(made[3] - made[2]).max() > 0.01
    with pytest.raises(ValueError, match="components=0 must be at least 1"):
        generator.clone(components=0).init(jax.random.key(0), latent, train=False)
    assert "components" not in generator.clone(components=1).init(jax.random.key(0), latent, train=False)["params"]
