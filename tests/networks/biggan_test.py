"""BigGAN's networks: what each block is told, what spectral normalisation bounds, and bfloat16."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS
from gengen.networks.biggan import Critic, Generator, in_chunks
from gengen.networks.critic import CriticOutput
from gengen.networks.forward import eval_mode, init_network, train_mode
from gengen.networks.layers.dense import Dense

QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
SHAPE, LATENT, TOLD = (16, 16, 2), 9, 3
GENERATOR = Generator(SHAPE, width=8, told=TOLD)
CRITIC = Critic(width=8)


def drawn(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


LATENTS, IMAGES = drawn(3, LATENT + TOLD), np.tanh(drawn(3, *SHAPE, seed=2))


@pytest.fixture(scope="module")
def variables():
    """Of the generator and the critic."""

    def made(key):
        return init_network(GENERATOR, key, LATENTS), init_network(CRITIC, key, IMAGES)

    return jax.device_get(QUICK(made)(jax.random.key(0)))


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (64, 32, 3)])
@pytest.mark.parametrize("attention", [0, 1])
def test_images_are_made_and_judged_at_every_size_that_halves(shape, attention):
    generator = Generator(shape, width=16, attention=attention)
    critic = Critic(width=16, attention=attention)

    def play(key):
        latent, image = jnp.zeros((3, LATENT)), jnp.zeros((3, *shape))
        image = eval_mode(generator, init_network(generator, key, latent), latent)
        return image, eval_mode(critic, init_network(critic, key, image), image)

    image, judged = jax.eval_shape(play, jax.random.key(0))
    assert isinstance(judged, CriticOutput)
    chex.assert_shape((image, judged.logit, judged.features), ((3, *shape), (3,), (3, 16)))
    assert image.dtype == judged.logit.dtype == judged.features.dtype == jnp.float32


def test_the_papers_channels_at_128_pixels_are_those_of_its_table():
    shapes = jax.eval_shape(
        lambda key: init_network(Generator((128, 128, 3), told=128), key, jnp.zeros((1, 120 + 128))), jax.random.key(0)
    )["params"]
    assert [shapes[f"UpwardBlock_{place}"]["Conv_0"]["kernel"].shape[2:] for place in range(5)] == [
        *((1536, 1536), (1536, 768), (768, 384), (384, 192), (192, 96))
    ]
    assert shapes["Dense_0"]["kernel"].shape == (20, 4 * 4 * 1536)
    assert shapes["UpwardBlock_4"]["ConditionalNorm_0"]["Dense_0"]["kernel"].shape == (128 + 20, 192)
    assert shapes["SelfAttention_0"]["Conv_2"]["kernel"].shape[2:] == (192, 96), "on maps of 64 x 64"


def test_what_cannot_be_split_or_attended_to_is_refused():
    def declared(network, *inputs):
        return jax.eval_shape(lambda key: init_network(network, key, *inputs), jax.random.key(0))

    with pytest.raises(ValueError, match="latent=2 must be at least 3: a number for the first layer and for each"):
        declared(GENERATOR, jnp.zeros((1, 2 + TOLD)))
    for network, seen in ((GENERATOR, LATENTS), (CRITIC, IMAGES)):
        with pytest.raises(ValueError, match="attention=3 must be from 0 to 2"):
            declared(network.clone(attention=3), seen)


def test_chunks_are_alike_but_for_the_first_and_put_together_the_latent():
    latent = drawn(2, 11)
    chunks = in_chunks(latent, 4)
    assert [chunk.shape[1] for chunk in chunks] == [5, 2, 2, 2]
    np.testing.assert_array_equal(np.concatenate(chunks, 1), latent)


def test_a_chunk_reaches_its_own_block_alone_and_the_class_all_of_them(variables):
    """By the derivatives of scales and biases; spectral normalisation would run clones, of which nothing is seen."""
    network = GENERATOR.clone(spectral=False)
    plain = {name: tree for name, tree in variables[0].items() if name != "spectral"}

    def told_to(latent):
        def seen(module, _):
            return isinstance(module, Dense)

        _, found = network.apply(plain, latent[None], train=False, capture_intermediates=seen, mutable=True)
        return [jax.tree.leaves(found["intermediates"][f"UpwardBlock_{place}"]) for place in range(2)]

    jacobians = QUICK(jax.jacobian(told_to))(LATENTS[0])
    reached = [np.abs(np.concatenate([leaf[0] for leaf in block])).max(0) > 0 for block in jacobians]
    first, second, third, told = (slice(3 * place, 3 * place + 3) for place in range(4))
    for block, own, other in ((0, second, third), (1, third, second)):
        assert reached[block][own].all()
        assert reached[block][told].all()
        assert not reached[block][first].any()
        assert not reached[block][other].any()


def test_all_numbers_of_a_latent_reach_the_image(variables):
    moved = QUICK(jax.jacobian(lambda latent: eval_mode(GENERATOR, variables[0], latent[None])))(LATENTS[0])
    assert (np.abs(np.asarray(moved)).max((0, 1, 2, 3)) > 1e-6).all()


def test_the_logit_weighs_the_features_and_a_critic_judges_alone(variables):
    all_, one = QUICK(
        lambda: (train_mode(CRITIC, variables[1], IMAGES)[0], train_mode(CRITIC, variables[1], IMAGES[:1])[0])
    )()
    weights = np.asarray(variables[1]["params"]["Dense_0"]["kernel"])[:, 0]
    np.testing.assert_allclose(all_.logit, all_.features @ weights / np.linalg.norm(weights), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(np.asarray(all_.logit)[:1], one.logit, rtol=1e-4)
    assert CRITIC.judges_alone


def test_spectral_normalisation_is_of_every_kernel_of_both_networks(variables):
    for network in variables:
        kernels = [path for path, _ in jax.tree.leaves_with_path(network["params"]) if "kernel" in str(path[-1])]
        assert len(jax.tree.leaves(network["spectral"])) == len(kernels)
    grown = jax.tree.map(lambda leaf: leaf, variables[1]["params"])
    kernel = grown["DownwardBlock_1"]["Conv_0"]["kernel"]
    grown["DownwardBlock_1"]["Conv_0"]["kernel"] = 5 * kernel
    before, after = QUICK(
        lambda params: [
            eval_mode(CRITIC, {**variables[1], "params": one}, IMAGES).logit for one in (variables[1]["params"], params)
        ]
    )(grown)
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-5)


def test_bfloat16_is_close_to_float32(variables):
    def both(dtype):
        made, carried = jax.vmap(
            lambda _: train_mode(GENERATOR.clone(dtype=dtype), variables[0], LATENTS), axis_name=AXIS
        )(jnp.zeros(1))
        return made[0], carried, eval_mode(CRITIC.clone(dtype=dtype), variables[1], IMAGES)

    (image, carried, judged), (rounded, also, roughly) = (
        QUICK(both, static_argnums=0)(t) for t in (jnp.float32, jnp.bfloat16)
    )
    assert np.abs(image - rounded).mean() < 0.03 < np.abs(image).mean()
    np.testing.assert_allclose(roughly.logit, judged.logit, rtol=0.1, atol=0.1)
    np.testing.assert_allclose(roughly.features, judged.features, rtol=0.1, atol=0.5)
    chex.assert_trees_all_equal_shapes_and_dtypes(carried, also)
    assert rounded.dtype == roughly.logit.dtype == jnp.float32
