"""Pooling takes the largest or the mean of each 2 x 2 pixels."""

import jax
import numpy as np
import pytest
from flax import linen as nn

from gengen.networks.layers.downsample import POOLS

pytestmark = pytest.mark.quick


@pytest.mark.parametrize(("name", "flax"), [("max_pooled", nn.max_pool), ("average_pooled", nn.avg_pool)])
def test_pooling_is_that_of_flax(name, flax):
    x = jax.random.normal(jax.random.key(0), (2, 4, 6, 3))
    with jax.numpy_dtype_promotion("standard"):  # flax counts in whole numbers
        expected = flax(x, (2, 2), strides=(2, 2))
    np.testing.assert_allclose(POOLS[name](x), expected, rtol=1e-5)
