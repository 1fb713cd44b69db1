"""The U-Net: shapes of every size, skip connections, noise of each example's own key, and the published size."""

import functools
import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS
from gengen.networks.forward import eval_mode, init_network, train_mode
from gengen.networks.layers.upsample import METHODS
from gengen.networks.unet import Translator, halvings

QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
"""Compiles fast what runs once."""

KEYS = jax.random.split(jax.random.key(5), 3)
SIZES = {
    (256, 256): 8,
    (64, 64): 6,
    (28, 28): 5,
    (17, 23): 5,
    (16, 16): 4,
    (8, 8): 3,
    (24, 40): 5,
    (5, 6): 3,
    (3, 9): 2,
    (1, 1): 1,
}


def variables_of(network, image):
    return jax.eval_shape(lambda key: init_network(network, key, image, KEYS[: len(image)]), jax.random.key(0))


def made(network, image):
    """First variables, five times as large: the first images are all nearly grey."""

    @QUICK
    def enlarged(key):
        return jax.tree.map(lambda leaf: 5 * leaf, init_network(network, key, image, KEYS[: len(image)]))

    return enlarged(jax.random.key(0))


def count(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).uniform(-1, 1, (3, 16, 16, 1)).astype(np.float32)


@pytest.mark.parametrize(
    ("size", "upsample"), [*((size, "transposed") for size in SIZES), *(((5, 6), method) for method in METHODS)]
)
def test_images_of_any_size_keep_it(size, upsample):
    network = Translator(5, width=4, upsample=upsample)
    image = jnp.zeros((3, *size, 2))
    variables = variables_of(network, image)
    made = jax.eval_shape(lambda v: eval_mode(network, v, image, KEYS), variables)
    assert (made.shape, made.dtype) == ((3, *size, 5), jnp.float32)
    assert len([name for name in variables["params"] if name.startswith("Conv_")]) == SIZES[size]
    assert halvings(*size) == SIZES[size]


def test_training_in_every_norm_gives_images_and_carries_statistics_of_batch_norm_alone(images):
    for norm, carrying in (("batch", {"batch_stats"}), ("instance", set()), ("none", set())):
        network = Translator(3, width=4, norm=norm)

        def run(key, network=network):
            variables = init_network(network, key, images, KEYS)
            return jax.vmap(lambda x: train_mode(network, variables, x, KEYS), axis_name=AXIS)(images[None])

        made, carried = jax.eval_shape(run, jax.random.key(0))
        assert made.shape == (1, 3, 16, 16, 3) and set(carried) == carrying


def test_an_image_of_odd_sides_is_the_crop_of_the_one_with_its_border_repeated():
    network = Translator(2, width=4, depth=2, norm="none")
    image = np.random.default_rng(2).uniform(-1, 1, (1, 6, 7, 3)).astype(np.float32)
    variables = made(network, image)
    run = QUICK(lambda x: eval_mode(network, variables, x, None))
    whole = np.pad(image, ((0, 0), (1, 1), (0, 1), (0, 0)), mode="edge")
    np.testing.assert_allclose(run(image), np.asarray(run(whole))[:, 1:7, :7], atol=1e-6)


def test_a_skip_connection_alone_carries_each_pixel_from_its_own_place(images):
    """Without what comes from below, an output pixel sees 2 x 2 places of the first map, which see 6 x 6 pixels."""
    network = Translator(1, width=8, norm="none")
    variables = made(network, images[:1])
    last = variables["params"]["Upsample_3"]["ConvTranspose_0"]
    assert last["kernel"].shape == (4, 4, 16, 1)

    def window(rows):
        """Where the gradient of the pixel (7, 8) is, if the last layer keeps only these of the channels it takes."""
        kernel = np.zeros_like(last["kernel"])
        kernel[:, :, rows] = np.asarray(last["kernel"])[:, :, rows]
        kept = {"kernel": kernel}
        params = {**variables["params"], "Upsample_3": {"ConvTranspose_0": {**last, **kept}}}
        return np.argwhere(np.asarray(gradient(params))[0, :, :, 0] != 0)

    gradient = QUICK(jax.grad(lambda x, p: eval_mode(network, {"params": p}, x, None)[0, 7, 8, 0]))
    gradient = functools.partial(gradient, images[:1])
    near = window(slice(8, 16))
    assert near.min(0).tolist() == [5, 5] and near.max(0).tolist() == [10, 10] and len(near) == 36
    assert len(window(slice(0, 8))) == 256  # by way of the narrowest map, it sees everything


def test_the_innermost_map_is_not_normalised_away_for_one_image(images):
    """Batch statistics of one image would make a map of one place zero."""
    network = Translator(1, width=4, dropout=0.0)
    variables = made(network, images[:1])
    carries = [leaf["mean"].size for leaf in variables["batch_stats"].values()]
    assert carries == [8, 16, 16, 8, 4]  # of 4 maps on the way down but the ends, and of 3 on the way up

    def run(params):
        run = lambda x: train_mode(network, {**variables, "params": params}, x, None)[0]  # noqa: E731
        return jax.vmap(run, axis_name=AXIS)(images[None, :1])[0, 0, 3, 4, 0]

    gradient = QUICK(jax.grad(run))(variables["params"])
    assert gradient["Conv_3"]["kernel"].any() and gradient["Conv_3"]["bias"].any()


