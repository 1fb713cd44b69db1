"""Conditional batch normalisation is that of a loop over classes in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS
from gengen.networks.layers.conditional_norm import ConditionalNorm

RNG = np.random.default_rng(0)
CLASSES, NUMBERS, CHANNELS = 3, 5, 4
EMBEDDINGS = RNG.normal(size=(CLASSES, NUMBERS)).astype(np.float32)
LABELS = np.array([0, 2, 1, 2, 0, 1])


def run(layer, x, told, train, variables):
    mapped = jax.vmap(
        lambda _: layer.apply(variables, x, told, train, mutable=["batch_stats", "spectral"]), axis_name=AXIS
    )
    made, carried = jax.jit(mapped)(jnp.zeros(1))
    return np.asarray(made[0]), jax.tree.map(lambda leaf: np.asarray(leaf[0]), carried)


@pytest.mark.parametrize("shape", [(6, CHANNELS), (6, 3, 2, CHANNELS)])
@pytest.mark.parametrize("spectral", [True, False])
def test_each_class_has_a_scale_and_a_bias_of_its_own(shape, spectral):
    x, layer = RNG.normal(2, 3, shape).astype(np.float32), ConditionalNorm(spectral, momentum=0.75)
    told = EMBEDDINGS[LABELS]
    variables = jax.device_get(jax.jit(lambda: layer.init(jax.random.key(0), x, told, False))())
    made, carried = run(layer, x, told, True, variables)
    axes = tuple(range(x.ndim - 1))
    mean, var = x.mean(axes), x.var(axes)
    kernels = [variables["params"][f"Dense_{place}"]["kernel"] for place in range(2)]
    if spectral:
        kernels = [kernel / np.linalg.svd(kernel)[1][0] for kernel in kernels]
    for label in range(CLASSES):
        scale, bias = (EMBEDDINGS[label] @ kernel for kernel in kernels)
        expected = (x[label == LABELS] - mean) / np.sqrt(var + 1e-5) * (1 + scale) + bias
        np.testing.assert_allclose(made[label == LABELS], expected, rtol=1e-3, atol=1e-4)
    (statistics,) = carried["batch_stats"].values()
    np.testing.assert_allclose(statistics["mean"], 0.25 * mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(statistics["var"], 0.75 + 0.25 * var, rtol=1e-4)
