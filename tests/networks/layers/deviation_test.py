"""The minibatch standard deviation of batches that are small enough to do by hand."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS
from gengen.networks.layers import deviation
from gengen.networks.layers.deviation import group_size

QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
"""Compiles fast what runs once."""


def append_deviation(x, group=4):
    return QUICK(functools.partial(deviation.append_deviation, group=group))(x)


def draw(shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_vectors_get_the_mean_deviation_of_their_group():
    x = jnp.array([[0.0, 0.0], [2.0, 4.0], [1.0, 5.0], [1.0, 5.0]])
    y = append_deviation(x, group=2)
    np.testing.assert_array_equal(y[:, :2], x)
    np.testing.assert_allclose(y[:, 2], [1.5, 1.5, 1e-4, 1e-4], rtol=1e-5)


def test_maps_get_one_constant_channel():
    x = draw((8, 3, 5, 2))
    y = append_deviation(x)
    assert y.shape == (8, 3, 5, 3)
    np.testing.assert_array_equal(y[..., :2], x)
    for group in range(2):
        images = np.asarray(x[4 * group : 4 * group + 4])
        expected = images.std(0).mean()
        np.testing.assert_allclose(y[4 * group : 4 * group + 4, :, :, 2], np.full((4, 3, 5), expected), rtol=1e-5)


@pytest.mark.parametrize(
    ("batch", "group", "size"), [(8, 4, 4), (6, 4, 3), (10, 4, 2), (7, 4, 1), (3, 4, 3), (1, 4, 1), (12, 6, 6)]
)
def test_a_group_is_the_largest_divisor(batch, group, size):
    assert group_size(batch, group) == size


def test_a_batch_that_is_not_divisible_has_smaller_groups():
    x = draw((6, 3))
    deviations = np.asarray(append_deviation(x)[:, -1])
    expected = [x[:3].std(0).mean()] * 3 + [x[3:].std(0).mean()] * 3
    np.testing.assert_allclose(deviations, expected, rtol=1e-5)


def test_a_group_of_one_image_is_refused():
    with pytest.raises(ValueError, match="group=1"):
        deviation.append_deviation(jnp.ones((4, 2)), group=1)


def test_equal_images_have_no_deviation_and_a_finite_gradient():
    x = jnp.full((4, 3, 3, 2), 0.7)
    assert float(append_deviation(x)[..., -1].max()) <= 1.01e-4
    gradient = np.asarray(QUICK(jax.grad(lambda x: deviation.append_deviation(x)[..., -1].sum()))(x))
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() < 1


def test_the_gradient_drives_images_apart():
    x = jnp.array([[0.0], [2.0]])
    gradient = QUICK(jax.grad(lambda x: deviation.append_deviation(x, group=2)[0, -1]))(x)
    np.testing.assert_allclose(gradient, [[-0.5], [0.5]], rtol=1e-5)  # the deviation is half the distance


@pytest.mark.parametrize("replicas", [2, 4])
def test_the_number_of_replicas_does_not_matter(replicas):
    x = draw((16, 2, 2, 3))
    cut = QUICK(jax.vmap(deviation.append_deviation, axis_name=AXIS))(x.reshape(replicas, -1, 2, 2, 3))
    np.testing.assert_array_equal(cut.reshape(16, 2, 2, 4), append_deviation(x))


def test_the_order_counts_among_groups_only():
    x = draw((8, 5))
    within, between = [3, 1, 0, 2, 4, 5, 7, 6], [0, 4, 2, 6, 1, 5, 3, 7]
    first, same, other = (np.asarray(append_deviation(x[order]))[:, -1] for order in (range(8), within, between))
    np.testing.assert_allclose(same, first, rtol=1e-5)
    assert np.abs(other - first).max() > 1e-3


def test_bfloat16_is_kept_and_computed_in_float32():
    x = jnp.asarray(100 + draw((4, 50)), jnp.bfloat16)
    y = append_deviation(x)
    assert y.dtype == jnp.bfloat16
    expected = np.asarray(x, np.float32).std(0).mean()
    np.testing.assert_allclose(np.asarray(y[:, -1], np.float32), np.full(4, expected), rtol=0.005)
