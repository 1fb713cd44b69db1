"""Terms against their formulas, in scenes made by hand, and what they change of a player's loss."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS
from gengen.core.state import State
from gengen.losses.adversarial import ADVERSARIAL_LOSSES
from gengen.models.gans.adversarial_game import Adversaries
from gengen.models.gans.terms import (
    TERMS,
    Term,
    TermInputs,
    auxiliary_classifier,
    dragan,
    feature_matching,
    gradient_penalty,
    orthogonal,
    r1,
    r2,
)
from gengen.networks import mlp
from gengen.networks.critic import CriticOutput
from gengen.networks.forward import train_mode
from tests.units import scaled

RNG = np.random.default_rng(0)
SIZE = 8
GENERATOR, CRITIC, LOSS = mlp.Generator((2, 2, 1), widths=(4,)), mlp.Critic(widths=(8,)), ADVERSARIAL_LOSSES["minimax"]


def quadratic(images):
    """A critic whose gradient at an image is the image."""
    return CriticOutput(0.5 * jnp.square(images).sum((1, 2, 3)), images.reshape(images.shape[0], -1))


def judgement(outputs=3):
    logit, features, code = RNG.normal(0, 1, SIZE), RNG.normal(0, 1, (SIZE, 5)), RNG.normal(0, 2, (SIZE, outputs))
    return CriticOutput(*(jnp.asarray(x, jnp.float32) for x in (logit, features, code)))


def inputs(**given):
    real, fake = (jnp.asarray(RNG.normal(0, 1, (SIZE, 2, 3, 1)), jnp.float32) for _ in range(2))
    label = jnp.asarray(RNG.integers(0, 3, SIZE), jnp.int32)
    made = {"critic": quadratic, "real": real, "fake": fake, "judged_real": judgement(), "judged_fake": judgement()}
    return TermInputs(**{**made, "condition": {"label": label}, "params": {}, **given})


def values(term, inputs, seeds=(0,), replicas=1):
    """The term's values, [replicas] or all examples' [B], joined over the seeds."""
    critic, keys = inputs.critic, jax.vmap(jax.random.key)(jnp.asarray(seeds, jnp.int32))
    split = jax.tree.map(lambda x: x.reshape(replicas, -1, *x.shape[1:]), inputs._replace(critic=None))
    run = jax.vmap(lambda key, part: term.value(key, part._replace(critic=critic)), in_axes=(None, 0), axis_name=AXIS)
    return np.asarray(jax.jit(jax.vmap(run, in_axes=(0, None)))(keys, split)).ravel()


def test_penalised_points_lie_between_the_paired_data_and_samples():
    direction = RNG.normal(0, 1, (2, 3, 1))
    direction /= np.linalg.norm(direction)
    near, far = 2.0 + 3 * np.arange(SIZE), 4.0 + 3 * np.arange(SIZE)  # pair i: from 2 + 3i to 4 + 3i along a line
    real, fake = (jnp.asarray(length[:, None, None, None] * direction, jnp.float32) for length in (near, far))
    (term,) = gradient_penalty()
    given = inputs(real=real, fake=fake)
    shares = (1 + np.sqrt(values(term, given, range(20)).reshape(20, SIZE)) - near[None]) / 2
    assert -1e-5 < np.min(shares) < 0.05
    assert 0.95 < np.max(shares) < 1 + 1e-5
    assert len(np.unique(np.round(shares, 4))) > 150
    np.testing.assert_allclose(values(term, given, replicas=2), values(term, given), rtol=1e-5)


def test_the_penalties_norms_are_those_of_their_papers():
    given = inputs()
    real, fake = (np.square(x).sum((1, 2, 3)) for x in (given.real, given.fake))
    np.testing.assert_allclose(values(r1()[0], given), real / 2, rtol=1e-5)
    np.testing.assert_allclose(values(r2()[0], given), fake / 2, rtol=1e-5)
    flat = inputs(real=given.real * 1e-3, fake=given.fake * 1e-3)
    np.testing.assert_allclose(values(gradient_penalty(one_sided=True)[0], flat), 0, atol=1e-6)
    np.testing.assert_allclose(values(gradient_penalty()[0], flat), 1, atol=0.02)


def test_dragan_looks_at_noise_of_the_deviation_around_data():
    real = jnp.asarray(np.arange(SIZE)[:, None, None, None] * np.ones((1, 40, 40, 1)), jnp.float32)
    given = inputs(real=real, fake=real + 100)
    norms = 1 + np.sqrt(values(dragan(deviation=0.5)[0], given))  # squares add up
    np.testing.assert_allclose(norms**2 / 1600, np.arange(SIZE) ** 2 + 0.25, rtol=0.1)
    assert len(np.unique(np.round(norms**2 / 1600 - np.arange(SIZE) ** 2, 5))) == SIZE
    with pytest.raises(ValueError, match="deviation"):
        dragan(deviation=0.0)


def test_feature_matching_is_the_squared_distance_of_the_mean_features_of_all_replicas():
    (term,) = feature_matching()
    given = inputs()
    gap = np.asarray(given.judged_real.features).mean(0) - np.asarray(given.judged_fake.features).mean(0)
    for replicas in (1, 2, 4):
        np.testing.assert_allclose(values(term, given, replicas=replicas), [(gap**2).sum()] * replicas, rtol=1e-5)
    assert (term.player, term.alone) == ("generator", True)


def test_the_auxiliary_classifier_is_the_cross_entropy_of_data_and_samples():
    critic, generator = auxiliary_classifier()
    given = inputs()

    def missed(judged):
        code = np.asarray(judged.code, np.float64)
        log_probability = code - np.log(np.exp(code).sum(1, keepdims=True))
        return -log_probability[np.arange(SIZE), np.asarray(given.condition["label"])]

    real, fake = missed(given.judged_real), missed(given.judged_fake)
    np.testing.assert_allclose(values(critic, given), real + fake, rtol=1e-5)
    np.testing.assert_allclose(values(generator, given), fake, rtol=1e-5)
    assert (critic.player, generator.player) == ("critic", "generator")


def of_kernels(**kernels):
    """The orthogonal term of a generator with these kernels, beside what it does not look at."""
    layers = {name: {"kernel": jnp.asarray(kernel, jnp.float32)} for name, kernel in kernels.items()}
    beside = {"Embed_0": {"embedding": jnp.ones((3, 3))}, "BatchNorm_0": {"scale": jnp.ones(3)}}
    params = {"generator": {"body": {**layers, **beside}}, "critic": {"Dense_0": {"kernel": jnp.ones((3, 3))}}}
    (term,) = orthogonal()
    return float(term.value(None, inputs(params=params)))


def test_the_orthogonal_term_is_the_squared_products_of_pairs_of_filters_of_the_generator():
    kernel, other = RNG.normal(size=(3, 2, 4, 5)), RNG.normal(size=(2, 7))
    expected = 0.0
    for filters in (kernel.reshape(-1, 5).T, other.T):  # more filters than numbers, too
        expected += sum((one @ two) ** 2 for i, one in enumerate(filters) for j, two in enumerate(filters) if i != j)
    assert of_kernels(a=kernel, b=other) == pytest.approx(expected, rel=1e-5)


def test_the_orthogonal_term_is_0_of_orthogonal_filters_whatever_their_lengths():
    columns = np.linalg.qr(RNG.normal(size=(24, 5)))[0] * np.arange(1, 6)
    assert of_kernels(a=columns.reshape(3, 2, 4, 5)) == pytest.approx(0, abs=1e-8)
    parallel = np.stack([columns[:, 0], 2 * columns[:, 0]], 1)
    assert of_kernels(a=parallel) == pytest.approx(2 * 4, rel=1e-5)


@pytest.mark.parametrize("name", TERMS)
def test_every_term_takes_a_weight_and_is_named_as_in_configs(name):
    for term in TERMS[name](weight=3.5):
        assert (term.weight, term.name) == (3.5, name)
        assert term.gradient == (name in ("gradient_penalty", "dragan", "r1", "r2"))


def test_terms_are_added_to_the_loss_of_their_player_with_their_weights():
    def term(name, player, weight, value, **how):
        return Term(name, player, weight, lambda key, inputs: jnp.asarray(value), **how)

    terms = [term("a", "critic", 3.0, [1.0, 2.0]), term("b", "critic", 0.5, 8.0), term("c", "generator", 2.0, 5.0)]
    both = Adversaries(GENERATOR, CRITIC, LOSS, 3, terms=terms)
    key, losses = jax.random.key(0), jnp.asarray([10.0, 20.0])
    total, metrics = both.with_terms("critic", losses, key, None)
    assert total == 15 + 3 * 1.5 + 0.5 * 8
    assert {name: float(mean.value) for name, mean in metrics.items()} == {"a": 1.5, "b": 8.0}
    assert both.with_terms("generator", losses, key, None)[0] == 15 + 2 * 5
    alone = replace(both, terms=[*terms, term("d", "generator", 1.0, 7.0, alone=True)])
    assert alone.with_terms("generator", losses, key, None)[0] == 2 * 5 + 7
    assert alone.with_terms("critic", losses, key, None)[0] == total


def test_terms_draw_from_keys_of_their_own():
    def noise(key, inputs):
        return jax.random.normal(key, ())

    both = Adversaries(GENERATOR, CRITIC, LOSS, 3, terms=[Term(name, "critic", 1.0, noise) for name in "ab"])
    _, metrics = both.with_terms("critic", jnp.zeros(1), jax.random.key(0), None)
    assert metrics["a"].value != metrics["b"].value


@pytest.mark.parametrize("alone", [True, False])
def test_feature_matching_is_all_that_the_generator_wants_or_added_and_the_critic_does_not_notice(alone):
    both = Adversaries(GENERATOR, CRITIC, LOSS, 3, terms=feature_matching(weight=2.0, alone=alone))
    batch = {"data": scaled(RNG.integers(0, 256, (6, 2, 2, 1), np.uint8))}

    def on_one_replica(function, *args):
        return jax.tree.map(lambda x: x[0], jax.vmap(lambda _: function(*args), axis_name=AXIS)(jnp.zeros(1)))

    @jax.jit
    def gradients():
        key = jax.random.key(0)
        state = State(jnp.zeros((), jnp.int32), both.init(key, batch), {})
        shared, variables = on_one_replica(both.prepare, key, state, batch), state.variables

        def by_hand(params):
            fake = train_mode(GENERATOR, {"params": params}, shared["latent"])[0]
            real, fake = (train_mode(CRITIC, variables["critic"], x)[0] for x in (shared["real"], fake))
            matched = jnp.square(real.features.mean(0) - fake.features.mean(0)).sum()
            return 2 * matched + (0 if alone else LOSS.generator(real.logit, fake.logit).mean())

        def of(both, loss, name):
            def value(params):
                moved = state.replace(variables={**variables, name: {"params": params}})
                return on_one_replica(getattr(both, loss), key, moved, shared)[0]

            return jax.grad(value)(variables[name]["params"])

        generator = of(both, "generator_loss", "generator"), jax.grad(by_hand)(variables["generator"]["params"])
        critic = (of(which, "critic_loss", "critic") for which in (both, replace(both, terms=())))
        return generator, tuple(critic)

    for found, expected in gradients():
        for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
    assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(gradients()[0])) > 1e-3
