"""CycleGAN's generator: shapes of every size, borders, residual blocks, and the published size."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS
from gengen.networks.forward import eval_mode, init_network, train_mode
from gengen.networks.layers.conv import Conv
from gengen.networks.layers.upsample import METHODS
from gengen.networks.resnet import Translator

QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
"""Compiles fast what runs once."""

SIZES = [(256, 256), (64, 64), (28, 28), (17, 23), (16, 16), (8, 8), (5, 5)]


def variables_of(network, image):
    return jax.eval_shape(lambda key: init_network(network, key, image, None), jax.random.key(0))


def made(network, image):
    """First variables, five times as large: the first images are all nearly grey."""

    @QUICK
    def enlarged(key):
        return jax.tree.map(lambda leaf: 5 * leaf, init_network(network, key, image, None))

    return enlarged(jax.random.key(0))


def count(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).uniform(-1, 1, (3, 8, 8, 2)).astype(np.float32)


@pytest.mark.parametrize(
    ("size", "upsample"), [*((size, "transposed") for size in SIZES), *(((5, 6), method) for method in METHODS)]
)
def test_images_of_any_size_keep_it(size, upsample):
    network = Translator(5, width=4, blocks=1, upsample=upsample)
    image = jnp.zeros((3, *size, 2))
    made = jax.eval_shape(lambda v: eval_mode(network, v, image, None), variables_of(network, image))
    assert (made.shape, made.dtype) == ((3, *size, 5), jnp.float32)


@pytest.mark.parametrize("norm", ["instance", "batch", "none"])
def test_training_keeps_the_structure_of_the_variables(images, norm):
    network = Translator(3, width=4, blocks=1, norm=norm)

    def run(key):
        variables = init_network(network, key, images, None)
        mapped = jax.vmap(lambda x: train_mode(network, variables, x, None), axis_name=AXIS)(images[None])
        return variables, mapped

    variables, (made, carried) = jax.eval_shape(run, jax.random.key(0))
    assert made.shape == (1, 3, 8, 8, 3)
    assert set(carried) == set(variables) - {"params"} == ({"batch_stats"} if norm == "batch" else set())


def test_an_image_of_odd_sides_is_the_crop_of_the_one_with_its_border_repeated():
    network = Translator(2, width=4, blocks=1)
    image = np.random.default_rng(2).uniform(-1, 1, (1, 6, 7, 3)).astype(np.float32)
    variables = made(network, image)
    run = QUICK(lambda x: eval_mode(network, variables, x, None))
    whole = np.pad(image, ((0, 0), (1, 1), (0, 1), (0, 0)), mode="edge")
    np.testing.assert_allclose(run(image), np.asarray(run(whole))[:, 1:7, :7], atol=1e-6)


def test_the_outer_convolutions_are_plain_ones_of_reflected_maps(images):
    network = Translator(3, width=4, blocks=0, halvings=0, kernel=3, norm="none")
    variables = made(network, images)
    params = variables["params"]

    def plainly(x, name, features):
        x = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
        return np.asarray(Conv(features, (3, 3), padding="VALID").apply({"params": params[name]}, x))

    expected = np.tanh(plainly(np.maximum(plainly(images, "Conv_0", 4), 0), "ConvTranspose_0", 3))
    np.testing.assert_allclose(QUICK(lambda: eval_mode(network, variables, images, None))(), expected, atol=1e-5)


def test_borders_are_reflections(images):
    """A constant image has no border that a network could see, unless it pads zeros."""
    network = Translator(1, width=4, blocks=1, halvings=0, kernel=5, norm="none")
    variables = made(network, images)
    run = QUICK(lambda x: eval_mode(network, variables, x, None))
    flat = np.full_like(images, 0.3)
    np.testing.assert_allclose(run(flat), np.broadcast_to(np.asarray(run(flat))[:, :1, :1], (3, 8, 8, 1)), atol=1e-5)
    assert np.ptp(np.asarray(run(images))) > 0.01


def test_a_block_adds_to_what_it_takes(images):
    """Where the second convolutions of all blocks are zero, the blocks are not there."""
    network, without = Translator(1, width=4, blocks=2, norm="none"), Translator(1, width=4, blocks=0, norm="none")
    variables = made(network, images)
    params = variables["params"]
    empty = {name: jax.tree.map(np.zeros_like, params[name]) for name in ("Conv_4", "Conv_6")}
    fewer = {name: params[name] for name in variables_of(without, images)["params"]}
    found = QUICK(lambda p: eval_mode(network, {"params": p}, images, None))
    plain = QUICK(lambda p: eval_mode(without, {"params": p}, images, None))(fewer)
    np.testing.assert_allclose(found({**params, **empty}), plain, atol=1e-6)
    assert np.abs(np.asarray(found(params)) - np.asarray(plain)).max() > 1e-3


def test_images_are_translated_one_by_one_and_keys_do_not_matter(images):
    network = Translator(1, width=4, blocks=1)
    variables = made(network, images)
    run = QUICK(lambda x: train_mode(network, variables, x, None)[0])
    other = np.concatenate([images[:1], -0.5 * images[1:]])
    np.testing.assert_allclose(np.asarray(run(other))[0], np.asarray(run(images))[0], atol=1e-5)
    keys = jax.random.split(jax.random.key(0), 3)
    keyed = QUICK(lambda x: train_mode(network, variables, x, keys)[0])(images)
    np.testing.assert_array_equal(keyed, run(images))


def test_the_paper_network_has_the_published_number_of_parameters():
    """11.378 million in the authors' code, which adds biases that instance normalisation takes away again."""
    image = jnp.zeros((1, 256, 256, 3))
    assert count(variables_of(Translator(3, norm="none"), image)) == 11_378_179
    dead = 64 + 128 + 256 + 18 * 256 + 128 + 64
    assert count(variables_of(Translator(3), image)) == 11_378_179 - dead


