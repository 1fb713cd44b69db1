"""Networks that are told texts: closed forms of what a text does, and what does not count."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks import dcgan, forward, mlp, r3gan
from gengen.networks.captioned import CaptionedCritic, CaptionedGenerator
from gengen.networks.critic import CriticNetwork, CriticOutput
from gengen.networks.forward import init_network
from gengen.networks.layers.spectral import COLLECTION
from gengen.networks.text_encoder import TextEncoder

QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
"""Compiles fast what runs once."""

SHAPE = (8, 8, 1)
VOCABULARY = 5
TEXT = np.array([[1, 2, 3, 0], [2, 1, 3, 0], [4, 0, 0, 0], [0, 0, 0, 0]], np.int32)
SMALL_R3GAN = {"width": 8, "wide": 1, "blocks": 1, "group": 2}


class Mean(CriticNetwork):
    """A body without parameters: features are the pixels, the logit is their sum."""

    @property
    def judges_alone(self):
        return True

    def __call__(self, image, train):
        features = image.reshape(image.shape[0], -1)
        return CriticOutput(features.sum(1), features)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).normal(size=(4, *SHAPE)).astype(np.float32)


def made(network, *inputs):
    return QUICK(lambda key: init_network(network, key, *inputs))(jax.random.key(0))


def eval_mode(network, variables, *inputs):
    return QUICK(functools.partial(forward.eval_mode, network))(variables, *inputs)


def whole(variables, width, text=TEXT):
    """What the network's own reader says of texts."""
    reader = {"params": variables["params"]["reader"]}
    return np.asarray(TextEncoder(width, VOCABULARY).apply(reader, text).whole)


def test_the_generator_appends_what_the_text_says_to_the_latent():
    network = CaptionedGenerator(mlp.Generator(SHAPE, widths=(8,)), VOCABULARY, features=8)
    latent = np.random.default_rng(2).normal(size=(4, 6)).astype(np.float32)
    variables = made(network, latent, TEXT)
    body = {"params": variables["params"]["body"]}
    expected = eval_mode(network.body, body, np.concatenate([latent, whole(variables, 8)], -1))
    np.testing.assert_allclose(eval_mode(network, variables, latent, TEXT), expected, atol=1e-6)


def test_the_critic_adds_an_inner_product_of_the_text_and_the_features(images):
    network = CaptionedCritic(Mean(), VOCABULARY, width=8)
    variables = made(network, images, TEXT)
    features = images.reshape(4, -1)
    asked = whole(variables, 8) @ np.asarray(variables["params"]["asked"]["kernel"])
    expected = features.sum(1) + (asked * features).sum(1)
    np.testing.assert_allclose(eval_mode(network, variables, images, TEXT).logit, expected, rtol=1e-4, atol=1e-4)


def test_a_spectral_body_normalises_the_map_of_the_text_too(images):
    network = CaptionedCritic(dcgan.Critic(width=4, norm="spectral"), VOCABULARY, width=8)
    variables = made(network, images, TEXT)
    plain = eval_mode(network.body, {name: variables[name]["body"] for name in ("params", COLLECTION)}, images)
    kernel = np.asarray(variables["params"]["asked"]["kernel"])
    asked = whole(variables, 8) @ kernel / np.linalg.svd(kernel, compute_uv=False)[0]
    ours = eval_mode(network, variables, images, TEXT)
    np.testing.assert_allclose(ours.logit, plain.logit + (asked * plain.features).sum(1), rtol=5e-3, atol=1e-5)
    assert COLLECTION not in made(network.clone(body=dcgan.Critic(width=4, norm="layer")), images, TEXT)


def test_what_fills_a_text_up_does_not_count_for_the_critic_and_words_and_their_order_do(images):
    network = CaptionedCritic(Mean(), VOCABULARY, width=8)
    same = np.broadcast_to(images[:1], images.shape)
    variables = made(network, same, TEXT)
    drawn = jax.tree.map(  # blocks of attention begin as nothing
        lambda leaf: leaf + 0.1 * np.random.default_rng(3).normal(size=leaf.shape).astype(np.float32), variables
    )
    said = np.asarray(eval_mode(network, drawn, same, TEXT).logit)
    longer = np.pad(TEXT, ((0, 0), (0, 2)))
    np.testing.assert_allclose(eval_mode(network, drawn, same, longer).logit, said, atol=1e-4)
    apart = np.abs(said[:, None] - said) + 10 * np.eye(4)
    assert apart.min() > 1e-2


@pytest.mark.parametrize(
    ("generator", "critic"),
    [
        (dcgan.Generator(SHAPE, width=4), dcgan.Critic(width=4)),
        (r3gan.Generator(SHAPE, **SMALL_R3GAN), r3gan.Critic(**SMALL_R3GAN)),
    ],
)
def test_every_body_can_be_told_a_text(generator, critic):
    latent, images = jnp.zeros((4, 6)), jnp.zeros((4, *SHAPE))
    told, asked = CaptionedGenerator(generator, VOCABULARY, features=8), CaptionedCritic(critic, VOCABULARY, width=8)
    run = lambda network, *inputs: jax.eval_shape(  # noqa: E731
        lambda: forward.eval_mode(network, init_network(network, jax.random.key(0), *inputs), *inputs)
    )
    assert run(told, latent, TEXT).shape == (4, *SHAPE)
    assert run(asked, images, TEXT).logit.shape == (4,)
    assert asked.judges_alone == critic.judges_alone


@pytest.mark.parametrize("network", [CaptionedGenerator(mlp.Generator(SHAPE), 1), CaptionedCritic(Mean(), 1)])
def test_a_vocabulary_that_says_nothing_is_refused(network):
    with pytest.raises(ValueError, match="vocabulary=1 must be at least 2"):
        jax.eval_shape(lambda: init_network(network, jax.random.key(0), jnp.zeros((4, *SHAPE)), TEXT))
