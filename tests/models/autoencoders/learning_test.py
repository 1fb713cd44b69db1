"""Autoencoders whose best weights are known in closed form have to find them."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.linalg

from gengen.build.optimizers import adam
from gengen.core.parallel import parallel, replicate
from gengen.core.transforms import scale_by_rate
from gengen.data.digits import read_digits
from gengen.losses.divergences import normal_log_density
from gengen.losses.likelihood import Likelihood, bernoulli, squared_error
from gengen.models.autoencoders.autoencoder import autoencoder
from gengen.models.autoencoders.corruption import none
from gengen.models.autoencoders.objective import Objective
from gengen.models.autoencoders.variational import variational
from gengen.networks import mlp
from tests.units import scaled

SHAPE, PIXELS, LATENT, N = (2, 3, 1), 6, 2, 200


@pytest.fixture(autouse=True)
def promotion():
    """Optax's Adam raises a float to an integer power, which strict promotion refuses."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def gaussian_images():
    """Normal vectors of standard deviations 0.2, 0.15, and 0.07 four times, along random axes; levels of grey."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(PIXELS, PIXELS)))[0]
    image = rng.normal(size=(N, PIXELS)) * [0.2, 0.15, 0.07, 0.07, 0.07, 0.07] @ axes
    levels = np.rint((image + 1.1 * np.linspace(-0.1, 0.1, PIXELS) + 1) * 127.5)
    assert levels.min() > 0
    assert levels.max() < 255
    return levels.astype(np.uint8).reshape(N, *SHAPE)


IMAGES = scaled(gaussian_images())
DATA = np.float64(IMAGES).reshape(N, PIXELS)
VALUES, VECTORS = (part[..., ::-1] for part in np.linalg.eigh(np.cov(DATA.T, bias=True)))
PLANE = VECTORS[:, :LATENT]
NOISE = VALUES[LATENT:].mean()  # its most likely variance: Tipping and Bishop 1999, eq. 8


def train(model, images, steps):
    """Trains on all images at each step."""
    one = jax.devices()[:1]
    state = jax.jit(model.init)(jax.random.key(0), {"data": images[:1]})
    batches = {"data": np.broadcast_to(images, (1, steps, *images.shape))}
    state, _ = parallel(model.train_step, one)(jax.random.key(1), replicate(jax.device_get(state), one), batches)
    return jax.device_get(state.variables)


class Flat(nn.Module):
    """The image itself, whose pixels are about 0 here."""

    @nn.compact
    def __call__(self, image, train):
        return image.reshape(len(image), -1)


def coders(widths=(), shape=SHAPE):
    encoder = mlp.Encoder(widths=widths, bounded=True) if widths else Flat()
    return {"encoder": encoder, "decoder": mlp.Decoder(shape, widths=widths)}


def optimizer(rate, steps):
    return {"autoencoder": optax.chain(adam(), scale_by_rate(optax.cosine_decay_schedule(rate, steps)))}


def angles(variables):
    """Principal angles between what the decoder can give, about its bias, and the principal plane."""
    return scipy.linalg.subspace_angles(np.float64(variables["decoder"]["params"]["Dense_0"]["kernel"]).T, PLANE)


def flat(image):
    return np.float64(image).reshape(len(image), -1)


def test_a_linear_variational_autoencoder_is_probabilistic_principal_component_analysis():
    """Tipping and Bishop 1999, eq. 8; Lucas et al. 2019, https://arxiv.org/abs/1911.02469: no worse optimum holds."""
    likelihood = Likelihood(
        rank=len(SHAPE),
        numbers=1,
        log_prob=lambda output, image: normal_log_density(image, output, jnp.full_like(output, np.log(NOISE) / 2)),
        mean=lambda output: output,
        proper=True,
        title="",
    )
    model = variational(
        networks=coders(),
        optimizers=optimizer(0.1, 2000),
        likelihood=likelihood,
        objective=Objective(samples=8),
        latents=(LATENT,),
    )
    variables = train(model, IMAGES, 1500)
    best = (
        -(PIXELS * np.log(2 * np.pi) + np.log(VALUES[:LATENT]).sum() + (PIXELS - LATENT) * np.log(NOISE) + PIXELS) / 2
    )
    image = jnp.asarray(DATA.reshape(IMAGES.shape), jnp.float32)
    lower, tight = (
        float(model.log_likelihood(jax.random.key(2), variables, image, samples=samples).mean()) for samples in (1, 100)
    )
    alone = -(np.log(2 * np.pi * VALUES) / 2 + 1 / 2).sum()
    assert best < alone  # that of a normal distribution of any covariance
    assert best - 0.05 < lower < best + 0.05
    assert best - 0.03 < tight < best + 0.005
    assert angles(variables).max() < 0.03
    # Its covariance is that of the data in the plane: W^T W + noise I has the eigenvalues of the data.
    kernel = np.float64(variables["decoder"]["params"]["Dense_0"]["kernel"])
    np.testing.assert_allclose(np.linalg.eigvalsh(kernel @ kernel.T)[::-1] + NOISE, VALUES[:LATENT], rtol=0.1)
    drawn = flat(model.sample(jax.random.key(3), variables, 20_000))
    np.testing.assert_allclose(drawn.mean(0), DATA.mean(0), atol=0.02)
    np.testing.assert_allclose(np.cov(drawn.T), PLANE * (VALUES[:LATENT] - NOISE) @ PLANE.T, atol=0.006)


def test_two_linear_units_span_the_principal_plane_with_its_error():
    likelihood = squared_error(rank=3)._replace(
        log_prob=lambda output, image: -jnp.square(output - image), mean=lambda output: output
    )
    model = autoencoder(
        networks=coders(),
        optimizers=optimizer(0.02, 1500),
        likelihood=likelihood,
        corruption=none(),
        latent=LATENT,
    )
    variables = train(model, IMAGES, 1500)
    assert angles(variables).max() < 0.01
    image = jnp.asarray(DATA.reshape(IMAGES.shape), jnp.float32)
    back = flat(model.decode(jax.random.key(0), variables, model.encode(jax.random.key(0), variables, image)))
    least = VALUES[LATENT:].sum()
    error = np.square(back - DATA).sum(1).mean()
    assert least * (1 - 1e-4) < error < least * 1.002
    projected = DATA.mean(0) + (DATA - DATA.mean(0)) @ PLANE @ PLANE.T
    assert np.abs(back - projected).max() < 0.01


@pytest.mark.parametrize("likelihood", [squared_error(rank=3), bernoulli(rank=3)], ids=["squares", "cross_entropy"])
def test_the_decoder_inverts_the_encoder_on_real_digits_that_it_knows_by_heart(likelihood):
    images = scaled(read_digits("train")[0][:8, :, :, None])
    model = autoencoder(
        networks=coders((256,), (8, 8, 1)),
        optimizers=optimizer(0.003, 1500),
        likelihood=likelihood,
        corruption=none(),
        latent=16,
    )
    variables = train(model, images, 1500)
    back = model.decode(jax.random.key(0), variables, model.encode(jax.random.key(0), variables, images))
    assert float(jnp.square(back - images).mean()) < 1e-4 * np.square(images - images.mean()).mean()
    again = model.encode(jax.random.key(0), variables, back)
    codes = model.encode(jax.random.key(0), variables, images)
    assert float(jnp.abs(again - codes).max()) < 0.05 * float(jnp.std(codes))