def test_a_bias_before_instance_normalisation_would_do_nothing(images):
    """Adding a constant to each channel of the image that enters a 1 x 1 network's first norm changes nothing."""
    network = Translator(1, width=4, blocks=1, halvings=0, kernel=1)
    variables = made(network, images)
    run = QUICK(lambda x: eval_mode(network, variables, x, None))
    np.testing.assert_allclose(run(images + 0.25), run(images), atol=1e-4)


def test_weights_start_from_the_published_distribution():
    first = jax.jit(lambda key: init_network(Translator(3, width=16, blocks=1), key, jnp.zeros((1, 8, 8, 3)), None))
    for path, leaf in jax.tree.leaves_with_path(jax.device_get(first(jax.random.key(0)))["params"]):
        if "kernel" in jax.tree_util.keystr(path):
            assert leaf.std() == pytest.approx(0.02, rel=4 / np.sqrt(2 * leaf.size))


def test_bfloat16_computes_close_to_float32_on_float32_parameters(images):
    network = Translator(2, width=4, blocks=1)
    short = network.clone(dtype=jnp.bfloat16)
    variables = made(network, images)
    chex.assert_trees_all_equal_shapes_and_dtypes(variables_of(short, images), variables_of(network, images))
    plain, other = map(np.asarray, QUICK(lambda: [eval_mode(n, variables, images, None) for n in (network, short)])())
    assert other.dtype == jnp.float32
    assert np.abs(plain - other).mean() < 0.05 * np.abs(plain).mean()
    assert (plain != other).any()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"channels": 0}, "channels=0"),
        ({"width": 0}, "width=0"),
        ({"blocks": -1}, "blocks=-1"),
        ({"halvings": -1}, "halvings=-1"),
        ({"halvings": 3}, "halve the image less often"),
        ({"kernel": 4}, "kernel=4 must be odd"),
        ({"norm": "spectral"}, 'none, batch, instance, not "spectral"'),
        ({"upsample": "magic"}, "upsampling is one of"),
    ],
)
def test_arguments_out_of_range_are_named(images, wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        variables_of(Translator(**{"channels": 1, **wrong}), images)
