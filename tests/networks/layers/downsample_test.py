"""Pooling takes the largest or the mean of each 2 x 2 pixels, or undoes an interpolation."""

import jax
import numpy as np
import pytest
from flax import linen as nn

from gengen.networks.layers.downsample import POOLS
from gengen.networks.layers.upsample import bilinear

pytestmark = pytest.mark.quick


@pytest.mark.parametrize(("name", "flax"), [("max_pooled", nn.max_pool), ("average_pooled", nn.avg_pool)])
def test_pooling_is_that_of_flax(name, flax):
    x = jax.random.normal(jax.random.key(0), (2, 4, 6, 3))
    with jax.numpy_dtype_promotion("standard"):  # flax counts in whole numbers
        expected = flax(x, (2, 2), strides=(2, 2))
    np.testing.assert_allclose(POOLS[name](x), expected, rtol=1e-5)


def test_bilinear_pooling_is_a_quarter_of_the_adjoint_of_bilinear_doubling():
    x = jax.random.normal(jax.random.key(0), (2, 4, 6, 3))
    small = jax.ShapeDtypeStruct((2, 2, 3, 3), x.dtype)
    (adjoint,) = jax.linear_transpose(bilinear, small)(x)
    np.testing.assert_allclose(POOLS["bilinear_pooled"](x), adjoint / 4, rtol=1e-5, atol=1e-6)
