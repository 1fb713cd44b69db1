"""Adaptation as a game: who moves whom, what is never looked at, and a target that only adaptation gets right."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from gengen.core.parallel import AXIS, parallel, replicate
from gengen.core.transforms import scale_by_rate
from gengen.models.translation.adaptation import adaptation
from gengen.models.translation.affine import Affine
from gengen.models.translation.recognition import Consistency
from gengen.networks import mlp
from gengen.networks.critic import CriticNetwork, CriticOutput
from tests.units import scaled

CLASSES, SHAPE = 3, (4, 4, 1)


class Plain(nn.Module):
    @nn.compact
    def __call__(self, image, train):
        del train
        features = nn.tanh(nn.Dense(8)(image.reshape(image.shape[0], -1)))
        return features, nn.Dense(CLASSES)(features)


class Linear(nn.Module):
    """Begins with zeros, so that nothing but the data decides."""

    @nn.compact
    def __call__(self, image, train):
        del train
        features = image.reshape(image.shape[0], -1)
        return features, nn.Dense(CLASSES, kernel_init=nn.initializers.zeros)(features)


class Times(nn.Module):
    """Multiplies images by a number and adds another one."""

    @nn.compact
    def __call__(self, image, keys, train):
        del keys, train
        factor, shift = (self.param(name, nn.initializers.constant(0.4), ()) for name in ("factor", "shift"))
        return factor * image + shift


class Level(CriticNetwork):
    @property
    def judges_alone(self):
        return True

    @nn.compact
    def __call__(self, image, train):
        del train
        return CriticOutput(self.param("weight", nn.initializers.ones, ()) * image.mean(-1), image.mean((1, 2)))


TRANSLATED = {"to_b": Times(), "to_a": Times(), "critic_a": Level(), "critic_b": Level()}
PLAYERS = ("critic", "generator", "feature_critic", "classifier")


def build(networks=None, players=PLAYERS, affine=None, rate=0.1, consistency=None, **arguments):
    sgd = optax.chain(optax.identity(), scale_by_rate(rate))
    return adaptation(
        networks={"classifier": Plain()} | (networks or {}),
        optimizers=dict.fromkeys(players, sgd),
        affine=affine or Affine(),
        consistency=Consistency(**(consistency or {})),
        **arguments,
    )


def batch(size=8, channels=1):
    rng = np.random.default_rng(0)
    a, b = (scaled(rng.integers(0, 256, (size, *SHAPE[:2], depth), np.uint8)) for depth in (1, channels))
    return {"data": a, "label": rng.integers(0, CLASSES, size, np.int32), "second": {"data": b}}


def step(model, fed, state=None):
    """The state before, that after one step on one replica, and its metrics."""
    before = state or model.init(jax.random.key(0), fed)
    replica = jax.vmap(model.train_step, in_axes=(None, None, 0), axis_name=AXIS)
    after, metrics = jax.jit(replica)(jax.random.key(1), before, jax.tree.map(lambda leaf: leaf[None], fed))
    mean = {name: float(metric.total[0] / metric.count[0]) for name, metric in metrics.items()}
    return before, jax.tree.map(lambda leaf: leaf[0], after), mean


def equal(one, other):
    return all(np.array_equal(*leaves) for leaves in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


@functools.cache
def whole(**changes):
    """A step of the whole game, with these arguments changed."""
    arguments = {"translated": 0.0, "semantic": 0.0, "cycle": 1.0, "pool": 3, **changes}
    return step(build(TRANSLATED, **arguments), batch())


def test_a_label_that_a_translation_is_to_keep_pushes_the_translators_and_nobody_else():
    _, without, _ = whole(semantic=0.0)
    _, pushed, metrics = whole(semantic=5.0)
    for name in ("to_a", "to_b"):
        assert not equal(without.variables[name], pushed.variables[name]), name
    for name in ("classifier", "critic_a", "critic_b"):
        assert equal(without.variables[name], pushed.variables[name]), name
    assert {"generator/survival_a", "generator/survival_b"} <= metrics.keys()


def test_labels_of_translations_push_the_classifier_and_nobody_else():
    _, without, _ = whole(translated=0.0)
    _, pushed, metrics = whole(translated=5.0)
    for name in ("to_a", "to_b", "critic_a", "critic_b"):
        assert equal(without.variables[name], pushed.variables[name]), name
    assert not equal(without.variables["classifier"], pushed.variables["classifier"])
    assert "classifier/accuracy_translated" in metrics


def test_the_semantic_loss_is_the_cross_entropy_of_both_translations():
    """The critics have moved before, so the rest of the loss is what it is without this weight."""
    before, _, plain = whole(semantic=0.0)
    _, _, pushed = whole(semantic=5.0)
    params, fed = before.variables["classifier"]["params"], batch()

    def log_probabilities(image):
        features = np.tanh(image.reshape(8, -1) @ params["Dense_0"]["kernel"] + params["Dense_0"]["bias"][None])
        return np.asarray(jax.nn.log_softmax(features @ params["Dense_1"]["kernel"] + params["Dense_1"]["bias"][None]))

    a, b = fed["data"], fed["second"]["data"]
    meant = log_probabilities(b).argmax(1)
    cost = -log_probabilities(0.4 * a + 0.4)[np.arange(8), fed["label"]].mean()
    cost -= log_probabilities(0.4 * b + 0.4)[np.arange(8), meant].mean()
    np.testing.assert_allclose(pushed["generator/loss"] - plain["generator/loss"], 5 * cost, rtol=1e-4)
    kept = (log_probabilities(0.4 * a + 0.4).argmax(1) == fed["label"]).mean()
    assert pushed["generator/survival_b"] == pytest.approx(kept)


def test_the_classifier_sees_translations_as_it_sees_images():
    """In views: a translation that only fools it as it is would not look like its class."""
    noisy = Affine(noise=1.0)
    (plain, other), (pushed, seen) = (
        [whole(semantic=weight, affine=affine)[2]["generator/loss"] for affine in (Affine(), noisy)]
        for weight in (0.0, 5.0)
    )
    assert plain == pytest.approx(other)
    assert abs(pushed - seen) > 0.01


def test_labels_of_the_target_are_never_looked_at():
    fed = batch()
    planted = {**fed, "second": {**fed["second"], "label": np.zeros(8, np.int32)}}
    model = build(TRANSLATED, consistency={"weight": 1.0, "threshold": 0.0})
    state = model.init(jax.random.key(0), fed)
    assert equal(step(model, fed, state)[1], step(model, planted, state)[1])


def test_without_anything_to_adapt_the_target_is_not_needed_and_changes_nothing():
    model, fed = build(players=("classifier",)), batch()
    alone = {name: fed[name] for name in ("data", "label")}
    (before, one, metrics), (_, other, _) = step(model, fed), step(model, alone)
    assert equal(one, other)
    assert before.variables.keys() == {"classifier"}
    assert metrics.keys() == {f"classifier/{name}" for name in ("loss", "accuracy", "gradient_norm")}
    assert model.translate is None


def test_turns_are_those_of_the_parts_that_there_are():
    nets = {**TRANSLATED, "feature_critic": mlp.Critic(widths=(4,))}
    before, after, metrics = step(build(nets, feature=1.0, consistency={"weight": 1.0}), batch())
    assert {name.split("/")[0] for name in metrics} == set(PLAYERS)
    assert before.variables.keys() == {"classifier", "teacher", "feature_critic", *TRANSLATED, "pool_a", "pool_b"}
    for name in before.variables:
        assert name == "teacher" or not equal(before.variables[name], after.variables[name]), name


def test_with_translators_images_are_translated_both_ways():
    model = build(TRANSLATED)
    variables, image = model.init(jax.random.key(0), batch()).variables, jnp.full((2, *SHAPE), 0.5)
    assert model.translate.keys() == {"ab", "ba"}
    np.testing.assert_allclose(model.translate["ab"](jax.random.key(0), variables, image), 0.6, rtol=1e-6)


# A target that only adaptation gets right.


def blobs(brightness, number, seed):
    """Pictures on a ground of some brightness, with a brighter blob left, one right, or none: the classes."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, CLASSES, number, np.int32)
    image = brightness + rng.normal(0, 8, (number, *SHAPE))
    for kind in (0, 1):
        image[label == kind, 1:3, 2 * kind : 2 * kind + 2] += 60
    return scaled(np.clip(np.rint(image), 0, 255).astype(np.uint8)), label


