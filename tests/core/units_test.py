"""Units: bytes as they always were, [-1, 1] for what has bounds, standardised features for what has none."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.field import Field
from gengen.core.units import Units
from gengen.pictures.grid import to_pixels

PICTURE = Units(Field((16, 16, 1), "uint8", 0.0, 255.0))
BYTES = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)


def scaled(image: jax.Array) -> jax.Array:
    return image.astype(jnp.float32) / 127.5 - 1


@pytest.mark.parametrize("apply", [lambda f, x: f(x), lambda f, x: jax.jit(f)(x)], ids=["eager", "jit"])
def test_bytes_are_scaled_as_they_always_were_to_the_bit(apply: Callable[..., Any]) -> None:
    pixels = jnp.asarray(BYTES)
    found, expected = apply(PICTURE.to_model, pixels), apply(scaled, pixels)
    assert found.dtype == jnp.float32
    np.testing.assert_array_equal(np.asarray(found).view(np.int32), np.asarray(expected).view(np.int32))
    np.testing.assert_allclose(PICTURE.to_model(BYTES), expected, rtol=0, atol=2**-23)  # XLA divides in its own way


def test_floats_become_bytes_as_they_always_did() -> None:
    floats = np.random.default_rng(0).normal(0, 1, (50, 16, 16, 1)).astype(np.float32)
    steps = np.linspace(-1, 1, 1021, dtype=np.float32)[:1020].reshape(-1, 1, 1, 1)  # with what lies half-way
    for values in (floats, steps):
        np.testing.assert_array_equal(PICTURE.to_data(values), to_pixels(values))
        np.testing.assert_array_equal(PICTURE.to_data(jnp.asarray(values)), to_pixels(values))
    assert PICTURE.to_data(floats).dtype == np.uint8


def test_bytes_come_back_exactly() -> None:
    np.testing.assert_array_equal(PICTURE.to_data(PICTURE.to_model(BYTES)), BYTES)


def test_bounds_go_to_the_ends_and_back() -> None:
    units = Units(Field((3,), "float32", -2.0, 6.0))
    values = np.array([[-2, 2, 6]], np.float32)
    np.testing.assert_array_equal(units.to_model(values), [[-1, 0, 1]])
    np.testing.assert_array_equal(units.to_data(units.to_model(values)), values)
    assert units.to_data(np.float32([[1.5, 0, 0]]))[0, 0] == 8  # what a model makes of floats is not cut


@pytest.mark.parametrize("shape", [(2,), (7, 2)], ids=["points", "series"])
def test_features_without_bounds_are_standardised_and_come_back(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(1000, *shape)) * (3, 0.02) + (5, -40)).astype(np.float32)
    over = tuple(range(values.ndim - 1))
    mean, deviation = values.mean(over, np.float64), values.std(over, np.float64)
    units = Units(Field(shape, "float32", mean=tuple(mean.tolist()), deviation=tuple(deviation.tolist())))
    seen = jax.jit(units.to_model)(jnp.asarray(values))
    assert seen.dtype == jnp.float32 and seen.shape == values.shape
    standard = np.asarray(seen, np.float64)
    np.testing.assert_allclose(standard.mean(over), 0, atol=2e-4)
    np.testing.assert_allclose(standard.std(over), 1, atol=1e-5)
    np.testing.assert_allclose(units.to_data(seen), values, rtol=0, atol=4e-6)  # a step at 40
    np.testing.assert_allclose(units.to_model(values), seen, rtol=1e-6, atol=1e-6)


def test_a_large_mean_costs_no_more_than_float32_has_lost_before() -> None:
    """At a million float32 has steps of 1/16: the values of the data come back to the step, whatever the mean is."""
    exact = np.random.default_rng(0).normal(1e6, 1, (1000, 1))
    values = exact.astype(np.float32)
    units = Units(Field((1,), "float32", mean=(float(values.mean(dtype=np.float64)),), deviation=(1.0,)))
    seen = jax.jit(units.to_model)(jnp.asarray(values))
    np.testing.assert_array_equal(units.to_data(seen), values)
    np.testing.assert_allclose(seen, exact - units.field.mean[0], atol=1 / 16)  # half a step each, of value and mean


def test_what_was_not_measured_stays() -> None:
    values = np.array([[3.5]], np.float32)
    units = Units(Field((1,), "float32"))
    assert units.to_model(values) == units.to_data(values) == values
