"""Denoisers: sizes they reach, what they say at first, times, labels and texts they are told, and derivatives."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import example_keys
from gengen.networks.denoisers.denoiser import waves_of
from gengen.networks.denoisers.denoising_mlp import DenoisingMLP
from gengen.networks.denoisers.denoising_unet import DenoisingUNet
from gengen.networks.denoisers.dit import DiT, places
from gengen.networks.denoisers.text_encoder import TextEncoder

QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
"""Compiles fast what runs once."""

CLASSES = 3
TIME = jnp.asarray([0.2, 0.5, 0.9])

SMALL = {
    "unet": DenoisingUNet((6, 5, 2), CLASSES, width=4, multipliers=(1, 2), attention=(1,), heads=2, embedding=8),
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
    features /= np.linalg.norm(features, axis=-1, keepdims=True)
    cosines = features @ features.T
    far = np.abs(np.subtract.outer(np.arange(101), np.arange(101))) >= 5
    assert cosines[far].max() < 0.95
    assert cosines[10, 90] < 0.5  # 0.98 under the frequencies of Vaswani et al. 2017 for whole numbers
    near = np.asarray(waves_of(jnp.asarray([0.5, 0.501]), 128))
    assert np.linalg.norm(near[0] - near[1]) > 0.1


@pytest.fixture(scope="module", params=SMALL)
def told(request):
    """A network, and a compiled function of what it is told."""
    network = SMALL[request.param].clone(dropout=0.5)
    variables = drawn(network, {"label": jnp.zeros(3, jnp.int32)}, TIME)

    @functools.partial(QUICK, static_argnums=6)
    def run(variables, x, time, label, span, keys, train):
        return network.apply(variables, x, time, {"label": label}, span, keys, train=train)

    x = jax.random.normal(jax.random.key(1), (3, *network.shape))
    return network, variables, run, x


def test_each_thing_told_counts_and_an_example_depends_on_nothing_but_its_own(told):
    network, variables, run, x = told
    label, span, keys = jnp.asarray([0, 1, CLASSES]), TIME / 2, example_keys(jax.random.key(2), 3)

    def said(x=x, time=TIME, label=label, span=span, keys=keys, train=False):
        return np.asarray(run(variables, x, time, label, span, keys, train))

    base = said()
    changes = {
        "time": {"time": TIME + 0.05},
        "label": {"label": jnp.asarray([1, 2, 0])},
        "span": {"span": span + 0.05},
        "dropout": {"train": True},
    }
    scale = np.abs(base).max()
    for name, change in changes.items():
        other = said(**change)
        assert (np.abs(other - base).max((1, 2, 3)) > 1e-3 * scale).all(), name
    np.testing.assert_array_equal(said(keys=example_keys(jax.random.key(3), 3)), base)
    dropped = said(train=True)
    order = jnp.asarray([2, 0, 1])
    turned = said(x[order], TIME[order], label[order], span[order], keys[order], True)
    np.testing.assert_allclose(turned, dropped[order], atol=1e-4 * scale)
    unsaid = QUICK(lambda: network.apply(variables, x, TIME, None, span, train=False))()
    np.testing.assert_allclose(unsaid[2], base[2], atol=1e-4 * scale)  # label K and no label are the same
    assert np.abs(unsaid[:2] - base[:2]).max() > 1e-3 * scale


def test_forward_derivatives_and_gradients_through_them_equal_differences(told):
    """MeanFlow's target is a derivative along (x, t), and its training the gradient of a loss that holds one."""
    network, variables, _, x = told
    network = network.clone(dropout=0.0, fastest=4.0)
    label, direction = jnp.asarray([0, 1, CLASSES]), jax.random.normal(jax.random.key(4), x.shape)

    def along(variables, x):
        def said(x, time):
            return network.apply(variables, x, time, {"label": label}, TIME, train=False)

        return jax.jvp(said, (x, TIME), (direction, jnp.ones(3)))

    def loss(variables):
        value, slope = along(variables, x)
        return jnp.square(value + slope).sum()

    flat, unravel = jax.flatten_util.ravel_pytree(variables)
    aim = jnp.float32(np.random.default_rng(1).normal(size=flat.shape))
    step = 1e-2

    @QUICK
    def run():
        value, slope = along(variables, x)

        def at(far):
            return network.apply(variables, x + far * direction, TIME + far, {"label": label}, TIME, train=False)

        differences = (at(step) - at(-step)) / (2 * step)
        gradient, _ = jax.flatten_util.ravel_pytree(jax.grad(loss)(variables))
        small = 1e-3
        slopes = (loss(unravel(flat + small * aim)) - loss(unravel(flat - small * aim))) / (2 * small)
        return value, slope, differences, gradient @ aim, slopes

    _, slope, differences, gradient, slopes = run()
    np.testing.assert_allclose(slope, differences, atol=0.01 * np.abs(slope).max())
    np.testing.assert_allclose(gradient, slopes, rtol=0.02)


def test_places_of_a_dit_are_told_apart():
    waves = np.asarray(places(4, 5, 16))
    assert waves.shape == (20, 16)
    apart = np.linalg.norm(waves[:, None] - waves[None], axis=-1) + 10 * np.eye(20)
    assert apart.min() > 0.5


@pytest.mark.parametrize("name", SMALL)
def test_a_text_counts_and_what_fills_it_up_does_not(name):
    network = SMALL[name].clone(classes=0, vocabulary=9)
    text = jnp.asarray([[3, 1, 4, 0, 0], [1, 3, 4, 0, 0], [0, 0, 0, 0, 0]])
    variables = drawn(network, {"text": text})
    x = jnp.broadcast_to(jax.random.normal(jax.random.key(1), (1, *network.shape)), (3, *network.shape))
    time = jnp.full(3, 0.5)

    @QUICK
    def run():
        said = [network.apply(variables, x, time, {"text": tokens}, train=False) for tokens in (text, text[:, :3])]
        return *said, network.apply(variables, x, time, None, train=False)

    long, short, nothing = jax.device_get(run())
    np.testing.assert_allclose(long, short, rtol=1e-4, atol=1e-4)
    assert np.abs(long[0] - long[1]).max() > 1e-3  # order counts
    assert np.abs(long[0] - long[2]).max() > 1e-3
    np.testing.assert_allclose(nothing[0], long[2], rtol=1e-4, atol=1e-4)


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