def trained(steps=150, size=32, **arguments):
    """Accuracy on fresh source and target images."""
    model = build({"classifier": Linear()}, ("classifier",), rate=0.1, **arguments)
    images, label = blobs(30, steps * size, 0)
    second, _ = blobs(190, steps * size, 1)

    def laid(leaf):
        return leaf.reshape(1, steps, size, *leaf.shape[1:])

    fed = {"data": laid(images), "label": laid(label), "second": {"data": laid(second)}}
    first = jax.jit(model.init)(jax.random.key(0), jax.tree.map(lambda leaf: leaf[0, 0], fed))
    one = jax.devices()[:1]
    state, _ = parallel(model.train_step, one)(jax.random.key(1), replicate(first, one), fed)
    shares = []
    for brightness in (30, 190):
        images, label = blobs(brightness, 500, 2)
        found = model.recognise(jax.random.key(0), state.variables, images)["label"]
        shares.append(float(np.mean(np.asarray(found).argmax(1) == label)))
    return shares


def test_self_ensembling_gets_a_target_right_that_labels_of_the_source_alone_get_wrong():
    alone = trained()
    assert alone[0] > 0.98
    assert alone[1] < 0.7
    adapted = trained(
        affine=Affine(noise=0.1), consistency={"weight": 3.0, "threshold": 0.0, "balance": 1.0, "decay": 0.9}
    )
    assert adapted[0] > 0.98
    assert adapted[1] > 0.95