@pytest.mark.parametrize("train", [False, True])
def test_noise_is_of_an_examples_own_key(images, train):
    network = Translator(1, width=4, norm="instance")
    variables = made(network, images)
    step = train_mode if train else lambda *inputs: (eval_mode(*inputs), {})
    run = jax.jit(lambda x, keys: step(network, variables, x, keys)[0])
    one = np.asarray(run(images, KEYS))
    np.testing.assert_allclose(np.asarray(run(images[::-1], KEYS[::-1]))[::-1], one, atol=1e-5)
    mixed = np.concatenate([images[:1], -images[1:]])
    np.testing.assert_allclose(np.asarray(run(mixed, KEYS))[0], one[0], atol=1e-5)
    again = np.asarray(run(images, jax.random.split(jax.random.key(6), 3)))
    assert (np.abs(again - one).max((1, 2, 3)) > 0.01).all()


def test_noise_enters_the_first_three_doublings_with_masks_of_their_own(monkeypatch):
    image = jnp.zeros((3, 32, 32, 1))
    seen = []

    def watch(x, keys, rate):
        seen.append((x.shape, rate, jax.random.key_data(keys)))
        return x

    monkeypatch.setattr("gengen.networks.unet.drop", watch)

    def drawn(network, keys):
        seen.clear()
        init_network(network, jax.random.key(0), image, keys)
        return [keys for _, _, keys in seen]

    keys = np.stack(QUICK(lambda: drawn(Translator(1, width=2), KEYS))())
    assert [shape for shape, _, _ in seen] == [(3, 2, 2, 16), (3, 4, 4, 8), (3, 8, 8, 4)]
    assert {rate for _, rate, _ in seen} == {0.5}
    assert len(np.unique(keys.reshape(9, -1), axis=0)) == 9
    assert not jax.eval_shape(lambda: drawn(Translator(1, width=2), None))
    assert not jax.eval_shape(lambda: drawn(Translator(1, width=2, depth=1), KEYS))


def test_the_paper_network_has_the_published_number_of_parameters():
    """54.414 million in the authors' code, which has no bias in the first and the innermost convolution: 64 + 512."""
    params = variables_of(Translator(3), jnp.zeros((1, 256, 256, 3)))["params"]
    down, up = [3, 64, 128, 256, 512, 512, 512, 512, 512], [512, 1024, 1024, 1024, 1024, 512, 256, 128]
    made = [512, 512, 512, 512, 256, 128, 64, 3]
    weights = 16 * sum(a * b for a, b in [*itertools.pairwise(down), *zip(up, made, strict=True)])
    scales_and_biases = 2 * (sum(down[2:-1]) + sum(made[:-1]))
    assert weights + scales_and_biases + 3 == 54_413_955
    assert count(params) == 54_413_955 + 64 + 512


def test_weights_start_from_the_published_distributions():
    params = QUICK(lambda key: init_network(Translator(3, width=16), key, jnp.zeros((1, 32, 32, 3)), None))(
        jax.random.key(0)
    )["params"]
    for path, leaf in jax.tree.leaves_with_path(jax.device_get(params)):
        name = jax.tree_util.keystr(path)
        if "kernel" in name:
            assert np.std(leaf) == pytest.approx(0.02, rel=4 / np.sqrt(2 * leaf.size))
        if "scale" in name:
            assert np.mean(leaf) == pytest.approx(1, abs=0.02) and np.std(leaf) > 0.01


def test_bfloat16_computes_close_to_float32_on_float32_parameters(images):
    network = Translator(2, width=4, norm="instance")
    short = network.clone(dtype=jnp.bfloat16)
    variables = made(network, images)
    chex.assert_trees_all_equal_shapes_and_dtypes(variables_of(short, images), variables_of(network, images))
    plain, other = map(np.asarray, QUICK(lambda: [eval_mode(n, variables, images, KEYS) for n in (network, short)])())
    assert other.dtype == jnp.float32
    assert np.abs(plain - other).mean() < 0.05 * np.abs(plain).mean()
    assert (plain != other).any()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"channels": 0}, "channels=0"),
        ({"width": 0}, "width=0"),
        ({"depth": 5}, "depth=5 must be from 0 to 4"),
        ({"depth": -1}, "depth=-1"),
        ({"dropout": 1.0}, "dropout=1.0"),
        ({"norm": "layer"}, 'none, batch, instance, not "layer"'),
        ({"upsample": "magic"}, "upsampling is one of"),
    ],
)
def test_arguments_out_of_range_are_named(images, wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        variables_of(Translator(**{"channels": 1, **wrong}), images)
