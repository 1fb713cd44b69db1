"""The adversarial builder: one step against the gradients written out, what its arguments change, what it refuses."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gengen.core.parallel import AXIS, parallel, replicate
from gengen.core.transforms import scale_by_rate
from gengen.losses.adversarial import ADVERSARIAL_LOSSES
from gengen.models.critic_game import CriticGame
from gengen.models.gans.adversarial import adversarial
from gengen.models.gans.adversarial_game import Adversaries
from gengen.models.gans.terms import auxiliary_classifier, gradient_penalty
from gengen.models.gans.views import augmentation, packing
from gengen.networks import mlp
from gengen.networks.captioned import CaptionedCritic, CaptionedGenerator
from gengen.networks.conditional import ConditionalCritic, ConditionalGenerator
from gengen.networks.forward import train_mode
from tests.units import scaled

SHAPE, RATE = (4, 4, 1), 0.1
GENERATOR = mlp.Generator(SHAPE, widths=(8, 8))
CRITICS = {"alone": mlp.Critic(widths=(8,)), "batch": mlp.Critic(widths=(8, 8), norm="batch")}


def build(networks, **arguments):
    sgd = optax.chain(optax.identity(), scale_by_rate(RATE))
    return adversarial(networks=networks, optimizers={"generator": sgd, "critic": sgd}, latent=3, **arguments)


def batch(size=6):
    return {"data": scaled(np.random.default_rng(0).integers(0, 256, (size, *SHAPE), np.uint8))}


def start(model):
    return jax.jit(model.init)(jax.random.key(0), batch())


def steps(model, state, number=1):
    """The state and the metrics [number] after so many steps on the same batch."""
    one = jax.devices()[:1]
    kept = replicate(jax.tree.map(np.array, state), one)  # the dispatch takes the memory of the state that it is given
    images = np.stack([batch()["data"]] * number)[None]
    return jax.device_get(parallel(model.train_step, one)(jax.random.key(1), kept, {"data": images}))


def on_one_replica(function, *args):
    return jax.tree.map(lambda x: x[0], jax.vmap(lambda _: function(*args), axis_name=AXIS)(jnp.zeros(1)))


WHOLE = [name for name, loss in ADVERSARIAL_LOSSES.items() if loss.of_batch]
CASES = [*((loss, "alone") for loss in ADVERSARIAL_LOSSES), *((loss, "batch") for loss in ("non_saturating", *WHOLE))]


@pytest.mark.parametrize(("loss", "critic"), CASES)
def test_a_step_is_the_critics_descent_and_then_the_generators(loss, critic):
    networks, losses = {"generator": GENERATOR, "critic": CRITICS[critic]}, ADVERSARIAL_LOSSES[loss]
    model, both = build(networks, loss=loss, critic_steps=1, clip=None), Adversaries(*networks.values(), losses, 3)
    key = jax.random.key(1)

    def logits(variables, generator_params, critic_params, shared):
        """Data and samples judged apart: statistics are of one kind, and a critic that judges alone does not care."""
        fake = train_mode(GENERATOR, {**variables["generator"], "params": generator_params}, shared["latent"])[0]
        of_critic = {**variables["critic"], "params": critic_params}
        judged = (train_mode(networks["critic"], of_critic, x)[0] for x in (shared["real"], fake))
        return CriticGame(networks["critic"], losses).logits(*judged)

    def by_hand(state):
        first = jax.random.fold_in(jax.random.fold_in(key, 0), 0)
        variables, shared = state.variables, on_one_replica(both.prepare, first, state, batch())
        generator, critic = (variables[name]["params"] for name in ("generator", "critic"))

        def critic_objective(params):
            return losses.critic(*on_one_replica(logits, variables, generator, params, shared)).mean()

        def generator_objective(params):
            return losses.generator(*on_one_replica(logits, variables, params, moved, shared)).mean()

        value, gradient = jax.value_and_grad(critic_objective)(critic)
        moved = descend(critic, gradient)
        return value, moved, descend(generator, jax.grad(generator_objective)(generator))

    state = start(model)
    value, critic_params, generator_params = jax.jit(by_hand)(state)
    after, metrics = jax.jit(lambda state: on_one_replica(model.train_step, key, state, batch()))(state)
    chex.assert_trees_all_close(after.variables["critic"]["params"], critic_params, atol=1e-6)
    chex.assert_trees_all_close(after.variables["generator"]["params"], generator_params, atol=1e-6)
    chex.assert_trees_all_close(metrics["critic/loss"].value, value, rtol=1e-5)


def descend(params, gradient):
    return jax.tree.map(lambda p, g: p - RATE * g, params, gradient)


@pytest.mark.parametrize(
    ("moves", "critic", "generator"),
    [
        ((3, 1), "111111", "001001"),
        ((1, 3), "100100", "111111"),
        ((3, 2), "111111", "011011"),
        ((2, 2), "111111", "111111"),
    ],
)
def test_each_player_moves_so_often_in_a_period(moves, critic, generator):
    networks = {"generator": mlp.Generator(SHAPE, widths=()), "critic": mlp.Critic(widths=())}
    model = build(networks, loss="wasserstein", critic_steps=moves[0], generator_steps=moves[1], clip=None)
    _, metrics = steps(model, start(model), 6)
    assert "".join(str(int(count)) for count in metrics["critic/loss"].count) == critic
    assert "".join(str(int(count)) for count in metrics["generator/loss"].count) == generator
    assert model.period == max(moves)


def test_a_conditional_generator_makes_the_model_conditional_and_samples_are_what_they_are_told():
    networks = {
        "generator": ConditionalGenerator(GENERATOR, 5),
        "critic": ConditionalCritic(CRITICS["alone"], 5, "projection"),
    }
    model = adversarial(
        networks=networks, optimizers={"generator": optax.identity(), "critic": optax.identity()}, latent=3
    )
    assert model.conditions["label"].classes == 5
    variables = start(model).variables
    draw = jax.jit(model.sample, static_argnums=2)
    label = jnp.asarray([0, 1, 2, 3], jnp.int32)
    told = draw(jax.random.key(0), variables, 4, {"label": label})
    other = draw(jax.random.key(0), variables, 4, {"label": label.at[2].set(0)})
    changed = np.abs(np.asarray(told - other)).max((1, 2, 3)) > 1e-3
    assert changed.tolist() == [False, False, True, False]
    np.testing.assert_allclose(draw(jax.random.key(0), variables, 2, {"label": label[:2]}), told[:2], atol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"loss": "mean"},
        {"clip": -1.0},
        {"clip": 0.0},
        {"critic_steps": 0},
        {"generator_steps": 0},
        {"real_label": (0.9, 0.9)},  # of a Wasserstein critic
        {"real_label": (0.9, 0.7), "loss": "minimax"},
        {"real_label": (0.0, 1.0), "loss": "minimax"},
        {"real_label": (0.9, 1.1), "loss": "minimax"},
        {"real_label": (0.9,), "loss": "minimax"},
        {"real_label": ("a", "b"), "loss": "minimax"},
    ],
)
def test_arguments_out_of_range_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        build({"generator": GENERATOR, "critic": CRITICS["alone"]}, **wrong)


def test_a_latent_without_dimensions_is_refused():
    with pytest.raises(ValueError, match="latent"):
        adversarial(networks={"generator": GENERATOR, "critic": CRITICS["alone"]}, optimizers={}, latent=0)


TOLD, ASKED = ConditionalGenerator(GENERATOR, 5), ConditionalCritic(CRITICS["alone"], 5, "projection")
READS = CaptionedCritic(CRITICS["alone"], 5)


@pytest.mark.parametrize(
    ("generator", "critic", "arguments", "match"),
    [
        (GENERATOR, ASKED, {}, "condition"),
        (TOLD, CRITICS["alone"], {}, "condition"),
        (TOLD, READS, {}, "both be 'text', or neither"),
        (CaptionedGenerator(GENERATOR, 5), READS, {}, "needs data with captions"),
        (GENERATOR, CRITICS["alone"], {"mismatched": 0.5}, "mismatched=0.5 needs networks that are told"),
        (TOLD, ASKED, {"views": (packing(size=2),)}, "packing"),
        (TOLD, ASKED, {"terms": auxiliary_classifier()}, "'auxiliary' and terms.auxiliary_classifier need each other"),
        (TOLD, ConditionalCritic(CRITICS["alone"], 5, "auxiliary"), {}, "need each other"),
        (GENERATOR, CRITICS["alone"], {"loss": "relativistic", "views": (augmentation(target=0.6),)}, "target"),
        (GENERATOR, CRITICS["batch"], {"terms": gradient_penalty()}, "gradient_penalty .*judges every image alone"),
        (GENERATOR, mlp.Critic(deviation=True), {"terms": gradient_penalty()}, "judges every image alone"),
    ],
)
def test_what_does_not_go_together_is_refused(generator, critic, arguments, match):
    with pytest.raises(ValueError, match=match):
        adversarial(
            networks={"generator": generator, "critic": critic}, optimizers={"critic": optax.identity()}, **arguments
        )


def test_truncation_bounds_the_latents_of_samples_and_leaves_training_as_it_is():
    networks = {"generator": GENERATOR.clone(norm="batch"), "critic": CRITICS["alone"]}
    plain, model = (build(networks, loss="hinge", clip=None, truncation=bound) for bound in (None, 0.3))
    state = start(plain)
    free, bounded = (jax.jit(one.prior, static_argnums=2)(jax.random.key(2), {}, 2_000) for one in (plain, model))
    assert np.abs(free).max() > 2
    assert 0.29 < np.abs(bounded).max() <= 0.3
    assert np.std(bounded) == pytest.approx(0.3 / np.sqrt(3), rel=0.05), "nearly uniform so near 0"
    chex.assert_trees_all_equal(*(steps(one, state)[0].variables for one in (plain, model)))
    with pytest.raises(ValueError, match=r"truncation=-1\.0 must be positive"):
        build(networks, loss="hinge", truncation=-1.0)


def test_a_truncated_run_settles_into_statistics_of_truncated_latents():
    generator = GENERATOR.clone(norm="batch")
    networks = {"generator": generator, "critic": CRITICS["alone"]}
    assert build(networks, loss="hinge", clip=None).settle is None
    model = build(networks, loss="hinge", clip=None, truncation=0.3)
    before = start(model).variables
    after = jax.jit(model.settle)(before)
    chex.assert_trees_all_equal(after["critic"], before["critic"])
    chex.assert_trees_all_equal(after["generator"]["params"], before["generator"]["params"])
    latents = model.prior(jax.random.key(2), {}, 20_000)
    _, seen = generator.apply(
        before["generator"],
        latents,
        train=False,
        capture_intermediates=lambda module, _: module.name == "Dense_1",
        mutable=["intermediates"],
    )
    first = np.asarray(seen["intermediates"]["Dense_1"]["__call__"][0])  # what the first normalisation sees
    (statistics,) = after["generator"]["batch_stats"].values()
    errors = (np.asarray(statistics["mean"]) - first.mean(0)) / np.sqrt(first.var(0) / (16 * 64))
    assert np.abs(errors).max() < 4, "the mean of 16 batches of 64"
    np.testing.assert_allclose(statistics["var"], first.var(0), rtol=0.15)
