"""Denoisers: sizes they reach, what they say at first, times, labels and texts they are told, and derivatives."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from gengen.core.parallel import example_keys
from gengen.networks.denoisers.denoiser import Embedding, waves_of
from gengen.networks.denoisers.denoising_mlp import DenoisingMLP
from gengen.networks.denoisers.denoising_unet import DenoisingUNet
from gengen.networks.denoisers.dit import DiT, places
from gengen.networks.text_encoder import TextEncoder

QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
"""Compiles fast what runs once."""

CLASSES = 3
TIME = jnp.asarray([0.2, 0.5, 0.9])

SMALL = {
    "unet": DenoisingUNet(
        (6, 5, 2), CLASSES, width=4, multipliers=(1, 2), attention=(1,), heads=2, embedding=8, groups=2
    ),
    "dit": DiT((6, 5, 2), CLASSES, width=8, patch=2, blocks=1, heads=2, embedding=8),
    "mlp": DenoisingMLP((6, 5, 2), CLASSES, width=8, blocks=2, embedding=8),
}


def variables_of(network, told=None, span=None, n=2):
    x = jnp.zeros((n, *network.shape))
    return jax.eval_shape(lambda k: network.init(k, x, jnp.zeros(n), told, span, train=False), jax.random.key(0))


def drawn(network, told=None, span=None, n=3, deviation=0.3):
    """Variables of which none is 0, so that all that a network is told counts."""
    draw = np.random.default_rng(0).normal
    return jax.tree.map(lambda leaf: jnp.float32(draw(0, deviation, leaf.shape)), variables_of(network, told, span, n))


@pytest.mark.parametrize("size", [(8, 8), (16, 16), (28, 28), (64, 64), (7, 9), (30, 17), (1, 1)])
@pytest.mark.parametrize(
    "network",
    [
        DenoisingUNet((1, 1, 3), width=8, multipliers=(1, 2, 3), blocks=2, attention=(1, 2)),
        DenoisingUNet((1, 1, 3), width=8, patch=2),
        DiT((1, 1, 3), width=16, blocks=1),
        DenoisingMLP((1, 1, 3), width=8),
    ],
    ids=["unet", "patches", "dit", "mlp"],
)
def test_pictures_of_any_size_are_answered_in_their_own(network, size):
    network = network.clone(shape=(*size, 3))
    x, time = jnp.zeros((2, *size, 3)), jnp.zeros(2)
    for dtype in (jnp.float32, jnp.bfloat16):
        one = network.clone(dtype=dtype)
        made = jax.eval_shape(lambda v, one=one: one.apply(v, x, time, train=False), variables_of(one))
        assert made.shape == x.shape and made.dtype == jnp.float32


@pytest.mark.parametrize("shape", [(2,), (13,), (24, 5), (4, 4, 4, 1)])
def test_a_perceptron_takes_data_of_any_shape(shape):
    network = DenoisingMLP(shape, width=8, waves=4)
    made = jax.eval_shape(
        lambda v: network.apply(v, jnp.zeros((2, *shape)), jnp.zeros(2), train=False), variables_of(network)
    )
    assert made.shape == (2, *shape)


@pytest.mark.parametrize("name", SMALL)
def test_denoisers_say_nothing_at_first(name):
    network, n = SMALL[name], 3
    x = jax.random.normal(jax.random.key(1), (n, *network.shape))

    def run(key):
        made = network.init_with_output(key, x, TIME, {"label": jnp.arange(n)}, TIME, train=False)
        return made[0]

    assert not np.any(QUICK(run)(jax.random.key(0)))


def test_times_have_features_of_their_own():
    time = jnp.linspace(0, 1, 101)
    features = np.asarray(waves_of(time, 128))
    cosines = features @ features.T / 64  # each sine and its cosine have length 1
    far = np.abs(np.subtract.outer(np.arange(101), np.arange(101))) >= 5
    assert cosines[far].max() < 0.95
    assert cosines[10, 90] < 0.5  # 0.98 under the frequencies of Vaswani et al. 2017 for whole numbers
    near = np.asarray(waves_of(jnp.asarray([0.5, 0.501]), 128))
    assert np.linalg.norm(near[0] - near[1]) > 0.1


def test_a_label_of_no_class_says_what_no_label_says():
    layer, told = Embedding(8, CLASSES), {"label": jnp.asarray([0, 1, CLASSES])}
    said, variables = layer.init_with_output(jax.random.key(0), TIME, told)
    unsaid = layer.apply(variables, TIME)
    np.testing.assert_allclose(unsaid.vector[2], said.vector[2], rtol=1e-6)
    assert np.abs(np.asarray(unsaid.vector - said.vector)[:2]).max(1).min() > 0.1


@pytest.mark.parametrize("name", SMALL)
def test_each_thing_told_counts_and_an_example_depends_on_nothing_but_its_own(name):
    network = SMALL[name].clone(dropout=0.5)
    variables = drawn(network, {"label": jnp.zeros(3, jnp.int32)}, TIME)
    x = jnp.broadcast_to(jax.random.normal(jax.random.key(1), (1, *network.shape)), (6, *network.shape))
    changed = x.at[1, 0, 0, 0].add(1.0)
    time, span = jnp.asarray([0.5, 0.5, 0.55, 0.5, 0.5, 0.5]), jnp.asarray([0.2, 0.2, 0.2, 0.25, 0.2, 0.2])
    label = jnp.asarray([0, 0, 0, 0, CLASSES, 0])
    keys = example_keys(jax.random.key(2), 2)[jnp.asarray([0, 0, 0, 0, 0, 1])]

    @QUICK
    def run(order):
        told = {"label": label[order]}
        return network.apply(variables, changed[order], time[order], told, span[order], keys[order], train=True)

    said = np.asarray(run(jnp.arange(6)))
    scale = np.abs(said).max()
    apart = np.abs(said[1:] - said[:1]).max((1, 2, 3)) / scale
    assert dict(zip(("data", "time", "span", "label", "dropout"), apart > 1e-3, strict=True)) == dict.fromkeys(
        ("data", "time", "span", "label", "dropout"), True
    )
    order = jnp.asarray([3, 5, 0, 4, 2, 1])
    np.testing.assert_allclose(run(order), said[np.asarray(order)], atol=1e-4 * scale)


@pytest.mark.parametrize("name", SMALL)
def test_forward_derivatives_and_gradients_through_them_equal_differences(name):
    """MeanFlow's target is a derivative along (x, t), and its training the gradient of a loss that holds one."""
    network = SMALL[name].clone(fastest=4.0)
    label = jnp.asarray([0, 1, CLASSES])
    flat, unravel = ravel_pytree(drawn(network, {"label": label}, TIME))
    aim = jnp.float32(np.random.default_rng(1).normal(size=flat.shape) / np.sqrt(flat.size))
    x, direction = jax.random.normal(jax.random.key(4), (2, 3, *network.shape))

    def said(flat, far):
        return network.apply(unravel(flat), x + far * direction, TIME + far, {"label": label}, TIME, train=False)

    def loss(flat):
        value, slope = jax.jvp(lambda far: said(flat, far), (jnp.float32(0),), (jnp.float32(1),))
        return jnp.square(value + slope).mean(), slope

    step, small = 5e-3, 2e-2

    @QUICK
    def run():
        ahead, behind = jax.lax.map(lambda far: said(flat, far), jnp.float32([step, -step]))
        losses, slopes = jax.lax.map(lambda far: loss(flat + far * aim), jnp.float32([small, -small, 0]))
        gradient, _ = jax.grad(loss, has_aux=True)(flat)
        return slopes[2], (ahead - behind) / (2 * step), gradient @ aim, (losses[0] - losses[1]) / (2 * small)

    slope, differences, gradient, expected = run()
    np.testing.assert_allclose(slope, differences, atol=0.01 * np.abs(slope).max())
    np.testing.assert_allclose(gradient, expected, rtol=0.02)


