"""Self-attention of maps is the formula of Zhang et al. 2019 written out in NumPy, and starts as the identity."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks.layers.self_attention import SelfAttention

QUICK = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def by_hand(x, kernels, gain):
    """Place by place; logits are not divided by anything."""
    _, height, width, _ = x.shape
    query, key, value, last = (kernel[0, 0] for kernel in kernels)
    made = np.empty_like(x)
    for index, image in enumerate(x.astype(np.float64)):
        keys, values = image @ key, image @ value
        if not (height % 2 or width % 2):
            keys, values = (
                part.reshape(height // 2, 2, width // 2, 2, -1).max((1, 3)) for part in (keys, values)
            )  # fmt: skip
        keys, values = keys.reshape(-1, keys.shape[-1]), values.reshape(-1, values.shape[-1])
        for row in range(height):
            for column in range(width):
                logits = keys @ (image[row, column] @ query)
                weights = np.exp(logits - logits.max())
                told = (weights / weights.sum()) @ values
                made[index, row, column] = image[row, column] + gain * (told @ last)
    return made


@pytest.mark.parametrize("shape", [(2, 4, 6, 16), (1, 3, 4, 16)])
def test_each_place_is_told_what_the_formula_says(shape):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    layer = SelfAttention(spectral=False)
    params = jax.device_get(QUICK(lambda: layer.init(jax.random.key(0), x, False))())["params"]
    kernels = [params[f"Conv_{place}"]["kernel"] for place in range(4)]
    assert [kernel.shape[2:] for kernel in kernels] == [(16, 2), (16, 2), (16, 8), (8, 16)]
    made = QUICK(lambda gain: layer.apply({"params": {**params, "gain": gain}}, x, False))
    np.testing.assert_allclose(made(jnp.float32(1.5)), by_hand(x, kernels, 1.5), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_it_starts_as_the_identity_and_its_gain_learns(dtype):
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 4, 4, 8)), dtype)
    layer = SelfAttention(dtype=dtype)
    variables = QUICK(lambda: layer.init(jax.random.key(0), x, False))()
    np.testing.assert_array_equal(layer.apply(variables, x, False), x)

    def total(params):
        return jnp.square(layer.apply({**variables, "params": params}, x, False).astype(jnp.float32)).sum()

    moved = QUICK(jax.grad(total))(variables["params"])
    assert abs(float(moved["gain"])) > 1e-3
