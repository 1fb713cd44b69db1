"""StyleGAN's networks: which style acts where, noise, the mean style, and both versions."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS
from gengen.networks import dcgan
from gengen.networks.captioned import CaptionedCritic
from gengen.networks.conditional import ConditionalCritic, RecognisingCritic
from gengen.networks.stylegan import CENTRE, JOINS, MEAN, Critic, Generator, Mapping, Styled

QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
SHAPE = (8, 8, 2)
STYLES = jax.random.normal(jax.random.key(0), (3, 4, 6))
KEYS = jax.random.split(jax.random.key(1), 3)


def generator(**changed):
    return Generator(SHAPE, **{"width": 8, "wide": 1, **changed})


def first(network):
    return QUICK(lambda: network.init(jax.random.key(2), STYLES, KEYS, train=False))()


def noisier(variables, strength=1.0):
    """The variables with noise that counts, which at first it does not."""
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: jnp.full_like(leaf, strength) if path[-1].key == "noise" else leaf, variables
    )


@functools.cache
def made_by(join, modulation="weights"):
    network = generator(join=join, modulation=modulation)
    return network, first(network), QUICK(functools.partial(network.apply, train=True))


@pytest.mark.parametrize("join", JOINS)
def test_each_style_acts_and_those_of_coarse_layers_on_all_pixels(join):
    network, variables, make = made_by(join)
    assert network.styles == STYLES.shape[1]
    before = np.asarray(make(variables, STYLES, KEYS))
    assert before.shape == (3, *SHAPE)
    acts = [
        np.abs(np.asarray(make(variables, STYLES.at[:, place].add(1.0), KEYS)) - before).max((0, 3)) > 1e-6
        for place in range(network.styles)
    ]
    unused = [1] if join != "skip" else []  # of the image of the smallest maps, where there is none
    for place, changed in enumerate(acts):
        assert changed.all() != (place in unused), place


def test_a_style_of_one_image_says_nothing_of_others():
    _, variables, make = made_by("skip")
    before, after = (np.asarray(make(variables, styles, KEYS)) for styles in (STYLES, STYLES.at[1].add(1.0)))
    np.testing.assert_allclose(after[[0, 2]], before[[0, 2]], atol=1e-6)
    assert np.abs(after[1] - before[1]).max() > 0.01


@pytest.mark.parametrize("modulation", ["weights", "instance"])
def test_noise_has_no_strength_at_first_and_is_that_of_its_key(modulation):
    _, variables, make = made_by("plain", modulation)
    other = jax.random.split(jax.random.key(5), 3)
    np.testing.assert_array_equal(make(variables, STYLES, KEYS), make(variables, STYLES, other))
    loud = noisier(variables)
    mine, others = (np.asarray(make(loud, STYLES, keys)) for keys in (KEYS, other))
    np.testing.assert_array_equal(mine, make(loud, STYLES, KEYS))
    assert np.abs(mine - others).max((1, 2, 3)).min() > 0.01
    swapped = np.asarray(make(loud, STYLES[::-1], KEYS[::-1]))
    np.testing.assert_allclose(swapped[::-1], mine, atol=1e-5)


def test_adaptive_instance_normalisation_gives_maps_the_mean_and_deviation_of_their_style():
    """Eq. 1 of the first paper."""
    layer, x = Styled(5, "instance"), jax.random.normal(jax.random.key(3), (2, 6, 6, 4))
    made, variables = QUICK(lambda: layer.init_with_output(jax.random.key(4), x, STYLES[:2, 0], None))()
    dense = variables["params"]["style"]
    told = np.asarray(STYLES[:2, 0] @ dense["kernel"]) / np.sqrt(6) + np.asarray(dense["bias"])
    scale, shift = np.split(np.asarray(told), 2, -1)
    np.testing.assert_allclose(np.asarray(made).mean((1, 2)), shift, atol=1e-5)
    np.testing.assert_allclose(np.asarray(made).std((1, 2)), np.abs(1 + scale), rtol=1e-3)


def test_the_mean_style_goes_to_the_mean_of_what_all_replicas_make():
    network, latents = Mapping(width=6, depth=2, rate=1.0, decay=0.9), jax.random.normal(jax.random.key(6), (2, 4, 5))
    variables = QUICK(lambda: network.init(jax.random.key(7), latents[0], train=False))()

    def passed(latent):
        return network.apply(variables, latent, train=True, mutable=[CENTRE])

    styles, carried = QUICK(jax.vmap(passed, axis_name=AXIS))(latents)
    expected = 0.1 * np.asarray(styles).mean((0, 1))
    for replica in range(2):
        np.testing.assert_allclose(carried[CENTRE][MEAN][replica], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        QUICK(functools.partial(network.apply, train=False))(variables, 3 * latents[0]), styles[0], rtol=1e-4, atol=1e-5
    )


def test_wrappers_of_a_critic_go_with_the_penalties_that_it_goes_with():
    told, recognising = (
        wrap(Critic(8, 1))
        for wrap in (lambda body: ConditionalCritic(body, 3, "projection"), lambda body: RecognisingCritic(body, 2))
    )
    captioned = CaptionedCritic(Critic(8, 1), 5)
    for critic in (told, recognising, captioned):
        assert critic.allows_gradient_penalties and not critic.judges_alone
    assert not ConditionalCritic(dcgan.Critic(norm="batch"), 3, "projection").allows_gradient_penalties


@pytest.mark.parametrize("join", JOINS[1:])
def test_a_critic_looks_at_every_pixel(join):
    critic, images = Critic(8, 1, join, deviation=False), jax.random.normal(jax.random.key(8), (2, *SHAPE))
    variables = QUICK(lambda: critic.init(jax.random.key(9), images, train=False))()
    slope = QUICK(jax.grad(lambda images: critic.apply(variables, images, train=True).logit[0]))(images)
    assert (np.abs(np.asarray(slope[0])) > 0).all()
    assert not np.asarray(slope[1]).any()
    assert critic.judges_alone


def test_bfloat16_is_close_to_float32():
    def both(network, *inputs):
        variables = QUICK(lambda: network.init(jax.random.key(10), *inputs, train=False))()
        assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(variables))
        return [
            QUICK(functools.partial(network.clone(dtype=dtype).apply, train=True))(variables, *inputs)
            for dtype in (jnp.float32, jnp.bfloat16)
        ]

    precise, rough = both(generator(), STYLES, KEYS)
    assert rough.dtype == jnp.float32
    assert np.abs(precise - rough).max() < 0.05 * np.abs(precise).max()
    precise, rough = both(Critic(8, 1, deviation=False), precise)
    np.testing.assert_allclose(precise.logit, rough.logit, atol=0.05 * np.abs(precise.features).max())


@pytest.mark.parametrize(
    ("said", "network", "inputs"),
    [
        ("modulation='dense'", generator(modulation="dense"), (STYLES, KEYS)),
        ("join='both'", generator(join="both"), (STYLES, KEYS)),
        ("cannot be reached", Generator((9, 8, 1), width=8), (STYLES, KEYS)),
        ("join='skip'", Critic(8, 1, "skip"), (jnp.zeros((4, *SHAPE)),)),
    ],
)
def test_what_a_network_cannot_be_is_refused(said, network, inputs):
    with pytest.raises(ValueError, match=said):
        network.init(jax.random.key(0), *inputs, train=False)