def test_places_of_a_dit_are_told_apart():
    waves = np.asarray(places(4, 5, 16))
    assert waves.shape == (20, 16)
    apart = np.linalg.norm(waves[:, None] - waves[None], axis=-1) + 10 * np.eye(20)
    assert apart.min() > 0.5


@pytest.mark.parametrize("name", SMALL)
def test_a_text_and_the_order_of_its_words_count(name):
    network = SMALL[name].clone(classes=0, vocabulary=9)
    text = jnp.asarray([[3, 1, 4, 0, 0], [1, 3, 4, 0, 0], [0, 0, 0, 0, 0]])
    variables = drawn(network, {"text": text})
    x = jnp.broadcast_to(jax.random.normal(jax.random.key(1), (1, *network.shape)), (3, *network.shape))
    time = jnp.full(3, 0.5)

    said = np.asarray(QUICK(lambda: network.apply(variables, x, time, {"text": text}, train=False))())
    assert np.abs(said[0] - said[1]).max() > 1e-4  # order counts
    assert np.abs(said[0] - said[2]).max() > 1e-3


def test_what_fills_a_text_up_does_not_count_and_no_text_says_what_an_empty_one_says():
    layer, text = Embedding(8, vocabulary=9), jnp.asarray([[3, 1, 4, 0, 0], [1, 3, 4, 0, 0], [0, 0, 0, 0, 0]])
    said, variables = layer.init_with_output(jax.random.key(0), TIME, {"text": text})
    short = layer.apply(variables, TIME, {"text": text[:, :3]})
    np.testing.assert_allclose(short.vector, said.vector, atol=1e-5)
    np.testing.assert_allclose(short.context[:2], said.context[:2, :3], atol=1e-5)
    np.testing.assert_array_equal(said.present, text > 0)
    np.testing.assert_allclose(layer.apply(variables, TIME).vector[2], said.vector[2], atol=1e-5)


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (DiT((8, 8, 1), width=6), "width=6 must be a multiple of 4"),
        (DiT((8, 8, 1), width=8, heads=3), "heads=3 must divide the width 8"),
        (DenoisingUNet((8, 8, 1), width=4, multipliers=(1,), attention=(0,), heads=3), "heads=3 must divide"),
        (
            DenoisingUNet((8, 8, 1), width=4, multipliers=(1, 2), attention=(2,)),
            r"attention=\(2,\): there are 2 levels",
        ),
    ],
)
def test_what_cannot_be_built_is_refused(network, sentence):
    with pytest.raises(ValueError, match=sentence):
        variables_of(network)


def test_a_text_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match="texts of 9 tokens are longer than longest=8"):
        jax.eval_shape(TextEncoder(8, 5, longest=8).init, jax.random.key(0), jnp.ones((1, 9), jnp.int32))


def test_a_step_compiles_once():
    network = SMALL["mlp"]
    variables = drawn(network, {"label": jnp.zeros(3, jnp.int32)})
    traced = chex.assert_max_traces(
        lambda x, time, label: network.apply(variables, x, time, {"label": label}, train=False), n=1
    )
    run = QUICK(traced)
    for seed in range(2):
        run(jax.random.normal(jax.random.key(seed), (3, *network.shape)), TIME, jnp.arange(3))
