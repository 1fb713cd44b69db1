"""CoGAN: what one domain teaches the layers that both share changes the other domain, and nothing else does."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from gengen.core.parallel import AXIS, example_keys
from gengen.core.transforms import scale_by_rate
from gengen.losses.adversarial import ADVERSARIAL_LOSSES
from gengen.models.translation.affine import Affine
from gengen.models.translation.cogan import CRITIC, GENERATOR, Coupled, cogan
from gengen.networks import classifier
from gengen.networks.critic import CriticNetwork, CriticOutput
from tests.units import scaled

SHAPE, LATENT, CLASSES = (4, 3, 1), 2, 3


class Trunk(nn.Module):
    """One tanh layer."""

    @nn.compact
    def __call__(self, latent, train):
        del train
        return nn.tanh(nn.Dense(6)(latent))


class Head(nn.Module):
    @nn.compact
    def __call__(self, maps, train):
        del train
        return nn.tanh(nn.Dense(12)(maps)).reshape(-1, *SHAPE)


class Stem(nn.Module):
    @nn.compact
    def __call__(self, image, train):
        del train
        return nn.tanh(nn.Dense(5)(image.reshape(image.shape[0], -1)))


class Shared(CriticNetwork):
    @property
    def judges_alone(self):
        return True

    @nn.compact
    def __call__(self, maps, train):
        del train
        features = nn.tanh(nn.Dense(4)(maps))
        return CriticOutput(nn.Dense(1)(features)[:, 0], features)


NETWORKS = {
    "trunk": Trunk(),
    **{f"head_{name}": Head() for name in "ab"},
    **{f"stem_{name}": Stem() for name in "ab"},
    "critic": Shared(),
    "classifier": classifier.Linear(CLASSES),
}
ALONE = {name: network for name, network in NETWORKS.items() if name != "classifier"}
LOSS = ADVERSARIAL_LOSSES["non_saturating"]
GAME = Coupled(NETWORKS, LOSS, LATENT, 1.0, Affine())


def build(networks=NETWORKS, rate=0.1, affine=None, **arguments):
    sgd = optax.chain(optax.identity(), scale_by_rate(rate))
    players = {"generator": sgd, "critic": sgd}
    return cogan(networks=networks, optimizers=players, affine=affine or Affine(), latent=LATENT, **arguments)


def batch(size=8):
    rng = np.random.default_rng(0)
    a, b = scaled(rng.integers(0, 256, (2, size, *SHAPE), np.uint8))
    return {"data": a, "label": rng.integers(0, CLASSES, size, np.int32), "second": {"data": b}}


FIRST, OTHER = (jax.jit(GAME.init)(jax.random.key(seed), batch()) for seed in (0, 1))
VARIABLES = {**FIRST, **{name: OTHER[name] for name in ("head_b", "stem_b")}}
"""Of domains that are no longer alike."""

Z = jax.random.normal(jax.random.key(5), (8, LATENT))


def with_params(params):
    return {name: {"params": params[name]} for name in params}


PARAMS = {name: tree["params"] for name, tree in VARIABLES.items()}


def largest(tree):
    return max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(tree))


def descended(loss):
    """The gradient by network, and the parameters after a step down it."""
    gradient = jax.jit(jax.grad(loss))(PARAMS)
    return gradient, with_params(jax.tree.map(lambda old, slope: old - 0.1 * slope, PARAMS, gradient))


def test_what_domain_a_teaches_the_generator_changes_domain_b_through_the_trunk_alone():
    def loss_of_a(params):
        fakes, _ = GAME.generate(with_params(params), Z, train=False)
        judged, _ = GAME.judge(with_params(params), {"a": fakes["a"]}, train=False)
        return LOSS.generator(judged["a"].logit, judged["a"].logit).mean()

    gradient, after = descended(loss_of_a)
    assert largest(gradient["trunk"]) > 0
    assert largest(gradient["head_a"]) > 0
    assert largest(gradient["head_b"]) == largest(gradient["stem_b"]) == 0
    old, shared = (GAME.generate(variables, Z, train=False)[0]["b"] for variables in (VARIABLES, after))
    assert float(jnp.abs(shared - old).max()) > 1e-4
    # With the trunk of before, what b's head makes is what it made.
    kept, _ = GAME.generate({**after, "trunk": VARIABLES["trunk"]}, Z, train=False)
    np.testing.assert_array_equal(kept["b"], old)


def test_what_domain_a_teaches_the_critic_changes_what_it_says_of_b_through_the_shared_layers_alone():
    real, fake = batch()["data"], batch()["data"][::-1]
    other = {"b": batch()["second"]["data"]}

    def loss_of_a(params):
        judged = [GAME.judge(with_params(params), {"a": image}, train=False)[0]["a"].logit for image in (real, fake)]
        return LOSS.critic(*judged).mean()

    gradient, after = descended(loss_of_a)
    assert min(largest(gradient["critic"]), largest(gradient["stem_a"])) > 0
    assert largest(gradient["stem_b"]) == largest(gradient["head_b"]) == 0
    old, shared = (GAME.judge(variables, other, train=False)[0]["b"].logit for variables in (VARIABLES, after))
    assert float(jnp.abs(shared - old).max()) > 1e-5
    kept, _ = GAME.judge({**after, "critic": VARIABLES["critic"]}, other, train=False)
    np.testing.assert_array_equal(kept["b"].logit, old)


def test_both_domains_begin_alike():
    fakes, _ = GAME.generate(FIRST, Z, train=False)
    np.testing.assert_array_equal(fakes["a"], fakes["b"])
    image = batch()["data"]
    judged, _ = GAME.judge(FIRST, {"a": image, "b": image}, train=False)
    np.testing.assert_allclose(judged["a"].logit, judged["b"].logit, atol=1e-6)
    later, _ = GAME.generate(VARIABLES, Z, train=False)
    assert not np.allclose(later["a"], later["b"])


def test_both_domains_are_judged_as_they_would_be_alone():
    images = {"a": batch()["data"], "b": batch()["second"]["data"]}
    both, _ = GAME.judge(VARIABLES, images, train=False)
    for name, image in images.items():
        alone, _ = GAME.judge(VARIABLES, {name: image}, train=False)
        np.testing.assert_allclose(both[name].logit, alone[name].logit, atol=1e-6)
    assert not np.allclose(both["a"].logit, both["b"].logit)


def step(model, fed, state=None):
    """The state before, that after one step on one replica, and its metrics."""
    before = state or model.init(jax.random.key(0), fed)
    replica = jax.vmap(model.train_step, in_axes=(None, None, 0), axis_name=AXIS)
    after, metrics = jax.jit(replica)(jax.random.key(1), before, jax.tree.map(lambda leaf: leaf[None], fed))
    mean = {name: float(metric.total[0] / metric.count[0]) for name, metric in metrics.items()}
    return before, jax.tree.map(lambda leaf: leaf[0], after), mean


@pytest.mark.parametrize("name", ["softmax", "non_saturating"])
def test_losses_are_sums_over_the_domains_each_by_itself_and_the_critics_has_the_cross_entropy_of_a(name):
    """Of domains whose logits lie apart: what a loss takes from the whole batch is of one domain's."""
    fed, weight, loss = batch(), 0.7, ADVERSARIAL_LOSSES[name]
    model = build(weight=weight, loss=name)
    start = model.init(jax.random.key(0), fed)
    apart = {**start.variables, "stem_b": jax.tree.map(lambda leaf: leaf + 1, start.variables["stem_b"])}
    before, after, metrics = step(model, fed, start.replace(variables=apart))
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(1), 0), 0)
    images = {"a": fed["data"], "b": fed["second"]["data"]}
    fakes, _ = GAME.generate(before.variables, GAME.latents(example_keys(key, 8)), train=False)
    moved = {**before.variables, **{network: after.variables[network] for network in CRITIC}}
    said = [
        [GAME.judge(variables, seen, train=False)[0] for seen in (images, fakes)]
        for variables in (before.variables, moved)
    ]

    def of_domain(function, at, domain):
        logits = [judged[domain].logit for judged in said[at]]
        return float(function(*(loss.of_batch(*logits) if loss.of_batch else logits)).mean())

    losses = {domain: of_domain(loss.critic, 0, domain) for domain in "ab"}
    dense = before.variables["classifier"]["params"]["Dense_0"]
    logits = said[0][0]["a"].features @ dense["kernel"] + dense["bias"][None]
    nats = -np.asarray(jax.nn.log_softmax(logits))[np.arange(8), fed["label"]].mean()
    np.testing.assert_allclose(metrics["critic/loss"], losses["a"] + losses["b"] + weight * nats, rtol=1e-5)
    for domain in "ab":
        estimate = loss.distance(jnp.asarray(losses[domain]))
        np.testing.assert_allclose(metrics[f"critic/{loss.estimate}_{domain}"], estimate, atol=1e-5)
    assert metrics["critic/accuracy"] == np.mean(np.asarray(logits).argmax(1) == fed["label"])
    of_generator = sum(of_domain(loss.generator, 1, domain) for domain in "ab")
    np.testing.assert_allclose(metrics["generator/loss"], of_generator, rtol=1e-4)


