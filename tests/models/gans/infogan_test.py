"""InfoGAN: the information terms written out, who feels them, what samples are told and what is read from images."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gengen.core.model import Condition
from gengen.core.parallel import AXIS
from gengen.core.transforms import scale_by_rate
from gengen.models.conditioning import Codes
from gengen.models.gans.infogan import infogan, information_terms
from gengen.models.gans.terms import TermInputs, feature_matching
from gengen.models.gans.views import packing
from gengen.networks import mlp
from gengen.networks.conditional import ConditionalCritic
from gengen.networks.critic import CriticOutput
from tests.units import scaled

SHAPE, LATENT, K, C = (4, 4, 1), 3, 5, 2
GENERATOR, CRITIC = mlp.Generator(SHAPE, widths=(16,)), mlp.Critic(widths=(8,))


def build(critic=CRITIC, **arguments):
    rate = optax.chain(optax.identity(), scale_by_rate(1.0))
    networks, optimizers = {"generator": GENERATOR, "critic": critic}, {"generator": rate, "critic": rate}
    return infogan(networks=networks, optimizers=optimizers, **{"latent": LATENT, "categories": K, **arguments})


def batch(size=6):
    return {"data": scaled(np.random.default_rng(0).integers(0, 256, (size, *SHAPE), np.uint8))}


@pytest.fixture(scope="module")
def model():
    return build(continuous=C)


@pytest.fixture(scope="module")
def state(model):
    return jax.jit(model.init)(jax.random.key(0), batch())


def step(model, state):
    def on_one_replica(state):
        step = jax.vmap(lambda _: model.train_step(jax.random.key(1), state, batch()), axis_name=AXIS)
        return jax.tree.map(lambda x: x[0], step(jnp.zeros(1)))

    return jax.jit(on_one_replica)(state)


def largest_change(one, other):
    return jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), one, other)


def test_information_is_the_log_likelihood_of_the_codes():
    rng = np.random.default_rng(0)
    code, category, numbers = rng.normal(0, 2, (4, K + C)), rng.integers(0, K, 4), rng.uniform(-1, 1, (4, C))
    judged = CriticOutput(jnp.zeros(4), jnp.zeros((4, 1)), jnp.asarray(code, jnp.float32))
    condition = {"category": jnp.asarray(category, jnp.int32), "continuous": jnp.asarray(numbers, jnp.float32)}
    inputs = TermInputs(None, None, None, None, judged, condition, {})
    chances = np.exp(code[:, :K]) / np.exp(code[:, :K]).sum(1, keepdims=True)
    # A Gaussian of variance 1 around the means that were read, but for C/2 log 2 pi.
    expected = {
        "category": -np.log(chances[range(4), category]),
        "continuous": ((code[:, K:] - numbers) ** 2).sum(1) / 2,
    }
    terms = information_terms(Codes(K, C), 0.3)
    assert sorted((term.name, term.player) for term in terms) == sorted(
        (name, player) for name in expected for player in ("critic", "generator")
    )
    for term in terms:
        np.testing.assert_allclose(term.value(jax.random.key(0), inputs), expected[term.name], rtol=1e-5)
        assert term.weight == 0.3
        assert not term.alone
    assert {term.name for term in information_terms(Codes(K, 0), 1.0)} == {"category"}


def test_both_players_descend_the_information_and_metrics_say_how_much_there_is(model, state):
    after, metrics = step(model, state)
    assert {
        f"{player}/{name}" for player in ("critic", "generator") for name in ("category", "continuous")
    } < metrics.keys()
    without, silent = step(build(continuous=C, information=0.0), state)
    difference = metrics["critic/loss"].value - silent["critic/loss"].value
    information = metrics["critic/category"].value + metrics["critic/continuous"].value
    np.testing.assert_allclose(difference, information, rtol=1e-4)
    critics = [run.variables["critic"]["params"] for run in (state, after, without)]
    recogniser = {name for name in critics[0] if name.startswith("Dense")}
    assert len(recogniser) == 2  # the hidden layer and the last one
    for name in critics[0]:
        moved, alone = (max(jax.tree.leaves(largest_change(critics[0][name], critic[name]))) for critic in critics[1:])
        assert moved > 1e-4, name
        assert (alone == 0) == (name in recogniser), name  # nothing else trains it


def test_the_generator_feels_the_information_by_itself(state):
    """With feature matching of weight 0 alone, nothing but the information is left of what the generator wants."""
    model = build(continuous=C, terms=[term._replace(weight=0.0) for term in feature_matching()])
    after, metrics = step(model, state)
    information = metrics["generator/category"].value + metrics["generator/continuous"].value
    np.testing.assert_allclose(metrics["generator/loss"].value, information, rtol=1e-5)
    change = jax.tree.map(
        lambda a, b: float(jnp.abs(a - b).max()), after.variables["generator"], state.variables["generator"]
    )
    assert min(jax.tree.leaves(change)) > 1e-4


@pytest.mark.parametrize("continuous", [C, 0])
def test_encoding_gives_probabilities_of_the_category_and_means_of_the_numbers(continuous):
    model = build(continuous=continuous)
    variables = jax.jit(model.init)(jax.random.key(0), batch()).variables
    images = jnp.asarray(np.random.default_rng(1).uniform(-1, 1, (7, *SHAPE)), jnp.float32)
    read = jax.jit(model.recognise)(jax.random.key(0), variables, images)
    chex.assert_shape(read["category"], (7, K))
    np.testing.assert_allclose(np.exp(read["category"]).sum(1), 1, rtol=1e-5)
    assert np.asarray(read["category"]).std() > 1e-3
    if continuous:
        chex.assert_shape(read["continuous"], (7, C))
    assert ("continuous" in read) == ("continuous" in model.conditions) == bool(continuous)
    assert variables["generator"]["params"]["Dense_0"]["kernel"].shape[0] == LATENT + K + continuous


def test_samples_have_the_codes_that_they_are_given_and_drawn_ones_otherwise(model, state):
    assert model.conditions == {"category": Condition(classes=K), "continuous": Condition(size=C)}
    draw = jax.jit(model.sample, static_argnums=2)
    key, category = jax.random.key(0), jnp.asarray([0, 1, 2, 3], jnp.int32)
    free, given = draw(key, state.variables, 4), draw(key, state.variables, 4, {"category": category})
    other = draw(key, state.variables, 4, {"category": category.at[1].set(4)})
    assert changed(given, other) == [False, True, False, False]
    numbers = jnp.zeros((4, C))
    both = draw(key, state.variables, 4, {"category": category, "continuous": numbers})
    turned = draw(key, state.variables, 4, {"category": category, "continuous": numbers.at[2, 1].set(1.0)})
    assert changed(both, turned) == [False, False, True, False]
    assert any(changed(free, given))
    assert all(changed(given, both))  # the numbers were drawn
    np.testing.assert_allclose(draw(key, state.variables, 2, {"category": category[:2]}), given[:2], atol=1e-6)
    np.testing.assert_allclose(draw(key, state.variables, 2), free[:2], atol=1e-6)
    assert all(changed(given, draw(jax.random.key(1), state.variables, 4, {"category": category})))


def changed(images, others):
    return (np.abs(np.asarray(images - others)).max((1, 2, 3)) > 1e-4).tolist()


@pytest.mark.parametrize(
    "wrong", [{"categories": 1}, {"continuous": -1}, {"information": -0.1}, {"loss": "mean"}, {"latent": 0}]
)
def test_arguments_out_of_range_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        build(**wrong)


def test_codes_go_neither_with_packing_nor_with_labels():
    with pytest.raises(ValueError, match="packing"):
        build(views=(packing(size=2),))
    with pytest.raises(ValueError, match="condition"):
        build(ConditionalCritic(CRITIC, 5, "projection"))
