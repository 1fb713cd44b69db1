"""Heads of encoders: what they say of latents, and what they are told."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks import mlp
from gengen.networks.coders import ConditionalEncoder, Gaussian, GaussianCoder, PointCoder

SHAPE, CLASSES = (4, 4, 1), 3
IMAGE = jax.random.normal(jax.random.key(0), (5, *SHAPE))
BODY = mlp.Encoder(widths=(6,), activation="tanh", bounded=True)


def features(params):
    """Of the body, from its parameters; it sees images from 0 to 1."""
    return np.tanh(head(params["body"], "Dense_0", (np.asarray(IMAGE).reshape(5, -1) + 1) / 2))


def head(params, name, values):
    """What a layer makes of values [5, ...]."""
    return values @ np.asarray(params[name]["kernel"]) + np.asarray(params[name]["bias"])


def test_a_point_is_linear_in_the_features():
    coder = PointCoder(BODY, 2)
    params = coder.init(jax.random.key(1), IMAGE, train=False)["params"]
    found = coder.apply({"params": params}, IMAGE, train=True)
    chex.assert_shape(found, (5, 2))
    np.testing.assert_allclose(found, head(params, "Dense_0", features(params)), rtol=1e-4, atol=1e-5)


def test_a_distribution_has_a_mean_and_half_a_log_variance_that_are_linear_in_the_features():
    coder = GaussianCoder(BODY, 2)
    params = coder.init(jax.random.key(1), IMAGE, train=False)["params"]
    found = coder.apply({"params": params}, IMAGE, train=True)
    chex.assert_shape([found.mean, found.log_deviation], (5, 2))
    np.testing.assert_allclose(found.mean, head(params, "Dense_0", features(params)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(2 * found.log_deviation, head(params, "Dense_1", features(params)), rtol=1e-4, atol=1e-5)


def test_without_hidden_layers_a_coder_is_linear_in_the_image():
    coder = PointCoder(mlp.Encoder(widths=()), 2)
    variables = coder.init(jax.random.key(1), IMAGE, train=False)
    one, two, mean = (coder.apply(variables, x, train=False) for x in (IMAGE, -3 * IMAGE + 1, -IMAGE + 0.5))
    np.testing.assert_allclose(mean, (one + two) / 2, atol=1e-5)


def test_samples_have_the_mean_and_the_deviation_said():
    said = Gaussian(jnp.asarray([1.0, -2.0]), jnp.asarray([0.0, -1.0]))
    n = 20_000
    noise = np.float64(jax.random.normal(jax.random.key(0), (n, 2)))
    drawn = np.float64(jax.vmap(said.at)(jnp.asarray(noise, jnp.float32)))
    np.testing.assert_allclose(drawn, [1, -2] + np.exp([0, -1]) * noise, atol=1e-5)
    slopes = jax.grad(lambda said: said.at(jnp.asarray([0.5, 2.0])).sum())(said)
    np.testing.assert_allclose(slopes.mean, [1, 1])
    np.testing.assert_allclose(slopes.log_deviation, np.float32([0.5, 2 * np.exp(-1)]), rtol=1e-6)


def test_a_conditional_encoder_sees_the_label_as_one_more_channel():
    class Seen(mlp.Encoder):
        """Features are the input itself."""

        def __call__(self, x, train):
            return x

    encoder, label = ConditionalEncoder(Seen(), CLASSES), jnp.asarray([0, 1, 2, 1, 0])
    variables = encoder.init(jax.random.key(1), IMAGE, label, train=False)
    seen = np.asarray(encoder.apply(variables, IMAGE, label, train=False))
    chex.assert_shape(seen, (5, 4, 4, 2))
    np.testing.assert_array_equal(seen[..., :1], IMAGE)
    (table,) = jax.tree.leaves(variables)
    np.testing.assert_array_equal(seen[..., 1].reshape(5, -1), np.asarray(table)[label])


def test_what_a_coder_says_depends_on_the_label_that_its_body_is_told():
    coder = GaussianCoder(ConditionalEncoder(BODY, CLASSES), 2)
    variables = coder.init(jax.random.key(1), IMAGE, jnp.zeros(5, jnp.int32), train=False)
    zero, one = (coder.apply(variables, IMAGE, jnp.full(5, label), train=False) for label in (0, 1))
    assert np.abs(zero.mean - one.mean).min() > 1e-4
    assert np.abs(zero.log_deviation - one.log_deviation).min() > 1e-4


@pytest.mark.parametrize("coder", [PointCoder, GaussianCoder])
def test_latents_without_dimensions_are_refused(coder):
    with pytest.raises(ValueError, match="latent=0 must be at least 1"):
        coder(BODY, 0).init(jax.random.key(1), IMAGE, train=False)


def test_a_single_class_is_nothing_to_be_told():
    with pytest.raises(ValueError, match="classes=1 must be at least 2"):
        ConditionalEncoder(BODY, 1).init(jax.random.key(1), IMAGE, jnp.zeros(5, jnp.int32), train=False)
