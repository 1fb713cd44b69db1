"""Modulated convolutions: against the kernel of each example, their variance, and the filter of maps that double."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from gengen.networks.layers.blur import TAPS, blurred
from gengen.networks.layers.equalised import EqualisedConv, EqualisedDense, ModulatedConv

QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
AXES = ("NHWC", "HWIO", "NHWC")


def drawn(*shape, seed=0):
    return jax.random.normal(jax.random.key(seed), shape)


def explicit(x, kernel, style, *, doubles, demodulates):
    """Each example by a kernel of its own, which is scaled and normalised."""
    made = []
    for one, scales in zip(x, style, strict=True):
        own = kernel * scales[None, None, :, None]
        if demodulates:
            own = own / jnp.sqrt(jnp.square(own).sum((0, 1, 2), keepdims=True) + 1e-8)
        side = kernel.shape[0] // 2
        if doubles:
            whole = (kernel.shape[0] - 1,) * 2
            y = lax.conv_general_dilated(one[None], own, (1, 1), [whole] * 2, (2, 2), dimension_numbers=AXES)
            made.append(4 * blurred(y, 2 - side, 2 - side))
        else:
            made.append(lax.conv_general_dilated(one[None], own, (1, 1), [(side, side)] * 2, dimension_numbers=AXES))
    return jnp.concatenate(made)


@pytest.mark.parametrize("demodulates", [True, False])
@pytest.mark.parametrize("doubles", [True, False])
@pytest.mark.parametrize("size", [1, 3])
def test_maps_are_scaled_as_the_kernel_of_each_example_would_be(size, doubles, demodulates):
    x, style = drawn(2, 4, 6, 3), 1 + drawn(2, 3, seed=1)
    layer = ModulatedConv(5, size, demodulates=demodulates, doubles=doubles)
    made, variables = QUICK(lambda: layer.init_with_output(jax.random.key(2), x, style))()
    kernel = variables["params"]["kernel"] / np.sqrt(size * size * 3)
    expected = QUICK(functools.partial(explicit, doubles=doubles, demodulates=demodulates))(x, kernel, style)
    assert made.shape == (2, 8, 12, 5) if doubles else (2, 4, 6, 5)
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-5)


def test_demodulated_maps_of_unit_variance_have_unit_variance_whatever_the_style():
    x, style = drawn(64, 12, 12, 8), 3 * drawn(64, 8, seed=1)
    made, _ = QUICK(lambda: ModulatedConv(16).init_with_output(jax.random.key(2), x, style))()
    inner = np.asarray(made)[:, 1:-1, 1:-1]
    np.testing.assert_allclose(np.square(inner).mean((0, 1, 2)), 1, atol=0.05)
    plain, _ = QUICK(lambda: ModulatedConv(16, demodulates=False).init_with_output(jax.random.key(2), x, style))()
    assert np.square(plain).mean() > 4


def test_a_map_is_blurred_by_the_product_of_two_filters():
    point = jnp.zeros((1, 5, 5, 1)).at[0, 2, 2, 0].set(1.0)
    made = np.asarray(blurred(point, 2, 2))[0, :, :, 0]
    assert made.shape == (6, 6)
    expected = np.zeros((6, 6))
    expected[1:5, 1:5] = np.outer(TAPS, TAPS)
    np.testing.assert_allclose(made, expected, atol=1e-7)
    assert sum(TAPS) == 1


@pytest.mark.parametrize("size", [1, 3])
def test_halving_keeps_what_is_constant_and_leaves_out_what_alternates(size):
    layer = EqualisedConv(1, size, 1.0, halves=True, use_bias=False)
    alternating = jnp.tile(jnp.array([1.0, -1.0]), 8)[None, :, None, None] * jnp.ones((1, 16, 16, 1))
    variables = QUICK(lambda: layer.init(jax.random.key(0), alternating))()
    total = float(variables["params"]["kernel"].sum()) / size
    constant, gone = (np.asarray(layer.apply(variables, x)) for x in (jnp.ones((1, 16, 16, 1)), alternating))
    assert constant.shape == gone.shape == (1, 8, 8, 1)
    np.testing.assert_allclose(constant[0, 2:-2, 2:-2], total, rtol=1e-5)
    np.testing.assert_allclose(gone[0, 2:-2, 2:-2], 0, atol=1e-6)


def test_a_layer_starts_as_any_other_and_learns_at_its_rate():
    x = drawn(4, 6)

    def first(rate):
        layer = EqualisedDense(3, rate=rate, start=1.0)
        made, variables = layer.init_with_output(jax.random.key(1), x)
        gradient = jax.grad(lambda params: layer.apply({"params": params}, x).sum())(variables["params"])
        return made, gradient

    (plain, slope), (slow, slower) = first(1.0), first(0.01)
    np.testing.assert_allclose(slow, plain, rtol=1e-5)
    for name in slope:
        np.testing.assert_allclose(slower[name], 0.01 * slope[name], rtol=1e-5)
