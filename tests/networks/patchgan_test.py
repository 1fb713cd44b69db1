"""The PatchGAN critic: what one logit sees, shapes, sizes that it refuses, normalisations, and the published size."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS
from gengen.networks.forward import eval_mode, init_network, train_mode
from gengen.networks.layers.norm import NORMS_OF_MAPS
from gengen.networks.patchgan import Critic

QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
"""Compiles fast what runs once."""


def variables_of(network, image):
    return jax.eval_shape(lambda key: init_network(network, key, image), jax.random.key(0))


def made(network, image):
    first = QUICK(lambda key: init_network(network, key, image))(jax.random.key(0))
    return {**first, "params": jax.tree.map(lambda leaf: 5 * leaf, first["params"])}


def count(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).uniform(-1, 1, (3, 16, 16, 2)).astype(np.float32)


@pytest.mark.parametrize(("layers", "field", "side"), [(0, 1, 5), (1, 16, 24), (2, 34, 56), (3, 70, 112)])
def test_the_gradient_of_one_logit_fills_exactly_the_published_patch(layers, field, side):
    image = np.random.default_rng(1).uniform(-1, 1, (1, side, side + 8, 1)).astype(np.float32)
    network = Critic(width=2, layers=layers, norm="none")
    variables = made(network, image)
    logits = jax.eval_shape(lambda: eval_mode(network, variables, image).logit).shape
    row, column = logits[1] // 2, logits[2] // 2
    gradient = QUICK(jax.grad(lambda x: eval_mode(network, variables, x).logit[0, row, column]))(image)
    seen = np.asarray(gradient[0, :, :, 0] != 0)
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (field, field)
    assert seen.sum() == field**2


PLACES = [
    ((256, 256), 3, (30, 30)),
    ((256, 256), 0, (256, 256)),
    ((256, 256), 1, (126, 126)),
    ((64, 64), 3, (6, 6)),
    ((28, 28), 2, (5, 5)),
    ((17, 23), 2, (2, 3)),
    ((16, 16), 1, (6, 6)),
    ((8, 8), 1, (2, 2)),
]


@pytest.mark.parametrize(
    ("size", "layers", "places", "norm"),
    [*((*case, "batch") for case in PLACES), *(((24, 24), 3, (1, 1), norm) for norm in NORMS_OF_MAPS)],
)
def test_there_is_a_logit_for_each_patch(size, layers, places, norm):
    network = Critic(width=4, layers=layers, norm=norm)
    image = jnp.zeros((3, *size, 5))

    def run(key):
        variables = init_network(network, key, image)
        judged, carried = jax.vmap(lambda x: train_mode(network, variables, x), axis_name=AXIS)(image[None])
        assert set(carried) == set(variables) - {"params"}
        return judged

    judged = jax.eval_shape(run, jax.random.key(0))
    assert judged.logit.shape == (1, 3, *places) and judged.code is None
    assert judged.features.shape == (1, 3, 4 << min(max(layers, 1), 3))
    assert judged.logit.dtype == judged.features.dtype == jnp.float32


@pytest.mark.parametrize(
    ("size", "layers", "fits"), [((16, 16), 3, 2), ((5, 40), 1, 0), ((2, 2), 3, 0), ((23, 99), 3, 2)]
)
def test_images_too_small_are_refused_with_the_layers_that_fit(size, layers, fits):
    image = jnp.zeros((1, *size, 1))
    with pytest.raises(ValueError, match=f"at least {3 * 2**layers} x {3 * 2**layers}.*try layers={fits}\n"):
        variables_of(Critic(width=2, layers=layers), image)
    variables_of(Critic(width=2, layers=fits), image)


def test_the_logits_are_the_closed_form_without_layers(images):
    """Three matrices and two leaky ReLUs for each pixel; features are means over all pixels."""
    network = Critic(width=4, layers=0, norm="none")
    variables = made(network, images)
    x = images.astype(np.float64)
    for place in range(3):
        layer = jax.tree.map(np.asarray, variables["params"][f"Conv_{place}"])
        features = x.mean((1, 2))
        x = x @ layer["kernel"][0, 0] + layer["bias"]
        x = x if place == 2 else np.where(x > 0, x, 0.2 * x)
    judged = QUICK(lambda: eval_mode(network, variables, images))()
    np.testing.assert_allclose(judged.logit, x[..., 0], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(judged.features, features, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("norm", NORMS_OF_MAPS)
def test_a_critic_that_judges_alone_says_so(norm, images):
    network = Critic(width=4, layers=1, norm=norm)
    variables = made(network, images)
    run = QUICK(jax.vmap(lambda x: train_mode(network, variables, x)[0].logit, axis_name=AXIS))
    others = np.concatenate([images[:1], -0.5 * images[1:]])
    first, again = (np.asarray(run(x[None]))[0, 0] for x in (images, others))
    assert network.judges_alone == np.allclose(first, again, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("norm", ["batch", "layer", "instance"])
def test_the_first_and_the_last_convolution_are_not_normalised(norm, images):
    params = variables_of(Critic(width=4, layers=2, norm=norm), images)["params"]
    assert ["bias" in params[f"Conv_{place}"] for place in range(4)] == [True, False, False, True]
    scales = [leaf["scale"].shape[0] for leaf in params.values() if "scale" in leaf]
    assert scales == ([] if norm == "instance" else [8, 16])


def test_a_spectral_critic_has_the_parameters_of_a_plain_one(images):
    plain, spectral = (variables_of(Critic(width=4, norm=norm, layers=1), images) for norm in ("none", "spectral"))
    chex.assert_trees_all_equal_shapes_and_dtypes(plain["params"], spectral["params"])
    assert set(spectral) == {"params", "spectral"} and len(spectral["spectral"]) == 3


def test_the_paper_network_has_the_published_number_of_parameters():
    """2.769 million for an image and its condition; 2,764,737 in CycleGAN, with biases that its norm takes away."""
    pair, single = jnp.zeros((1, 256, 256, 6)), jnp.zeros((1, 256, 256, 3))
    assert count(variables_of(Critic(), pair)["params"]) == 2_768_705
    assert count(variables_of(Critic(norm="none"), single)) == 2_764_737
    assert count(variables_of(Critic(norm="instance"), single)) == 2_764_737 - (128 + 256 + 512)


def test_weights_start_from_the_published_distributions(images):
    params = jax.jit(lambda key: init_network(Critic(width=16, layers=2), key, images))(jax.random.key(0))["params"]
    for path, leaf in jax.tree.leaves_with_path(params):
        name = jax.tree_util.keystr(path)
        if "kernel" in name:
            assert float(leaf.std()) == pytest.approx(0.02, rel=4 / np.sqrt(2 * leaf.size))
        if "scale" in name:
            assert float(leaf.mean()) == pytest.approx(1, abs=0.02) and float(leaf.std()) > 0.01


@pytest.mark.parametrize("norm", ["instance", "spectral"])
def test_bfloat16_computes_close_to_float32_on_float32_parameters(images, norm):
    network = Critic(width=4, layers=1, norm=norm)
    short = network.clone(dtype=jnp.bfloat16)
    variables = made(network, images)
    chex.assert_trees_all_equal_shapes_and_dtypes(variables_of(short, images), variables_of(network, images))
    plain, other = (QUICK(lambda n=n: eval_mode(n, variables, images).logit)() for n in (network, short))
    assert float(jnp.abs(plain - other).mean()) < 0.05 * float(jnp.abs(plain).mean())
    assert (plain != other).any()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"width": 0}, "width=0"),
        ({"layers": -1}, "layers=-1"),
        ({"norm": "magic"}, 'none, batch, layer, spectral, instance, not "magic"'),
    ],
)
def test_arguments_out_of_range_are_named(images, wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        variables_of(Critic(**wrong), images)
