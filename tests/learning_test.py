"""Small games whose end is known: they have to get there."""

import jax
import numpy as np
import optax
import pytest

from gengen.build.optimizers import adam, rmsprop
from gengen.core.parallel import parallel, replicate
from gengen.core.transforms import scale_by_rate
from gengen.models.gans.adversarial import adversarial
from gengen.models.gans.infogan import infogan
from gengen.models.gans.terms import auxiliary_classifier
from gengen.networks import mlp
from gengen.networks.conditional import ConditionalCritic, ConditionalGenerator
from tests.units import scaled

SHAPE = (4, 4, 1)


@pytest.fixture(autouse=True)
def promotion():
    """Optax's Adam raises a float to an integer power, which strict promotion refuses."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def train(model, images, steps, batch=32):
    """Trains on random choices of `images`, whose places are their labels; returns the first and last state and the
    metrics of each step."""
    rng, one = np.random.default_rng(0), jax.devices()[:1]
    first = jax.device_get(jax.jit(model.init)(jax.random.key(0), {"data": images[:1]}))
    label = rng.integers(0, len(images), (1, steps, batch), np.int32)
    batches = {"data": images[label], "label": label}
    state, metrics = parallel(model.train_step, one, period=model.period)(
        jax.random.key(1), replicate(first, one), batches
    )
    return first, state, jax.device_get(metrics)


GENERATOR, CRITIC = mlp.Generator(SHAPE, widths=(32, 32)), mlp.Critic(widths=(32, 32))


def build(transform, rate, model=adversarial, generator=GENERATOR, critic=CRITIC, **arguments):
    return model(
        networks={"generator": generator, "critic": critic},
        optimizers={player: optax.chain(transform(), scale_by_rate(rate)) for player in ("generator", "critic")},
        latent=4,
        **arguments,
    )


def off(model, state, images):
    """Mean distance of samples to the nearest image, in units of the pixels' range [-1, 1]."""
    drawn = np.asarray(model.sample(jax.random.key(2), state.variables, 200))
    near = np.abs(drawn[:, None] - images[None]).mean((2, 3, 4)).argmin(1)
    return np.abs(drawn - images[near]).mean(), np.bincount(near, minlength=len(images)) / len(drawn)


def two_images():
    images = np.stack([np.full(SHAPE, 40, np.uint8), np.full(SHAPE, 220, np.uint8)])
    images[:, :2] = 255 - images[:, :2]
    return scaled(images)


def kinds(model, state, name):
    """Which of the two images samples are nearest to when told 0 and 1, and their mean distances to it."""
    ends, answers = two_images(), []
    for told in (0, 1):
        condition = {name: np.full(100, told, np.int32)}
        drawn = np.asarray(model.sample(jax.random.key(2), state.variables, 100, condition))
        distances = np.abs(drawn[:, None] - ends[None]).mean((2, 3, 4))
        answers.append((distances.argmin(1), distances.min(1).mean()))
    return answers


@pytest.mark.slow
@pytest.mark.parametrize("condition", ["projection", "auxiliary"])
def test_a_conditional_gan_learns_to_give_the_image_that_it_is_asked_for(condition):
    model = build(
        lambda: adam(b1=0.5),
        1e-3,
        generator=ConditionalGenerator(GENERATOR, 2),
        critic=ConditionalCritic(CRITIC, 2, condition),
        loss="non_saturating",
        critic_steps=1,
        clip=None,
        terms=auxiliary_classifier() if condition == "auxiliary" else (),
    )
    first, last, _ = train(model, two_images(), 2000)
    assert min(off for _, off in kinds(model, first, "label")) > 0.3
    for told, (nearest, off) in enumerate(kinds(model, last, "label")):
        assert (nearest == told).mean() > 0.95
        assert off < 0.2


@pytest.mark.slow
def test_the_category_of_an_infogan_tells_two_kinds_of_images_apart_without_labels():
    model = build(lambda: adam(b1=0.5), 1e-3, infogan, categories=2, continuous=0)
    _, last, metrics = train(model, two_images(), 2000)
    (zero, near), (one, close) = kinds(model, last, "category")
    assert abs(zero.mean() - one.mean()) > 0.9
    assert max(near, close) < 0.2
    assert metrics["critic/category"].value[-100:].mean() < 0.1 * np.log(2)
    read = model.recognise(jax.random.key(0), last.variables, two_images())["category"]
    assert set(np.asarray(read).argmax(1)) == {0, 1}


@pytest.mark.slow
def test_a_wasserstein_gan_finds_two_points_and_covers_both():
    images = two_images()
    model = build(rmsprop, 1e-3, loss="wasserstein", critic_steps=5, clip=0.1)
    first, last, metrics = train(model, images, 5000)
    assert off(model, first, images)[0] > 0.5
    distance, shares = off(model, last, images)
    assert distance < 0.2
    assert shares.min() > 0.2
    estimate = metrics["critic/wasserstein"].total
    assert estimate[-500:].mean() < 0.2 * estimate[:50].mean()


@pytest.mark.slow
def test_at_the_end_of_the_minimax_game_the_critic_is_at_chance_and_the_value_minus_two_log_two():
    images = scaled(np.full((1, *SHAPE), 160, np.uint8))
    model = build(lambda: adam(b1=0.5), 1e-3, loss="non_saturating", critic_steps=1, clip=None)
    first, last, metrics = train(model, images, 3000)
    assert off(model, first, images)[0] > 0.2
    assert off(model, last, images)[0] < 0.1
    value = -metrics["critic/loss"].total
    assert value.max() > -1.2  # on the way the critic was ahead
    assert value[-300:].mean() == pytest.approx(-2 * np.log(2), abs=0.1)
