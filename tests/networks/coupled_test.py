"""CoGAN's networks: shapes of every size, what each part is, and what it refuses."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS
from gengen.networks.coupled import Head, Stem, Trunk
from gengen.networks.forward import eval_mode, init_network, train_mode
from gengen.networks.layers.upsample import METHODS

QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
"""Compiles fast what runs once."""


def shape_of(network, inputs):
    def through(key):
        return eval_mode(network, init_network(network, key, inputs), inputs)

    return jax.eval_shape(through, jax.random.key(0))


@pytest.mark.parametrize("upsample", METHODS)
@pytest.mark.parametrize("shape", [(16, 16, 1), (28, 28, 3), (32, 64, 2)])
def test_trunk_and_head_make_images_and_a_stem_takes_them_to_maps_half_as_large(shape, upsample):
    height, width, _ = shape
    maps = shape_of(Trunk(shape, width=4, upsample=upsample), jnp.zeros((2, 5)))
    assert maps.shape == (2, height // 2, width // 2, 4)
    for hidden in (0, 3):
        image = shape_of(Head(shape, width=hidden, upsample=upsample), jnp.zeros(maps.shape))
        assert (image.shape, image.dtype) == ((2, *shape), jnp.float32)
    assert shape_of(Stem(6), jnp.zeros((2, *shape))).shape == (2, height // 2, width // 2, 6)


@pytest.mark.parametrize("network", [Trunk((16, 16, 1), 4, dtype=jnp.bfloat16), Trunk((16, 16, 1), 4, dense=3)])
def test_maps_are_float32_and_not_negative(network):
    latent = jax.random.normal(jax.random.key(1), (4, 5))
    maps = QUICK(lambda key: eval_mode(network, init_network(network, key, latent), latent))(jax.random.key(0))
    assert maps.dtype == jnp.float32
    assert float(maps.min()) >= 0
    assert not np.allclose(maps[0], maps[1])


@pytest.mark.parametrize("width", [0, 3])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_images_lie_between_black_and_white_and_are_float32(dtype, width):
    network, maps = Head((8, 8, 3), width=width, dtype=dtype), 100 * jnp.ones((2, 4, 4, 6))
    image = QUICK(lambda key: eval_mode(network, init_network(network, key, maps), maps))(jax.random.key(0))
    assert image.dtype == jnp.float32
    assert 0.1 < float(jnp.abs(image).max()) <= 1


def test_the_shared_layers_hold_most_of_the_parameters():
    """Sharing is what joins the domains: a head is one layer of the generator's, a stem one of the critic's."""

    def count(network, inputs):
        first = jax.eval_shape(lambda key: init_network(network, key, inputs), jax.random.key(0))
        return sum(leaf.size for leaf in jax.tree.leaves(first["params"]))

    shape = (16, 16, 1)
    maps = jnp.zeros((1, 8, 8, 32))
    assert count(Head(shape), maps) == 4 * 4 * 32 + 1
    assert count(Stem(32), jnp.zeros((1, *shape))) == 4 * 4 * 32 + 32
    assert count(Trunk(shape, width=32), jnp.zeros((1, 100))) > 50 * count(Head(shape), maps)


def test_a_stem_is_a_convolution_in_steps_of_2_with_a_leak():
    """A flat white image: the mean of a kernel is what its places see, away from the border."""
    network, image = Stem(5), jnp.ones((1, 8, 8, 2))
    variables = init_network(network, jax.random.key(0), image)
    seen = eval_mode(network, variables, image)[0, 1, 1]
    (kernel,) = [leaf for leaf in jax.tree.leaves(variables["params"]) if leaf.ndim == 4]
    total = np.asarray(kernel).sum((0, 1, 2))
    np.testing.assert_allclose(seen, np.where(total > 0, total, 0.2 * total), atol=1e-6)


def test_only_training_changes_the_statistics_of_the_trunk():
    network, latent = Trunk((16, 16, 1), 4), jax.random.normal(jax.random.key(1), (4, 5))
    variables = QUICK(lambda key: init_network(network, key, latent))(jax.random.key(0))
    _, carried = jax.vmap(lambda x: train_mode(network, variables, x), axis_name=AXIS)(latent[None])
    before, after = (jax.tree.leaves({k: v for k, v in tree.items() if k != "params"}) for tree in (variables, carried))
    assert before
    assert any(not np.allclose(old, new[0]) for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("network", "inputs", "match"),
    [
        (Trunk((9, 8, 1), 4), (1, 5), "9 x 8 must be even"),
        (Trunk((26, 20, 1), 4), (1, 5), "26 x 20 is twice as large as .* so try 12 x 10"),
        (Trunk((8, 8, 1), 4), (1, 5), "8 x 8 is twice as large as .* so try 8 x 8"),
        (Trunk((8, 8, 1), 0), (1, 5), "width=0"),
        (Stem(0), (1, 8, 8, 1), "width=0"),
    ],
)
def test_what_cannot_be_is_refused(network, inputs, match):
    with pytest.raises(ValueError, match=match):
        shape_of(network, jnp.zeros(inputs))
