"""Borders: exact crops, sides that are multiples, and reflections of maps of any size."""

import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks.layers.padding import pad_to_multiple, reflect


@pytest.mark.parametrize("sides", [(17, 23), (1, 5), (16, 32), (28, 31)])
@pytest.mark.parametrize("multiple", [1, 4, 16])
def test_the_crop_gives_back_what_was_padded(sides, multiple):
    x = np.random.default_rng(0).normal(size=(2, *sides, 3)).astype(np.float32)
    padded, crop = pad_to_multiple(jnp.asarray(x), multiple)
    for side, full in zip(sides, padded.shape[1:3], strict=True):
        assert full % multiple == 0 and side <= full < side + multiple
    np.testing.assert_array_equal(crop(padded), x)
    assert crop(padded[..., :1]).shape == (2, *sides, 1)


def test_the_border_is_repeated_on_both_sides_alike():
    x = jnp.arange(5.0).reshape(1, 1, 5, 1)
    padded, _ = pad_to_multiple(x, 8)
    assert padded.shape == (1, 8, 8, 1)
    np.testing.assert_array_equal(padded[0, :, :, 0], np.tile([0, 0, 1, 2, 3, 4, 4, 4], (8, 1)))


def test_a_multiple_of_nothing_is_refused():
    with pytest.raises(ValueError, match="multiple=0"):
        pad_to_multiple(jnp.zeros((1, 2, 2, 1)), 0)


@pytest.mark.parametrize("side", [1, 2, 3, 8])
def test_reflections_are_those_of_numpy_whatever_the_size(side):
    x = np.random.default_rng(0).normal(size=(2, side, side + 1, 3)).astype(np.float32)
    expected = np.pad(x, ((0, 0), (3, 3), (3, 3), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(reflect(jnp.asarray(x), 3), expected)


def test_a_line_is_reflected_without_its_ends():
    line = reflect(jnp.arange(4.0).reshape(1, 1, 4, 1), 2)
    np.testing.assert_array_equal(line[0, 0, :, 0], [2, 1, 0, 1, 2, 3, 2, 1])
