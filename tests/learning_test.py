"""Small games whose end is known: they have to get there."""

import jax
import numpy as np
import optax
import pytest

from gengen.build import adam, rmsprop
from gengen.core.parallel import parallel, replicate
from gengen.core.transforms import scale_by_rate
from gengen.models.gans.adversarial import adversarial
from gengen.networks import mlp

SHAPE = (4, 4, 1)


@pytest.fixture(autouse=True)
def promotion():
    """Optax's Adam raises a float to an integer power, which strict promotion refuses."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def train(model, images, steps, batch=32):
    """Trains on random choices of `images`; returns the first and last state and the metrics of each step."""
    rng, one = np.random.default_rng(0), jax.devices()[:1]
    first = jax.device_get(jax.jit(model.init)(jax.random.key(0), {"image": images[:1]}))
    batches = {"image": images[rng.integers(0, len(images), (1, steps, batch))]}
    state, metrics = parallel(model.train_step, one, period=model.period)(
        jax.random.key(1), replicate(first, one), batches
    )
    return first, state, jax.device_get(metrics)


def build(transform, rate, **arguments):
    return adversarial(
        networks={"generator": mlp.Generator(SHAPE, widths=(32, 32)), "critic": mlp.Critic(widths=(32, 32))},
        optimizers={player: optax.chain(transform(), scale_by_rate(rate)) for player in ("generator", "critic")},
        latent=4,
        together=True,
        **arguments,
    )


def off(model, state, images):
    """Mean distance of samples to the nearest image, in units of the pixels' range [-1, 1]."""
    drawn = np.asarray(model.sample(jax.random.key(2), state.variables, 200))
    near = np.abs(drawn[:, None] - (images / 127.5 - 1)[None]).mean((2, 3, 4)).argmin(1)
    return np.abs(drawn - (images / 127.5 - 1)[near]).mean(), np.bincount(near, minlength=len(images)) / len(drawn)


def test_a_wasserstein_gan_finds_two_points_and_covers_both():
    images = np.stack([np.full(SHAPE, 40, np.uint8), np.full(SHAPE, 220, np.uint8)])
    images[:, :2] = 255 - images[:, :2]
    model = build(rmsprop, 1e-3, loss="wasserstein", critic_steps=5, clip=0.1)
    first, last, metrics = train(model, images, 5000)
    assert off(model, first, images)[0] > 0.5
    distance, shares = off(model, last, images)
    assert distance < 0.2
    assert shares.min() > 0.2
    estimate = metrics["critic/wasserstein"].total
    assert estimate[-500:].mean() < 0.2 * estimate[:50].mean()


def test_at_the_end_of_the_minimax_game_the_critic_is_at_chance_and_the_value_minus_two_log_two():
    images = np.full((1, *SHAPE), 160, np.uint8)
    model = build(lambda: adam(b1=0.5), 1e-3, loss="non_saturating", critic_steps=1, clip=None)
    first, last, metrics = train(model, images, 3000)
    assert off(model, first, images)[0] > 0.2
    assert off(model, last, images)[0] < 0.1
    value = -metrics["critic/loss"].total
    assert value.max() > -1.2  # on the way the critic was ahead
    assert value[-300:].mean() == pytest.approx(-2 * np.log(2), abs=0.1)
