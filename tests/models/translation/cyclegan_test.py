"""CycleGAN: cycles of translators that undo each other cost nothing, and all parts of its losses have their weights."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from gengen.core.parallel import AXIS
from gengen.core.state import State, params_of, with_params
from gengen.core.transforms import scale_by_rate
from gengen.models.translation.cyclegan import cycle_of, cyclegan
from gengen.models.translation.cyclegan_game import TRANSLATORS
from gengen.networks import patchgan, resnet, unet
from gengen.networks.critic import CriticNetwork, CriticOutput
from tests.units import scaled

RATE = 0.1
TURN = ((0.0, -1.0, 0.0), (0.0, 0.0, 1.0), (-1.0, 0.0, 0.0))
"""A shuffle of channels, of which two change their sign."""
SAME = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


class Mixing(nn.Module):
    """Multiplies the channels of each pixel by a matrix that is learnt."""

    first: tuple[tuple[float, ...], ...] = SAME

    @nn.compact
    def __call__(self, image, keys, train):
        del keys, train
        return image @ self.param("matrix", lambda key: jnp.asarray(self.first))


class Level(CriticNetwork):
    """A logit for each pixel: a number that is learnt, times the mean of its channels."""

    first: float = 0.0

    @property
    def judges_alone(self):
        return True

    @nn.compact
    def __call__(self, image, train):
        del train
        weight = self.param("weight", nn.initializers.constant(self.first), ())
        return CriticOutput(weight * image.mean(-1), image.mean((1, 2)))


def inverse(matrix):
    return tuple(zip(*matrix, strict=True))  # of a shuffle with signs, the transpose


def build(to_b=TURN, to_a=None, critic=0.0, networks=None, **arguments):
    sgd = optax.chain(optax.identity(), scale_by_rate(RATE))
    made = {"to_b": Mixing(to_b), "to_a": Mixing(to_a or inverse(to_b)), "critic_a": Level(critic)}
    return cyclegan(
        networks=networks or {**made, "critic_b": Level(critic)},
        optimizers={"generator": sgd, "critic": sgd},
        **{"jitter": 0, "mirror": False, "pool": 0, **arguments},
    )


def batch(size=4, channels=(3, 3), height=5, width=4):
    rng = np.random.default_rng(0)
    a, b = (scaled(rng.integers(0, 256, (size, height, width, depth), np.uint8)) for depth in channels)
    return {"data": a, "second": {"data": b}}


A, B = (jnp.asarray(image) for image in (batch()["data"], batch()["second"]["data"]))


def step(model, fed, state=None):
    """The state before, that after one step on one replica, and its metrics."""
    before = state or model.init(jax.random.key(0), fed)
    replica = jax.vmap(model.train_step, in_axes=(None, None, 0), axis_name=AXIS)
    after, metrics = jax.jit(replica)(jax.random.key(1), before, jax.tree.map(lambda leaf: leaf[None], fed))
    mean = {name: float(metric.total[0] / metric.count[0]) for name, metric in metrics.items()}
    return before, jax.tree.map(lambda leaf: leaf[0], after), mean


def played(*, to_b=TURN, to_a=None, cycle=10.0, identity=0.0):
    """Loss, metrics and gradient of the translators' turn, on critics that take everything for the same.

    Not compiled, or fused arithmetic would round zeros.
    """
    networks = {"to_b": Mixing(to_b), "to_a": Mixing(to_a or inverse(to_b)), "critic_a": Level(), "critic_b": Level()}
    game = cycle_of(networks, loss="least_squares", cycle=cycle, identity=identity, pool=0, jitter=0, mirror=False)
    variables = game.init(jax.random.key(0), batch())
    keys = jax.random.split(jax.random.key(0), 4)

    def loss(params):
        state = State(jnp.zeros((), jnp.int32), with_params(variables, params), {})
        return game.generator_loss(keys[0], state, {"a": A, "b": B, "noise": keys})

    (value, (metrics, _)), gradient = jax.value_and_grad(loss, has_aux=True)(params_of(variables, TRANSLATORS))
    steepest = {name: float(jnp.abs(gradient[name]["matrix"]).max()) for name in TRANSLATORS}
    return float(value), {name: float(mean.value) for name, mean in metrics.items()}, steepest


NEGATIVE = tuple(tuple(-x for x in row) for row in SAME)


@pytest.mark.parametrize("matrix", [TURN, NEGATIVE], ids=["shuffle", "negative"])
def test_cycles_of_translators_that_undo_each_other_cost_nothing_and_move_nothing(matrix):
    value, metrics, gradient = played(to_b=matrix)
    assert metrics["cycle_a"] == metrics["cycle_b"] == 0
    assert value == 2 * 0.5  # (0 - 1)^2 / 2 for each critic
    assert gradient == {"to_b": 0, "to_a": 0}


def test_cycles_of_other_translators_cost_their_absolute_error_and_move_them():
    twice = np.asarray(TURN, np.float32) @ np.asarray(TURN, np.float32)
    value, metrics, gradient = played(to_b=TURN, to_a=TURN, cycle=3.0)
    errors = [np.abs(image @ twice - image).mean() for image in (A, B)]
    np.testing.assert_allclose([metrics["cycle_a"], metrics["cycle_b"]], errors, rtol=1e-5)
    np.testing.assert_allclose(value, 1 + 3 * sum(errors), rtol=1e-5)
    assert min(gradient.values()) > 0.1


def test_translators_that_change_nothing_keep_their_domain_and_are_not_moved():
    value, metrics, gradient = played(to_b=SAME, identity=0.5)
    assert metrics["identity_a"] == metrics["identity_b"] == 0
    assert value == 1
    assert gradient == {"to_b": 0, "to_a": 0}


def test_the_change_of_images_of_the_domain_already_weighs_identity_times_cycle():
    value, metrics, gradient = played(to_b=NEGATIVE, cycle=4.0, identity=0.25)
    changes = [2 * np.abs(image).mean() for image in (A, B)]
    np.testing.assert_allclose([metrics["identity_a"], metrics["identity_b"]], changes, rtol=1e-5)
    np.testing.assert_allclose(value, 1 + 4 * 0.25 * sum(changes), rtol=1e-5)
    assert min(gradient.values()) > 0.1


def test_both_critics_losses_are_halved_and_each_judges_its_domain():
    """Least squares: (D(real) - 1)^2 / 2 + D(fake)^2 / 2, with D the mean of the channels."""
    fed = batch()
    a, b = fed["data"], fed["second"]["data"]
    turn = np.asarray(TURN, np.float32)
    _, after, metrics = step(build(TURN, critic=1.0, cycle=0.0), fed)
    total, weights = 0.0, {}
    for name, real, fake in (("a", a, b @ turn.T), ("b", b, a @ turn)):
        real, fake = real.mean(-1), fake.mean(-1)
        loss = ((real - 1) ** 2 / 2 + fake**2 / 2).mean()
        np.testing.assert_allclose(metrics[f"critic/le_cam_{name}"], 1 - 4 * loss, rtol=1e-4)
        total += loss / 2
        weights[name] = 1 - RATE * ((real - 1) * real + fake**2).mean() / 2
        np.testing.assert_allclose(after.variables[f"critic_{name}"]["params"]["weight"], weights[name], rtol=1e-5)
        fooled = ((weights[name] * fake - 1) ** 2 / 2).mean()
        np.testing.assert_allclose(metrics[f"generator/adversarial_{name}"], fooled, rtol=1e-4)
    np.testing.assert_allclose(metrics["critic/loss"], total, rtol=1e-5)


def test_critics_are_shown_the_pool_and_the_pool_holds_translations():
    fed = batch()
    model = build(TURN, critic=1.0, pool=4)
    before, state, _ = step(model, fed)
    for name, image, matrix in (
        ("b", fed["data"], np.asarray(TURN)),
        ("a", fed["second"]["data"], np.asarray(TURN).T),
    ):
        pool = state.variables[f"pool_{name}"]["pool"]
        assert before.variables[f"pool_{name}"]["pool"]["count"] == 0
        assert pool["count"] == 4
        np.testing.assert_allclose(pool["images"], image @ matrix, atol=1e-5)
    assert "params" not in state.variables["pool_a"]
    latest = {"data": np.zeros_like(fed["data"]), "second": {"data": np.zeros_like(fed["data"])}}
    shown, plain = (
        step(build(TURN, critic=1.0, pool=pool), latest, state if pool else drop(state))[2] for pool in (4, 0)
    )
    assert shown["critic/loss"] != pytest.approx(plain["critic/loss"])  # some of the first step's translations are back
    np.testing.assert_allclose(shown["generator/cycle_a"], plain["generator/cycle_a"], rtol=1e-5)


def drop(state):
    """The state without pools."""
    kept = {name: tree for name, tree in state.variables.items() if not name.startswith("pool")}
    return state.replace(variables=kept)


def test_without_a_pool_there_is_none():
    assert build(pool=0).init(jax.random.key(0), batch()).variables.keys() == {"to_a", "to_b", "critic_a", "critic_b"}


# Domains.


def nets(channels_a, channels_b, kind=resnet):
    arguments = {"blocks": 1, "halvings": 1, "kernel": 3} if kind is resnet else {}
    return {
        "to_b": kind.Translator(channels_b, width=4, **arguments),
        "to_a": kind.Translator(channels_a, width=4, **arguments),
        **{f"critic_{name}": patchgan.Critic(4, layers=1, norm="instance") for name in "ab"},
    }


@pytest.mark.parametrize("kind", [resnet, unet], ids=["resnet", "unet"])
def test_domains_of_unequal_channels_and_odd_sizes_are_translated_both_ways(kind):
    model, fed = build(networks=nets(1, 3, kind), identity=0.0, pool=3), batch(2, (1, 3), 17, 23)
    shapes = jax.eval_shape(lambda: step_shapes(model, fed))
    assert {name: made.shape for name, made in shapes.items()} == {"ab": (2, 17, 23, 3), "ba": (2, 17, 23, 1)}


def step_shapes(model, fed):
    state = model.init(jax.random.key(0), fed)
    replica = jax.vmap(model.train_step, in_axes=(None, None, 0), axis_name=AXIS)
    after, _ = replica(jax.random.key(1), state, jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], fed))
    variables = jax.tree.map(lambda leaf: leaf[0], after.variables)
    images = {"ab": fed["data"], "ba": fed["second"]["data"]}
    return {way: model.translate[way](jax.random.key(2), variables, jnp.asarray(images[way])) for way in images}


def test_each_direction_is_its_own_translators():
    model = build(TURN, SAME)
    variables = model.init(jax.random.key(0), batch()).variables
    a = batch()["data"]
    np.testing.assert_allclose(model.translate["ab"](jax.random.key(0), variables, a), a @ np.asarray(TURN), atol=1e-6)
    np.testing.assert_allclose(model.translate["ba"](jax.random.key(0), variables, a), a, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "fed", "match"),
    [
        (
            {"identity": 0.5},
            batch(2, (1, 3)),
            r"identity=0\.5 needs domains of as many channels.* 1 and 3; set it to 0",
        ),
        ({}, {"data": batch()["data"]}, r"needs a second data set: data\.second\.name"),
        (
            {},
            {"data": batch()["data"], "second": {"data": batch(height=8, width=8)["data"]}},
            "must have the same resolution, .* 5 x 4 and 8 x 8",
        ),
    ],
)
def test_domains_that_do_not_go_together_are_refused(arguments, fed, match):
    with pytest.raises(ValueError, match=match):
        build(**arguments).init(jax.random.key(0), fed)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"loss": "lsgan"}, "loss='lsgan' must be one of"),
        ({"cycle": -1.0}, "cycle=-1"),
        ({"identity": float("nan")}, "identity=nan"),
        ({"pool": -1}, "pool=-1"),
        ({"jitter": -1}, "jitter=-1"),
        ({"networks": {"to_b": Mixing(), "critic_b": Level()}}, "needs the networks critic_a, to_a"),
    ],
)
def test_what_cannot_be_is_refused(wrong, match):
    with pytest.raises(ValueError, match=match):
        build(**wrong)