def test_what_the_critic_sees_is_changed_image_by_image_and_in_each_domain_on_its_own():
    noisy = Coupled(NETWORKS, LOSS, LATENT, 1.0, Affine(noise=0.3))
    flat = {name: jnp.zeros((8, *SHAPE)) for name in "ab"}
    keys = example_keys(jax.random.key(0), 8)
    seen = noisy.seen(flat, keys)
    some = noisy.seen({name: image[:3] for name, image in flat.items()}, keys[:3])
    for name in "ab":
        np.testing.assert_allclose(np.asarray(seen[name]).std(), 0.3, rtol=0.3)
        np.testing.assert_allclose(some[name], seen[name][:3], atol=1e-6)
    assert not np.allclose(seen["a"], seen["b"])
    for name, image in GAME.seen(flat, keys).items():
        np.testing.assert_array_equal(image, flat[name])


def test_the_generator_owns_the_trunk_and_both_heads_and_the_critic_the_rest():
    before, after, _ = step(build(), batch())
    assert before.variables.keys() == {*GENERATOR, *CRITIC, "classifier"}
    for name in before.variables:
        assert largest(jax.tree.map(jnp.subtract, after.variables[name], before.variables[name])) > 0, name


def test_labels_of_the_second_domain_are_never_looked_at():
    fed = batch()
    planted = {**fed, "second": {**fed["second"], "label": np.zeros(8, np.int32)}}
    for one, other in zip(*(jax.tree.leaves(step(build(), given)[1]) for given in (fed, planted)), strict=True):
        np.testing.assert_array_equal(one, other)


