"""R3GAN's networks: shapes, first weights, and that each starts as the network without its blocks."""

import functools
import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks.critic import CriticOutput
from gengen.networks.forward import eval_mode, init_network, train_mode
from gengen.networks.r3gan import Block, Critic, Generator, widths

LATENT = 6


def drawn(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def made(network, *inputs):
    return QUICK(lambda key: init_network(network, key, *inputs))(jax.random.key(0))


def declared(network, *inputs):
    return jax.eval_shape(lambda key: init_network(network, key, *inputs), jax.random.key(0))["params"]


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (64, 32, 3)])
def test_images_are_made_and_judged_at_every_size_that_halves(shape):
    generator, critic = (Generator(shape, width=16, wide=3, blocks=1), Critic(width=16, wide=3, blocks=1))

    def play(key):
        latent, image = jnp.zeros((3, LATENT)), jnp.zeros((3, *shape))
        image = eval_mode(generator, init_network(generator, key, latent), latent)
        return image, eval_mode(critic, init_network(critic, key, image), image)

    image, judged = jax.eval_shape(play, jax.random.key(0))
    assert isinstance(judged, CriticOutput)
    chex.assert_shape((image, judged.logit, judged.features), ((3, *shape), (3,), (3, 16)))
    assert image.dtype == judged.logit.dtype == judged.features.dtype == jnp.float32


def test_the_papers_widths_are_768_up_to_32_pixels_and_half_as_many_for_each_doubling_beyond():
    assert widths(768, 4, 6) == [768, 768, 768, 768, 384, 192, 96]
    assert widths(8, 1, 2) == [8, 4, 2]
    with pytest.raises(ValueError, match="width=2 cannot be halved 2 times"):
        widths(2, 1, 2)
    groups = declared(Critic(), jnp.zeros((1, 32, 32, 3)))["Block_0"]["Conv_1"]["kernel"]
    assert groups.shape == (3, 3, 16, 1536)  # 96 groups


def test_maps_that_fall_into_no_whole_groups_are_refused():
    with pytest.raises(ValueError, match="group=16 must divide the 24 channels inside of the blocks on maps of 12"):
        declared(Critic(width=12), jnp.zeros((1, 8, 8, 1)))
    with pytest.raises(ValueError, match="expansion=0 must be at least 1"):
        declared(Critic(expansion=0), jnp.zeros((1, 8, 8, 1)))


def test_a_block_keeps_the_variance_of_its_first_layers_but_for_the_depth_and_starts_as_nothing():
    x = drawn(8, 8, 8, 64)
    for depth in (1, 16):
        block = Block(2, 16, depth)
        params, apply = jax.device_get(jax.jit(block.init)(jax.random.key(0), x)["params"]), QUICK(block.apply)
        np.testing.assert_array_equal(apply({"params": params}, x), x)
        expected = 2 / (1 + 0.2**2) / math.sqrt(depth)
        for name, inputs in (("Conv_0", 64), ("Conv_1", 9 * 16)):
            assert float(params[name]["kernel"].var()) == pytest.approx(expected / inputs, rel=0.05)
        assert set(params["Conv_2"]) == {"kernel"}
        params["Conv_2"]["kernel"] = drawn(1, 1, 128, 64, seed=2) / np.float32(math.sqrt(128))
        added = (np.asarray(apply({"params": params}, x)) - x)[:, 2:-2, 2:-2]
        assert float(added.var()) == pytest.approx(1 / depth, rel=0.2)


def test_features_of_a_group_see_the_channels_of_their_own_alone():
    block, x = Block(1, 2, 1), drawn(1, 3, 3, 4)
    variables = jax.device_get(jax.jit(block.init)(jax.random.key(1), x))
    identity = np.eye(4, dtype=np.float32)[None, None]
    for name in ("Conv_0", "Conv_2"):
        variables["params"][name]["kernel"] = identity

    def added(x):
        return (block.apply(variables, x) - x)[0, 1, 1]

    seen = np.abs(np.asarray(QUICK(jax.jacobian(added))(x))[:, 0]).sum((1, 2)) > 0
    np.testing.assert_array_equal(seen, np.kron(np.eye(2), np.ones((2, 2))) > 0)


def test_a_new_generator_weighs_the_channels_of_a_learnt_map_and_doubles_it():
    latent = drawn(2, LATENT)
    generator = Generator((16, 16, 1), width=8, blocks=1)
    variables = made(generator, latent)
    params = variables["params"]

    @QUICK
    def both(latent):
        weights = latent @ params["Dense_0"]["kernel"]
        first = weights[:, None, None] * params["basis"][None]
        doubled = jax.image.resize(jax.image.resize(first, (2, 8, 8, 8), "bilinear"), (2, 16, 16, 8), "bilinear")
        return train_mode(generator, variables, latent)[0], doubled @ params["Conv_0"]["kernel"][0, 0]

    np.testing.assert_allclose(*both(latent), rtol=1e-3, atol=1e-4)


def test_images_are_cut_off_where_they_are_drawn_and_nowhere_else():
    latent = 10 * drawn(4, LATENT)
    generator = Generator((8, 8, 1), width=8, blocks=1)
    variables = made(generator, latent)
    free, cut = QUICK(lambda: (train_mode(generator, variables, latent)[0], eval_mode(generator, variables, latent)))()
    assert np.abs(free).max() > 1
    np.testing.assert_array_equal(cut, np.clip(free, -1, 1))


def test_the_logit_weighs_the_features_and_a_critic_judges_alone():
    image = drawn(4, 8, 8, 1)
    critic = Critic(width=8, blocks=1)
    variables = made(critic, image)
    all_, one = QUICK(lambda: (train_mode(critic, variables, image)[0], train_mode(critic, variables, image[:1])[0]))()
    weights = np.asarray(variables["params"]["Dense_0"]["kernel"])[:, 0]
    np.testing.assert_allclose(all_.logit, np.asarray(all_.features) @ weights, rtol=1e-4, atol=1e-6)
    assert critic.judges_alone
    np.testing.assert_allclose(np.asarray(all_.logit)[:1], one.logit, rtol=1e-5)


def test_linear_images_are_cut_off_only_where_they_are_looked_at_and_tanh_bounds_them_always():
    latent = 9 * drawn(4, LATENT)
    linear = Generator((8, 8, 1), width=16, blocks=1)
    bounded, variables = linear.clone(output="tanh"), made(linear, latent)

    @QUICK
    def images(v):
        return [(train_mode(network, v, latent)[0], eval_mode(network, v, latent)) for network in (linear, bounded)]

    (trained, shown), of_tanh = jax.device_get(images(variables))
    assert np.abs(trained).max() > 1
    np.testing.assert_allclose(shown, np.clip(trained, -1, 1), rtol=1e-6)
    for image in of_tanh:
        np.testing.assert_allclose(image, np.tanh(trained), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="output='relu' must be one of linear, tanh"):
        declared(linear.clone(output="relu"), latent)
