"""What models see of pixels: bits whose frequencies are the intensities."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import example_keys
from gengen.models.binarisation import BINARISATIONS, drawn_bits, fixed_bits, intensity
from tests.units import scaled

LEVELS = np.uint8([0, 1, 64, 127, 128, 200, 254, 255])


def shown(levels, n, side=16):
    """n images of 8-bit levels [...], one of them all over each."""
    return scaled(jnp.asarray(np.broadcast_to(np.asarray(levels, np.uint8).reshape(-1, 1, 1, 1), (n, side, side, 1))))


def pictures(n, side=16, seed=0):
    """n different random images with black, white and grey places."""
    levels = np.random.default_rng(seed).integers(-100, 355, (n, side, side, 1)).clip(0, 255)
    return scaled(jnp.asarray(levels, jnp.uint8))


def keys(n, seed=0):
    return example_keys(jax.random.key(seed), n)


def test_intensities_of_levels_span_nought_to_one_evenly():
    image = scaled(jnp.arange(256, dtype=jnp.uint8))
    np.testing.assert_allclose(intensity(image), np.linspace(0, 1, 256), atol=1e-6)


def test_images_are_left_as_they_are_if_nothing_is_asked():
    chex.assert_trees_all_equal(BINARISATIONS["none"](keys(3), pictures(3)), pictures(3))


@pytest.mark.parametrize("name", ["dynamic", "static"])
def test_white_is_as_frequent_as_the_image_is_bright(name):
    n = 400
    image = pictures(n)
    bits = np.asarray(BINARISATIONS[name](keys(n), image))
    assert set(np.unique(bits)) == {-1, 1}
    share, white = np.asarray(intensity(image)).ravel(), (bits == 1).ravel()
    for low in np.arange(0.02, 0.98, 0.12):  # apart, so that errors do not cancel
        chosen = (share > low) & (share < low + 0.12)
        expected = share[chosen]
        error = np.sqrt((expected * (1 - expected)).sum()) / chosen.sum()
        assert abs(white[chosen].mean() - expected.mean()) < 4.5 * error


@pytest.mark.parametrize("name", ["dynamic", "static"])
def test_black_and_white_never_change(name):
    image = pictures(50)
    bits = np.asarray(BINARISATIONS[name](keys(50), image))
    sure = np.abs(image) == 1
    assert 0.2 < sure.mean() < 0.8
    np.testing.assert_array_equal(bits[sure], np.asarray(image)[sure])


def test_dynamic_bits_follow_the_key_of_each_image():
    image = shown([128], 3)
    first = drawn_bits(keys(3), image)
    chex.assert_trees_all_equal(drawn_bits(keys(3), image), first)
    chex.assert_trees_all_equal(drawn_bits(keys(3)[1:2], image[1:2]), first[1:2])
    for other in (drawn_bits(keys(3, seed=1), image), first[jnp.asarray([1, 2, 0])]):
        shares = (np.asarray(other) == np.asarray(first)).mean((1, 2, 3))
        assert np.all(np.abs(shares - 0.5) < 4.5 * 0.5 / 16)


def test_static_bits_follow_the_image_alone():
    image = pictures(20)
    first = fixed_bits(keys(20), image)
    chex.assert_trees_all_equal(fixed_bits(keys(20, seed=1), image), first)
    order = np.random.default_rng(0).permutation(20)
    chex.assert_trees_all_equal(fixed_bits(keys(20), image[order]), first[order])
    chex.assert_trees_all_equal(jax.jit(fixed_bits)(keys(3), image[:3]), first[:3])


def test_static_bits_of_images_that_differ_little_are_drawn_independently():
    levels = np.full((6, 16, 16, 1), 128, np.uint8)
    levels[1, 0, 0] += 1
    levels[2, 15, 15] += 1
    levels[3, 0, 0], levels[3, 0, 1] = 131, 127  # three steps up in the first place, one down in the second
    levels[4, 0, :3, 0] = 129, 126, 129  # the sum of levels and its first moment are those of the first image
    levels[5, 0, 0], levels[5, 0, 1] = 127, 129
    bits = np.asarray(fixed_bits(keys(6), scaled(jnp.asarray(levels))))
    for one in range(6):
        for two in range(one):
            assert abs((bits[one] == bits[two]).mean() - 0.5) < 4.5 * 0.5 / 16, (one, two)