# Samples.


def test_the_same_key_and_the_other_domain_give_the_other_half_of_a_pair():
    model = build()
    draw = [model.sample(jax.random.key(3), VARIABLES, 5, {"domain": jnp.full(5, domain)}) for domain in (0, 1)]
    keys = example_keys(jax.random.key(3), 5)
    images, _ = GAME.generate(VARIABLES, GAME.latents(keys), train=False)
    np.testing.assert_array_equal(draw[0], images["a"])
    np.testing.assert_array_equal(draw[1], images["b"])
    mixed = model.sample(jax.random.key(3), VARIABLES, 5, {"domain": jnp.asarray([0, 1, 1, 0, 1])})
    np.testing.assert_array_equal(mixed, jnp.stack([images["abbab"[index]][index] for index in range(5)]))


def test_where_no_domain_is_asked_for_samples_come_in_pairs():
    model = build()
    drawn = model.sample(jax.random.key(3), VARIABLES, 5)
    assert drawn.shape == (5, *SHAPE)
    for domain in (0, 1):
        asked = model.sample(jax.random.key(3), VARIABLES, 3, {"domain": jnp.full(3, domain)})
        np.testing.assert_array_equal(drawn[domain::2], asked[: len(drawn[domain::2])])


# The classifier.


def test_images_of_the_second_domain_are_recognised_by_their_own_stem():
    image = batch()["second"]["data"]
    found = build().recognise(jax.random.key(0), VARIABLES, image)["label"]
    judged, _ = GAME.judge(VARIABLES, {"b": image}, train=False)
    dense = VARIABLES["classifier"]["params"]["Dense_0"]
    expected = jax.nn.log_softmax(judged["b"].features @ dense["kernel"] + dense["bias"][None])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(np.exp(found).sum(1), 1, rtol=1e-5)


def test_without_a_classifier_nothing_is_recognised_and_labels_are_not_needed():
    model, fed = build(ALONE), {name: images for name, images in batch().items() if name != "label"}
    assert model.recognise is None
    _, after, metrics = step(model, fed)
    assert "classifier" not in after.variables
    assert "critic/accuracy" not in metrics


# Refusals.


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"loss": "lsgan"}, "loss='lsgan'"),
        ({"weight": -1.0}, "weight=-1"),
        ({"affine": Affine(noise=-1.0)}, "noise=-1"),
        ({"networks": {"trunk": Trunk()}}, "needs the networks critic, head_a, head_b, stem_a, stem_b"),
    ],
)
def test_what_cannot_be_is_refused(wrong, match):
    with pytest.raises(ValueError, match=match):
        build(**wrong)


def test_a_latent_of_nothing_is_refused():
    with pytest.raises(ValueError, match="latent=0"):
        cogan(networks=NETWORKS, optimizers={}, affine=Affine(), latent=0)


@pytest.mark.parametrize(
    ("fed", "match"),
    [
        ({"data": batch()["data"], "label": batch()["label"]}, r"needs a second data set: data\.second\.name"),
        ({**batch(), "second": {"data": np.zeros((8, 4, 3, 3), np.float32)}}, "one shape, .* 4 x 3 x 1 and 4 x 3 x 3"),
        ({name: images for name, images in batch().items() if name != "label"}, "needs labels of the first"),
    ],
)
def test_data_that_do_not_go_together_are_refused(fed, match):
    with pytest.raises(ValueError, match=match):
        build().init(jax.random.key(0), fed)
