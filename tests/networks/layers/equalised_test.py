"""Equalised layers: plain ones with a kernel that is scaled, and pixels of mean square 1."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks.layers.equalised import EqualisedConv, EqualisedDense, pixel_norm

pytestmark = pytest.mark.quick

LAYERS = {
    "dense": (EqualisedDense(5, gain=1.5), nn.Dense(5), (7, 48), 48),
    "conv": (EqualisedConv(5), nn.Conv(5, (3, 3), padding="SAME"), (2, 6, 4, 3), 27),
    "of pixels": (EqualisedConv(5, 1, gain=1.0), nn.Conv(5, (1, 1)), (2, 6, 4, 3), 3),
}


@pytest.mark.parametrize("case", LAYERS)
def test_a_layer_is_a_plain_one_whose_kernel_has_been_scaled(case):
    layer, plain, shape, inputs = LAYERS[case]
    x = jax.random.normal(jax.random.key(0), shape)
    variables = layer.init(jax.random.key(1), x)
    params = variables["params"] | {"bias": jnp.arange(5.0)}
    scale = layer.gain / np.sqrt(inputs)
    scaled = {"kernel": params["kernel"] * scale, "bias": params["bias"]}
    np.testing.assert_allclose(
        layer.apply({"params": params}, x), plain.apply({"params": scaled}, x), rtol=1e-4, atol=1e-5
    )
    slopes = jax.grad(lambda params: jnp.sin(layer.apply({"params": params}, x)).sum())(params)
    of_plain = jax.grad(lambda params: jnp.sin(plain.apply({"params": params}, x)).sum())(scaled)
    np.testing.assert_allclose(slopes["kernel"], of_plain["kernel"] * scale, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("inputs", [4, 400])
def test_kernels_start_alike_and_outputs_have_the_variance_that_a_relu_halves(inputs):
    layer, x = EqualisedDense(2_000), jax.random.normal(jax.random.key(0), (50, inputs))
    variables = layer.init(jax.random.key(1), x)
    assert float(variables["params"]["kernel"].std()) == pytest.approx(1, rel=0.05)
    y = np.maximum(layer.apply(variables, x), 0)
    assert np.square(y).mean() == pytest.approx(np.square(x).mean(), rel=0.1)


def test_pixels_have_a_mean_square_of_1_and_their_direction():
    x = 5 * jax.random.normal(jax.random.key(0), (2, 3, 4, 16))
    y = np.asarray(pixel_norm(x))
    np.testing.assert_allclose(np.square(y).mean(-1), 1, rtol=1e-5)
    ratio = y / np.asarray(x)
    np.testing.assert_allclose(ratio, ratio[..., :1].repeat(16, -1), rtol=1e-4)
    assert np.isfinite(pixel_norm(jnp.zeros((1, 8)))).all()
    assert pixel_norm(x.astype(jnp.bfloat16)).dtype == jnp.bfloat16
