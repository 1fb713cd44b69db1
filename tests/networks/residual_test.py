"""Maps of the sizes that are promised, sizes that are refused, and a decoder that reaches as far as it should."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks import mlp, residual
from gengen.networks.forward import eval_mode, init_network
from gengen.networks.residual import MapCoder, check_halvings


def encoder(**arguments):
    return MapCoder(residual.Encoder(**{"width": 8, "hidden": 4, **arguments}), 3)


def decoder(shape, **arguments):
    return residual.Decoder(shape, **{"width": 8, "hidden": 4, **arguments})


def shape_of(network, *inputs):
    def run(key):
        return eval_mode(network, init_network(network, key, *inputs), *inputs)

    return jax.eval_shape(run, jax.random.key(0))


@pytest.mark.parametrize(
    ("shape", "halvings", "map_"),
    [((28, 28, 1), 2, (7, 7)), ((16, 16, 1), 2, (4, 4)), ((8, 8, 1), 2, (2, 2)), ((8, 12, 3), 1, (4, 6))],
)
def test_images_become_maps_and_maps_images(shape, halvings, map_):
    code = shape_of(encoder(halvings=halvings), jnp.zeros((2, *shape)))
    assert (code.shape, code.dtype) == ((2, *map_, 3), jnp.float32)
    made = shape_of(decoder((*shape[:2], 2 * shape[2]), halvings=halvings), jnp.zeros(code.shape))
    assert (made.shape, made.dtype) == ((2, *shape[:2], 2 * shape[2]), jnp.float32)


@pytest.mark.parametrize(("size", "halvings"), [((30, 28), 2), ((7, 7), 1), ((1, 1), 1), ((28, 28), 3)])
def test_sizes_that_do_not_halve_are_refused_with_one_that_does(size, halvings):
    with pytest.raises(ValueError, match=f"cannot be halved {halvings} times") as refused:
        shape_of(encoder(halvings=halvings), jnp.zeros((1, *size, 1)))
    check_halvings(*(int(side) for side in str(refused.value).split("try ")[1].split(" x ")), halvings)


@pytest.mark.parametrize("wrong", [{"width": 0}, {"hidden": 0}, {"halvings": 0}])
def test_numbers_below_one_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"{name}=0"):
        shape_of(encoder(**wrong), jnp.zeros((1, 8, 8, 1)))
    with pytest.raises(ValueError, match=f"{name}=0"):
        shape_of(decoder((8, 8, 1), **wrong), jnp.zeros((1, 2, 2, 3)))
    with pytest.raises(ValueError, match="blocks=-1"):
        shape_of(encoder(blocks=-1), jnp.zeros((1, 8, 8, 1)))


def test_coders_that_do_not_fit_each_other_are_refused():
    with pytest.raises(ValueError, match="8 x 8 of 2 x 2, not of"):
        shape_of(decoder((8, 8, 1)), jnp.zeros((1, 4, 4, 3)))
    with pytest.raises(ValueError, match="without places; choose 'residual'"):
        shape_of(MapCoder(mlp.Encoder((8,)), 3), jnp.zeros((1, 8, 8, 1)))
    with pytest.raises(ValueError, match="dimension=0"):
        shape_of(MapCoder(residual.Encoder(8, hidden=4), 0), jnp.zeros((1, 8, 8, 1)))


def test_a_place_of_the_map_sees_its_own_part_of_the_image():
    """Without blocks, two convolutions of 4 x 4 in steps of 2 see 10 x 10 pixels: place (0, 0) none beyond the 7th."""
    network, image = encoder(blocks=0), jax.random.normal(jax.random.key(1), (1, 16, 16, 1))

    def seen(image):
        variables = init_network(network, jax.random.key(0), image)
        return jax.grad(lambda image: eval_mode(network, variables, image)[0, 0, 0].sum())(image)

    slopes = np.asarray(jax.jit(seen)(image))[0, ..., 0]
    assert slopes[:7, :7].any(0).sum() == 7
    assert not slopes[7:].any()
    assert not slopes[:, 7:].any()


def test_residual_blocks_add_to_what_they_are_given():
    x = jax.random.normal(jax.random.key(1), (2, 3, 3, 4))
    blocks = residual.ResidualBlocks(2, 3)
    variables = blocks.init(jax.random.key(0), x)
    silent = jax.tree.map(jnp.zeros_like, variables)
    np.testing.assert_array_equal(blocks.apply(silent, x), jnp.maximum(x, 0))
    assert not np.allclose(blocks.apply(variables, x), jnp.maximum(x, 0))
