"""The game's pure functions: what is drawn for a step, what the critic sees, and what both losses are of."""

import functools
from dataclasses import replace

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS
from gengen.core.state import State
from gengen.losses.adversarial import ADVERSARIAL_LOSSES
from gengen.models.conditioning import Labels
from gengen.models.gans.adversarial_game import Adversaries
from gengen.models.gans.views import augmentation, instance_noise, packing
from gengen.networks import mlp
from gengen.networks.conditional import ConditionalCritic, ConditionalGenerator
from gengen.networks.forward import train_mode
from tests.units import scaled

SHAPE = (4, 4, 1)
GENERATOR, CRITIC = mlp.Generator(SHAPE, widths=(8, 8)), mlp.Critic(widths=(8,))
LOSS = ADVERSARIAL_LOSSES["non_saturating"]
PLAIN = Adversaries(GENERATOR, CRITIC, LOSS, 3)


def batch(size=6):
    return {"data": scaled(np.random.default_rng(0).integers(0, 256, (size, *SHAPE), np.uint8))}


def on_one_replica(function, *args):
    over = jax.jit(lambda args: jax.vmap(lambda _: function(*args), axis_name=AXIS)(jnp.zeros(1)))
    return jax.tree.map(lambda x: x[0], over(args))


def start(both=None):
    """A state before the first step; it has no optimizers."""
    return plain_start() if both is None else started(both)


def started(both):
    variables = jax.jit(lambda key: both.init(key, batch()))(jax.random.key(0))
    return State(jnp.zeros((), jnp.int32), variables, {})


@functools.cache
def plain_start():
    return started(PLAIN)


def prepared(both, seed=0, replicas=1, size=6):
    """A prepared batch, all replicas' parts joined."""
    split, key, state = batch(size)["data"].reshape(replicas, -1, *SHAPE), jax.random.key(seed), start()
    made = jax.jit(jax.vmap(lambda image: both.prepare(key, state, {"data": image}), axis_name=AXIS))(split)
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), made)


def losses(both, state, shared):
    """Outcomes of the critic and of the generator."""
    both_losses = lambda *args: (both.critic_loss(*args), both.generator_loss(*args))  # noqa: E731
    return on_one_replica(both_losses, jax.random.key(0), state, shared)


def judged(images, state=None):
    """What the critic says of images by itself."""
    judge = lambda variables, images: train_mode(CRITIC, variables, images)[0].logit  # noqa: E731
    return on_one_replica(judge, (state or start()).variables["critic"], images)


# Labels.


def test_a_smoothed_label_changes_the_critics_loss_by_its_formula_and_nothing_else():
    shared = prepared(PLAIN)
    smooth = replace(PLAIN, real_label=(0.8, 0.8))
    shared_smooth = prepared(smooth)
    chex.assert_trees_all_equal({**shared_smooth, "target": shared["target"]}, shared)
    (before, (metrics, _)), (generator, _) = losses(PLAIN, start(), shared)
    (after, (measured, _)), (the_same, _) = losses(smooth, start(), shared_smooth)
    # (1 - a) f(x), because -log D(x) + log(1 - D(x)) = -f(x).
    np.testing.assert_allclose(after, before + 0.2 * judged(shared["real"]).mean(), rtol=1e-5)
    assert generator == the_same
    chex.assert_trees_all_equal(measured, metrics)  # the estimate is that of unsmoothed labels


def test_random_labels_lie_in_their_range_differ_by_example_and_are_drawn_anew_each_step():
    both = replace(PLAIN, real_label=(0.7, 0.9))
    first, second = (np.asarray(prepared(both, seed, size=600)["target"]) for seed in (0, 1))
    for target in (first, second):
        assert target.shape == (600,)
        assert 0.7 <= target.min() < 0.705
        assert 0.895 < target.max() <= 0.9
        assert len(set(target.tolist())) > 590
    assert (first != second).mean() > 0.99


def test_random_labels_reach_the_loss_of_their_example():
    both = replace(PLAIN, real_label=(0.7, 0.9))
    shared = prepared(both)
    (value, _), _ = losses(both, start(), shared)
    (plain, _), _ = losses(PLAIN, start(), shared)
    np.testing.assert_allclose(value - plain, ((1 - shared["target"]) * judged(shared["real"])).mean(), rtol=1e-4)


def test_what_is_drawn_for_a_step_does_not_depend_on_the_number_of_replicas():
    both = replace(PLAIN, real_label=(0.7, 0.9), views=(instance_noise(deviation=0.5), packing(size=2)))
    one, two = (prepared(both, replicas=replicas, size=8) for replicas in (1, 2))
    assert one["target"].shape == (4,)
    chex.assert_trees_all_equal(jax.random.key_data(one.pop("view")), jax.random.key_data(two.pop("view")))
    chex.assert_trees_all_close(one, two, atol=1e-6)