# Refusals.


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"translated": -1.0}, "translated=-1"),
        ({"semantic": float("inf")}, "semantic=inf"),
        ({"feature": 1.0}, r"feature=1\.0 needs networks\.feature_critic"),
        ({"affine": Affine(deviation=-1.0)}, "deviation=-1"),
        ({"consistency": {"decay": 1.0}}, "decay=1"),
        ({"networks": {"to_b": Times()}}, "needs the networks critic_a, critic_b, to_a"),
        ({"networks": TRANSLATED, "loss": "lsgan"}, "loss='lsgan'"),
        ({"players": ("critic", "generator")}, r"needs optimizers\.classifier"),
        ({"networks": TRANSLATED, "players": ("classifier",)}, r"needs optimizers\.critic"),
    ],
)
def test_what_cannot_be_is_refused(wrong, match):
    with pytest.raises(ValueError, match=match):
        build(**wrong)


def test_without_a_classifier_there_is_no_game():
    with pytest.raises(ValueError, match="needs the networks classifier"):
        adaptation(networks={}, optimizers={}, affine=Affine(), consistency=Consistency())


@pytest.mark.parametrize(
    ("arguments", "fed", "match"),
    [
        ({}, {"data": batch()["data"]}, "needs labels of the first"),
        ({"consistency": {"weight": 1.0}}, {n: batch()[n] for n in ("data", "label")}, r"data\.second\.name"),
        ({"networks": TRANSLATED}, {n: batch()[n] for n in ("data", "label")}, r"data\.second\.name"),
        ({"networks": TRANSLATED, "identity": 0.0}, batch(channels=3), "one shape, .* 4 x 4 x 1 and 4 x 4 x 3"),
        ({"consistency": {"weight": 1.0}}, batch(channels=3), "one shape, .* 4 x 4 x 1 and 4 x 4 x 3"),
    ],
)
def test_data_that_do_not_go_together_are_refused(arguments, fed, match):
    with pytest.raises(ValueError, match=match):
        build(**arguments).init(jax.random.key(0), fed)
