"""StyleGAN's game: mixing, truncation, the mean style, paths against finite differences, and lazy turns."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gengen.core.parallel import AXIS
from gengen.core.state import State
from gengen.losses.adversarial import ADVERSARIAL_LOSSES
from gengen.models.conditioning import Labels
from gengen.models.gans.adversarial import adversarial
from gengen.models.gans.adversarial_game import Adversaries
from gengen.models.gans.style_based import LENGTH, PATH, StyleBased, centre_of, style_based
from gengen.models.gans.terms import r1
from gengen.networks import mlp, stylegan
from gengen.networks.conditional import ConditionalCritic, ConditionalGenerator

QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
SHAPE, LATENT, SIZE = (8, 8, 1), 5, 6
MAPPING = stylegan.Mapping(width=4, depth=1, rate=1.0)
GENERATOR = stylegan.Generator(SHAPE, width=4, wide=2)
CRITIC = mlp.Critic(widths=(8,))
DATA = jax.random.normal(jax.random.key(0), (SIZE, *SHAPE))


def game(**changed):
    given = {"generator": GENERATOR, "critic": CRITIC, "loss": ADVERSARIAL_LOSSES["non_saturating"], "latent": LATENT}
    return StyleBased(**{**given, "mapping": MAPPING, "mixing": 0.5, "closeness": 1.0, "kept": 0.9, **changed})


def bound(function, *inputs):
    """On one replica."""
    made = QUICK(jax.vmap(lambda _: function(*inputs), axis_name=AXIS))(jnp.zeros(1))
    return jax.tree.map(lambda leaf: leaf[0], made)


@pytest.fixture(scope="module")
def started():
    both = game()
    variables = QUICK(both.init)(jax.random.key(1), {"data": DATA[:1]})
    centre = jnp.arange(4.0)
    variables["mapping"] |= {stylegan.CENTRE: {stylegan.MEAN: centre}}
    return State(jnp.int32(0), variables, {})


def test_styles_are_of_one_latent_up_to_the_cut_and_of_another_from_there_on(started):
    both, places = game(), GENERATOR.styles
    batch = bound(lambda: both.prepare(jax.random.key(2), started, {"data": DATA}))
    cut = jnp.array([1, 2, 3, places, places, 1])
    styles, _ = bound(lambda: both.mapped(started, {**batch, "cut": cut}))
    first, _ = bound(lambda: both.mapped(started, {**batch, "cut": jnp.full(SIZE, places)}))
    other, _ = bound(lambda: both.mapped(started, {**batch, "cut": jnp.zeros(SIZE, int)}))
    assert np.ptp(first, axis=1).max() == np.ptp(other, axis=1).max() == 0
    for row, end in enumerate(cut):
        np.testing.assert_allclose(styles[row, :end], first[row, :end], atol=1e-6)
        np.testing.assert_allclose(styles[row, end:], other[row, end:], atol=1e-6)


@pytest.mark.parametrize("mixing", [0.0, 0.5, 1.0])
def test_so_many_samples_are_mixed_at_places_that_are_all_alike(started, mixing):
    both, data = game(mixing=mixing), jnp.zeros((4_000, 1, 1, 1))
    cut = np.asarray(bound(lambda: both.prepare(jax.random.key(3), started, {"data": data})["cut"]))
    assert cut.min() >= 1
    shares = np.bincount(cut, minlength=GENERATOR.styles + 1)[1:] / len(cut)
    expected = [mixing / (GENERATOR.styles - 1)] * (GENERATOR.styles - 1)
    np.testing.assert_allclose(shares, [*expected, 1 - mixing], atol=0.03)


def test_styles_are_drawn_in_to_the_mean_style(started):
    variables, key = started.variables, jax.random.key(4)
    whole, half, none = (np.asarray(game(closeness=share).prior(key, variables, 3)) for share in (1.0, 0.5, 0.0))
    centre = np.asarray(centre_of(variables))
    assert whole.shape == (3, GENERATOR.styles, 4)
    np.testing.assert_allclose(none, np.broadcast_to(centre, none.shape), atol=1e-6)
    np.testing.assert_allclose(half, (whole + centre) / 2, atol=1e-5)


def test_a_sample_is_what_its_styles_are_decoded_to_and_does_not_depend_on_others(started):
    both, key = game(), jax.random.key(5)
    loud = jax.tree_util.tree_map_with_path(
        lambda path, leaf: jnp.ones_like(leaf) if path[-1].key == "noise" else leaf, started.variables
    )
    few, many = (np.asarray(QUICK(both.sample, static_argnums=2)(key, loud, n)) for n in (2, 5))
    np.testing.assert_allclose(many[:2], few, atol=1e-5)
    decoded = both.decode(key, loud, both.prior(key, loud, 2))
    np.testing.assert_allclose(decoded, few, atol=1e-5)


def test_the_length_of_a_path_is_that_of_finite_differences(started):
    both = game()
    batch = bound(lambda: both.prepare(jax.random.key(6), started, {"data": DATA}))
    loss, (metrics, carried) = bound(lambda: both.path_loss(jax.random.key(0), started, batch))
    step, noise = 1e-2, batch["noise"][::2]
    styles = bound(lambda: both.mapped(started, batch)[0])[::2]
    y = np.stack([jax.random.normal(key, SHAPE) for key in batch["walk"][::2]]) / 8
    make = QUICK(lambda styles: GENERATOR.apply(started.variables["generator"], styles, noise, train=True))
    slopes = np.empty(styles.shape)
    for place in np.ndindex(styles.shape[1:]):
        moved = [np.asarray(make(styles.at[:, *place].add(sign * step))) for sign in (1, -1)]
        slopes[:, *place] = ((moved[0] - moved[1]) * y).sum((1, 2, 3)) / (2 * step)
    lengths = np.sqrt(np.square(slopes).sum(2).mean(1))
    assert float(metrics[LENGTH].value) == pytest.approx(lengths.mean(), rel=0.01)
    mean = 0.1 * lengths.mean()  # nine tenths of 0, as it was before
    assert float(carried[PATH][LENGTH]["mean"]) == pytest.approx(mean, rel=0.01)
    assert float(loss) == pytest.approx(np.square(lengths - mean).mean(), rel=0.02)


def test_a_lazy_penalty_is_worth_as_much_as_one_of_each_step():
    """Played once in four steps and four times as strong: the same force on the critic in a period."""
    networks = {"generator": mlp.Generator(SHAPE, widths=(8,)), "critic": CRITIC}
    plain = Adversaries(*networks.values(), ADVERSARIAL_LOSSES["non_saturating"], LATENT)
    (eager,), (lazy,) = r1(weight=3.0), r1(weight=3.0, every=4)
    variables = QUICK(plain.init)(jax.random.key(7), {"data": DATA[:1]})
    state = State(jnp.int32(0), variables, {})

    def loss(terms, critic):
        both = Adversaries(*networks.values(), plain.loss, LATENT, terms=terms)
        now = state.replace(variables={**variables, "critic": {**variables["critic"], "params": critic}})
        batch = both.prepare(jax.random.key(8), now, {"data": DATA})
        if terms and terms[0].every > 1:
            return both.lazy_loss(terms[0], jax.random.key(9), now, batch)[0]
        return both.critic_loss(jax.random.key(9), now, batch)[0]

    critic = variables["critic"]["params"]
    none, each, once = (
        bound(lambda terms=terms: jax.grad(functools.partial(loss, terms))(critic)) for terms in ((), (eager,), (lazy,))
    )
    for with_it, without, alone in zip(*map(jax.tree.leaves, (each, none, once)), strict=True):
        np.testing.assert_allclose(4 * (with_it - without), alone, rtol=1e-3, atol=1e-5)
    model = adversarial(
        networks=networks,
        optimizers=dict.fromkeys(networks, optax.sgd(0.0)),
        loss="non_saturating",
        latent=LATENT,
        critic_steps=1,
        clip=None,
        terms=(lazy,),
    )
    assert model.period == 4
    state, played = QUICK(model.init)(jax.random.key(7), {"data": DATA[:1]}), []
    for _ in range(8):
        state, metrics = bound(lambda state=state: model.train_step(jax.random.key(10), state, {"data": DATA}))
        played.append(float(metrics["critic_r1/loss"].count))
    assert played == [1, 0, 0, 0] * 2


def test_mapping_and_critic_are_told_the_class_and_the_generator_is_not():
    networks = {
        "mapping": ConditionalGenerator(MAPPING, 3),
        "generator": GENERATOR,
        "critic": ConditionalCritic(CRITIC, 3, "projection"),
    }
    optimizers = dict.fromkeys(("generator", "critic"), optax.sgd(0.1))
    model = style_based(networks=networks, optimizers=optimizers, latent=LATENT)
    assert model.conditions.keys() == Labels(3).conditions.keys()
    assert model.layered
    variables = QUICK(model.init)(jax.random.key(11), {"data": DATA[:1], "label": jnp.zeros(1, int)}).variables
    styles = [model.prior(jax.random.key(12), variables, 2, {"label": jnp.full(2, kind)}) for kind in range(2)]
    assert np.abs(styles[0] - styles[1]).max() > 0.01


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("must be 'stylegan'", {"networks": {"mapping": MAPPING, "generator": mlp.Generator(SHAPE), "critic": CRITIC}}),
        ("mixing=2", {"mixing": 2.0}),
        ("truncation=-1", {"truncation": -1.0}),
        (
            "both be 'none'",
            {"networks": {"mapping": ConditionalGenerator(MAPPING, 3), "generator": GENERATOR, "critic": CRITIC}},
        ),
    ],
)
def test_what_does_not_go_together_is_refused(said, given):
    networks = {"mapping": MAPPING, "generator": GENERATOR, "critic": CRITIC}
    optimizers = dict.fromkeys(("generator", "critic"), optax.sgd(0.1))
    with pytest.raises(ValueError, match=said):
        style_based(**{"networks": networks, "optimizers": optimizers, **given})