def test_features_are_what_the_logit_weighs_in_evaluation():
    images, critic = batch()["data"], start().variables["critic"]
    last = critic["params"]["Dense_1"]
    seen = PLAIN.features(jax.random.key(0), start().variables, images)
    logit = PLAIN.critic.apply(critic, images, train=False).logit
    np.testing.assert_allclose((seen @ last["kernel"])[:, 0] + last["bias"], logit, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_a_critique_is_the_logit_and_the_fall_of_the_generators_loss_as_samples_move(name):
    both, rng = replace(PLAIN, loss=ADVERSARIAL_LOSSES[name]), np.random.default_rng(1)
    variables, data = start().variables, batch()["data"]
    samples, way = (jnp.asarray(rng.normal(0, 0.3, data.shape), jnp.float32) for _ in range(2))

    def logit(images):
        return CRITIC.apply(variables["critic"], images, train=False).logit

    def loss(samples):
        real, fake = logit(data), logit(samples)
        counted = both.loss.of_batch(real, fake) if both.loss.of_batch else (real, fake)
        return float(both.loss.generator(*counted).sum())

    value, pull = both.critique(jax.random.key(0), variables, samples, data)
    np.testing.assert_allclose(value, logit(samples), rtol=1e-6)
    slope = (loss(samples - 1e-2 * way) - loss(samples + 1e-2 * way)) / 2e-2
    assert float((pull * way).sum()) == pytest.approx(slope, rel=2e-2, abs=1e-3)


@pytest.mark.parametrize(
    ("changed", "single"),
    [
        ({}, True),
        ({"views": (instance_noise(deviation=0.5),)}, True),
        ({"views": (packing(size=2),)}, False),
        ({"conditioning": Labels(3)}, False),
    ],
    ids=["plain", "noise", "packs", "labels"],
)
def test_a_critic_of_packs_or_of_labels_cannot_be_shown_one_image(changed, single):
    assert replace(PLAIN, **changed).sees_single_images == single


# Views.


VIEWS = {
    "packing": lambda: (packing(size=2),),
    "noise": lambda: (instance_noise(deviation=0.3),),
    "brightness": lambda: (augmentation(probability=1.0, kinds=("brightness",)),),
    "all": lambda: (
        augmentation(probability=1.0, kinds=("brightness",)),
        instance_noise(deviation=0.3),
        packing(size=2),
    ),
}


@pytest.mark.parametrize("name", VIEWS)
def test_the_critic_sees_views_of_data_and_samples_and_nothing_else_changes(name):
    plain, seen, state = PLAIN, replace(PLAIN, views=VIEWS[name]()), start()
    before, after = prepared(plain), prepared(seen)
    np.testing.assert_array_equal(after["latent"], before["latent"])
    sides = {"real": (before["real"], after["real"])}
    sides["fake"] = tuple(
        on_one_replica(both.generate, state, shared)[0] for both, shared in ((plain, before), (seen, after))
    )
    changes = {}
    for side, (unseen, shown) in sides.items():
        if name in ("packing", "all"):
            assert shown.shape == (3, 4, 4, 2)
            shown = np.stack([shown[..., 0], shown[..., 1]], 1).reshape(6, *SHAPE)
        changes[side] = np.asarray(shown - unseen)
    for change in changes.values():
        spread, within = change.std(), change.std((1, 2, 3)).mean()
        assert (spread > 0.15) == (name != "packing")
        assert (within > 0.2) == (name in ("noise", "all"))
        if name == "packing":
            np.testing.assert_allclose(change, 0, atol=1e-6)
    assert name == "packing" or np.abs(changes["real"] - changes["fake"]).min() > 1e-6  # noise of their own
    drawn = [both.sample(jax.random.key(4), state.variables, 3) for both in (plain, seen)]
    np.testing.assert_array_equal(*drawn)


def test_both_losses_are_of_what_the_critic_sees():
    both = replace(PLAIN, views=VIEWS["all"]()[:2])
    shared = prepared(both)
    real, fake = judged(shared["real"]), judged(on_one_replica(both.generate, start(), shared)[0])
    (critic, _), (generator, _) = losses(both, start(), shared)
    np.testing.assert_allclose(critic, LOSS.critic(real, fake).mean(), rtol=1e-5)
    np.testing.assert_allclose(generator, LOSS.generator(real, fake).mean(), rtol=1e-5)
    unseen = prepared(PLAIN)
    assert abs(float(losses(PLAIN, start(), unseen)[0][0] - critic)) > 1e-3


def test_a_critic_of_packs_is_made_for_packs():
    both = Adversaries(GENERATOR, CRITIC, LOSS, 3, views=(packing(size=3),))
    kernels = [started(which).variables["critic"]["params"]["Dense_0"]["kernel"].shape for which in (PLAIN, both)]
    assert kernels == [(16, 8), (48, 8)]


def test_the_critics_turn_moves_what_views_carry_and_the_generators_does_not():
    views = (augmentation(probability=0.5, target=0.6, pace=100), instance_noise(deviation=0.5, steps=10))
    both = Adversaries(GENERATOR, CRITIC, LOSS, 3, views=views)
    state = start(both).replace(step=jnp.asarray(3, jnp.int32))
    key = jax.random.key(0)
    shared = on_one_replica(lambda state: both.prepare(key, state, batch()), state)
    (_, (_, critic)), (_, (_, generator)) = losses(both, state, shared)
    assert "views" not in generator
    np.testing.assert_allclose(critic["views"]["instance_noise"]["deviation"], 0.5 * 0.6, rtol=1e-6)
    sure = np.sign(judged(shared["real"], state)).mean()
    np.testing.assert_allclose(
        critic["views"]["augmentation"]["probability"], 0.5 + 6 / 100 * np.sign(sure - 0.6), rtol=1e-6
    )


# What samples are told.


def test_data_and_samples_are_judged_with_the_labels_of_the_data():
    critic = ConditionalCritic(CRITIC, 5, "projection")
    both = Adversaries(ConditionalGenerator(GENERATOR, 5), critic, LOSS, 3, conditioning=Labels(5))
    variables = start(both).variables
    label = jnp.asarray([4, 0, 1, 1, 3, 2], jnp.int32)
    images = jnp.asarray(np.random.default_rng(1).normal(0, 1, (2, 6, *SHAPE)), jnp.float32)
    shared = {"real": images[0], "condition": {"label": label}}
    real, fake, _ = on_one_replica(both.judge, variables["critic"], shared, images[1])
    for said, image in ((real, images[0]), (fake, images[1])):
        alone = on_one_replica(lambda *args: train_mode(critic, *args)[0].logit, variables["critic"], image, label)
        np.testing.assert_allclose(said.logit, alone, atol=1e-6)


TOLD = Adversaries(
    ConditionalGenerator(GENERATOR, 5),
    ConditionalCritic(CRITIC, 5, "projection"),
    ADVERSARIAL_LOSSES["minimax"],
    3,
    conditioning=Labels(5),
    mismatched=0.5,
)
LABEL = np.array([4, 0, 1, 1, 3, 2], np.int32)  # what is said of the third is said of the fourth, too


def test_data_that_are_told_wrong_labels_are_half_of_what_is_not_data():
    """Algorithm 1 of Reed et al. 2016: -log s_r - (log(1 - s_w) + log(1 - s_f)) / 2."""
    state = start(TOLD)
    shared = on_one_replica(lambda: TOLD.prepare(jax.random.key(0), state, batch() | {"label": LABEL}))
    np.testing.assert_array_equal(shared["wrong"]["label"], [0, 1, 1, 3, 2, 4])
    fake = on_one_replica(TOLD.generate, state, shared)[0]
    logit = lambda image, label: np.asarray(  # noqa: E731
        on_one_replica(lambda: train_mode(TOLD.critic, state.variables["critic"], image, label)[0].logit)
    )
    softplus = lambda x: np.logaddexp(0, x)  # noqa: E731
    real, wrong = logit(shared["real"], LABEL), logit(shared["real"], np.roll(LABEL, -1))
    made, share = logit(fake, LABEL), np.array([0.5, 0.5, 0, 0.5, 0.5, 0.5])
    expected = softplus(-real) + share * softplus(wrong) + (1 - share) * softplus(made)
    value, (metrics, _) = on_one_replica(TOLD.critic_loss, jax.random.key(0), state, shared)
    np.testing.assert_allclose(value, expected.mean(), rtol=1e-5)
    right = (real > wrong)[share > 0]
    np.testing.assert_allclose(metrics["accuracy_mismatched"].value, right.mean(), rtol=1e-6)


def test_wrong_labels_do_not_depend_on_the_number_of_replicas():
    def wrong(replicas):
        split = jax.tree.map(lambda x: x.reshape(replicas, -1, *x.shape[1:]), batch() | {"label": LABEL})
        each = jax.vmap(lambda part: TOLD.prepare(jax.random.key(0), start(), part)["wrong"], axis_name=AXIS)(split)
        return each["label"].reshape(-1)

    np.testing.assert_array_equal(wrong(1), wrong(2))
    np.testing.assert_array_equal(wrong(1), np.roll(LABEL, -1))
