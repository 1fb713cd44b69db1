"""pix2pix: its losses against closed forms, what its critic sees, and translations of any size."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from gengen.core.parallel import AXIS
from gengen.core.transforms import scale_by_rate
from gengen.models.translation.pairings import PAIRINGS
from gengen.models.translation.pix2pix import pix2pix
from gengen.networks import patchgan, unet
from gengen.networks.critic import CriticNetwork, CriticOutput
from tests.units import scaled

RATE = 0.1


class Times(nn.Module):
    """Multiplies images by a number that is learnt."""

    first: float = 0.5
    channels: int = 1

    @nn.compact
    def __call__(self, image, keys, train):
        del keys, train
        factor = self.param("factor", nn.initializers.constant(self.first), ())
        return factor * jnp.tile(image.mean(-1, keepdims=True), (1, 1, 1, self.channels))


class Weighing(CriticNetwork):
    """A logit for each pixel: its channels, weighed."""

    first: float = 0.3

    @property
    def judges_alone(self):
        return True

    @nn.compact
    def __call__(self, image, train):
        del train
        weights = self.param("weights", nn.initializers.constant(self.first), (image.shape[-1],))
        return CriticOutput(image @ weights, image.mean((1, 2)))


def build(pairing="given", *, networks=None, **arguments):
    sgd = optax.chain(optax.identity(), scale_by_rate(RATE))
    return pix2pix(
        networks=networks or {"to_b": Times(), "critic_b": Weighing()},
        optimizers={"generator": sgd, "critic": sgd},
        pairing=PAIRINGS[pairing]() if isinstance(pairing, str) else pairing,
        **{"jitter": 0, "mirror": False, **arguments},
    )


def batch(size=4, channels=1, paired=1, height=6, width=5):
    rng = np.random.default_rng(0)
    shapes = {"data": (size, height, width, channels), "paired": (size, height, width, paired)}
    return {name: scaled(rng.integers(0, 256, shape, np.uint8)) for name, shape in shapes.items()}


def step(model, fed):
    """The state before, that after one step on one replica, and its metrics."""
    before = model.init(jax.random.key(0), fed)
    replica = jax.vmap(model.train_step, in_axes=(None, None, 0), axis_name=AXIS)
    after, metrics = jax.jit(replica)(jax.random.key(1), before, jax.tree.map(lambda leaf: leaf[None], fed))
    mean = {name: float(metric.total[0] / metric.count[0]) for name, metric in metrics.items()}
    return before, jax.tree.map(lambda leaf: leaf[0], after), mean


def softplus(x):
    return np.logaddexp(0, x)


def test_without_a_critic_a_step_is_down_the_mean_absolute_error():
    fed = batch()
    a, b = fed["paired"], fed["data"]
    _, after, metrics = step(build(adversary=False, weight=7.0, networks={"to_b": Times(0.5)}), fed)
    error = np.abs(b - 0.5 * a).mean()
    assert metrics.keys() == {f"generator/{name}" for name in ("loss", "absolute_error", "gradient_norm")}
    np.testing.assert_allclose(metrics["generator/absolute_error"], error, rtol=1e-5)
    np.testing.assert_allclose(metrics["generator/loss"], 7 * error, rtol=1e-5)
    slope = 7 * (np.sign(0.5 * a - b) * a).mean()
    np.testing.assert_allclose(after.variables["to_b"]["params"]["factor"], 0.5 - RATE * slope, rtol=1e-4)


def test_without_a_critic_there_are_no_variables_of_one():
    before, _, _ = step(build(adversary=False, networks={"to_b": Times()}), batch())
    assert before.variables.keys() == {"to_b"}
    assert before.opt.keys() == {"generator"}


def test_the_losses_are_eq_4_and_half_of_the_critics_part_of_eq_1():
    """The translator moves after the critic, whose step is written out."""
    fed = batch()
    a, b = fed["paired"][..., 0], fed["data"][..., 0]
    _, after, metrics = step(build(weight=10.0), fed)
    real, fake = 0.3 * a + 0.3 * b, 0.3 * a + 0.3 * 0.5 * a
    both = (softplus(-real) + softplus(fake)).mean()
    np.testing.assert_allclose(metrics["critic/loss"], both / 2, rtol=1e-5)
    np.testing.assert_allclose(metrics["critic/jensen_shannon"], np.log(2) - both / 2, rtol=1e-4)
    sigmoid = [1 / (1 + np.exp(-logit)) for logit in (-real, fake)]
    slopes = [(-sigmoid[0] * a + sigmoid[1] * a).mean() / 2, (-sigmoid[0] * b + sigmoid[1] * 0.5 * a).mean() / 2]
    weights = 0.3 - RATE * np.asarray(slopes)
    np.testing.assert_allclose(after.variables["critic_b"]["params"]["weights"], weights, rtol=1e-5)
    fooled = softplus(-(weights[0] * a + weights[1] * 0.5 * a)).mean()
    np.testing.assert_allclose(metrics["generator/adversarial"], fooled, rtol=1e-5)
    np.testing.assert_allclose(metrics["generator/loss"], fooled + 10 * np.abs(b - 0.5 * a).mean(), rtol=1e-5)


def test_the_critic_sees_both_pictures_of_a_pair():
    model = build("grey", networks={"to_b": Times(channels=3), "critic_b": Weighing()})
    state = model.init(jax.random.key(0), batch(channels=3))
    assert state.variables["critic_b"]["params"]["weights"].shape == (1 + 3,)


def test_a_weight_of_0_leaves_the_game_alone():
    _, _, metrics = step(build(weight=0.0), batch())
    np.testing.assert_allclose(metrics["generator/loss"], metrics["generator/adversarial"], rtol=1e-6)


# What is added.


def test_a_translator_that_adds_nothing_gives_its_input_back_grey_as_colour():
    model = build("grey", residual=True, networks={"to_b": Times(0.0, channels=3), "critic_b": Weighing()})
    fed = batch(channels=3)
    a, b = model.pair(jax.random.key(0), fed)
    made = model.translate["ab"](jax.random.key(0), model.init(jax.random.key(0), fed).variables, a)
    np.testing.assert_allclose(made, np.tile(a, 3), atol=1e-6)
    _, _, metrics = step(model, fed)
    np.testing.assert_allclose(metrics["generator/absolute_error"], np.abs(np.tile(a, 3) - b).mean(), rtol=1e-5)


def test_what_is_added_never_leaves_the_range_of_pixels():
    model = build(residual=True, networks={"to_b": Times(5.0), "critic_b": Weighing()})
    fed = batch()
    a = fed["paired"]
    made = model.translate["ab"](jax.random.key(0), model.init(jax.random.key(0), fed).variables, a)
    np.testing.assert_allclose(made, np.clip(6 * a, -1, 1), atol=1e-5)


def test_nothing_can_be_added_to_more_channels_than_there_are_to_be():
    with pytest.raises(ValueError, match=r"residual=True cannot add to 3 channels to make 1"):
        build(residual=True).init(jax.random.key(0), batch(channels=1, paired=3))


# Translations.


def networks(channels):
    return {"to_b": unet.Translator(channels, width=4), "critic_b": patchgan.Critic(4, layers=1)}


@pytest.fixture(scope="module")
def colours():
    """A model of grey pictures of 17 x 23 to colour, with its first variables, five times as large."""
    model = build("grey", networks=networks(3))
    fed = batch(channels=3, height=17, width=23)
    state = jax.jit(model.init)(jax.random.key(0), fed)
    a, _ = model.pair(jax.random.key(1), fed)
    return jax.jit(model.translate["ab"]), jax.tree.map(lambda leaf: 5 * leaf, state.variables), a


def test_pictures_of_odd_sizes_keep_them(colours):
    translate, variables, a = colours
    made = translate(jax.random.key(2), variables, a)
    assert (made.shape, made.dtype) == ((4, 17, 23, 3), jnp.float32)
    assert float(jnp.abs(made).max()) <= 1


def test_a_translation_is_one_of_several_and_depends_on_no_other_picture(colours):
    translate, variables, a = colours
    made, others = (translate(jax.random.key(key), variables, a) for key in (2, 3))
    assert float(jnp.abs(made - others).max()) > 0.01
    np.testing.assert_allclose(translate(jax.random.key(2), variables, a[:2]), made[:2], atol=1e-4)


def test_a_pair_depends_on_its_key_alone_and_has_both_pictures():
    model, fed = build("masked"), batch(channels=3)
    a, b = model.pair(jax.random.key(0), fed)
    np.testing.assert_allclose(b, fed["data"], atol=1e-6)
    assert a.shape == (*b.shape[:-1], 4)
    np.testing.assert_array_equal(model.pair(jax.random.key(0), fed)[0], a)
    assert not np.array_equal(model.pair(jax.random.key(1), fed)[0], a)


@pytest.mark.parametrize("residual", [False, True])
def test_what_is_seen_of_a_picture_stays_and_its_hole_is_what_the_translator_says(residual):
    model, fed = build("masked", networks=networks(3), residual=residual), batch(channels=3, height=16, width=16)
    a, b = model.pair(jax.random.key(0), fed)
    variables = jax.jit(model.init)(jax.random.key(1), fed).variables
    made = model.translate["ab"](jax.random.key(2), jax.tree.map(lambda leaf: 5 * leaf, variables), a)
    hidden = np.asarray(a[..., 3:] < 0)
    np.testing.assert_array_equal(np.where(hidden, 0, made), np.where(hidden, 0, b))
    assert (made != a[..., :3])[np.broadcast_to(hidden, made.shape)].all()
    untouched = model.translate["ab"](jax.random.key(2), jax.tree.map(lambda leaf: 0 * leaf, variables), a)
    np.testing.assert_allclose(untouched, a[..., :3] if residual else np.where(hidden, 0, b), atol=1e-6)


def test_both_pictures_of_a_pair_are_jittered_alike():
    """Where both are the same, a translator that changes nothing is right whatever the jitter."""
    fed = batch()
    same = {"data": fed["data"], "paired": fed["data"]}
    model = build(adversary=False, jitter=3, mirror=True, networks={"to_b": Times(1.0)})
    assert step(model, same)[2]["generator/absolute_error"] == 0
    assert step(model, fed)[2]["generator/absolute_error"] > 0.1


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"loss": "lsgan"}, "loss='lsgan' must be one of"),
        ({"weight": -1.0}, "weight=-1"),
        ({"weight": float("inf")}, "weight=inf"),
        ({"jitter": -1}, "jitter=-1"),
        ({"adversary": False, "weight": 0.0}, "nothing to learn from"),
        ({"networks": {"to_b": Times()}}, "needs the networks critic_b"),
        ({"networks": {"critic_b": Weighing()}}, "needs the networks to_b"),
    ],
)
def test_what_cannot_be_is_refused(wrong, match):
    with pytest.raises(ValueError, match=match):
        build(**wrong)
