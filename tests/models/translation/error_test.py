"""The absolute error of translations: its value, and where it pushes them."""

import jax
import jax.numpy as jnp
import numpy as np

from gengen.models.translation.error import absolute_error


def test_it_is_the_distance_and_pushes_by_the_sign_of_the_difference_and_not_at_all_where_there_is_none():
    made, meant = jnp.asarray([0.5, -1.0, 0.25]), jnp.asarray([0.75, -1.0, -0.5])
    np.testing.assert_allclose(absolute_error(made, meant), [0.25, 0.0, 0.75])
    slopes = jax.grad(lambda made, meant: absolute_error(made, meant).sum(), argnums=(0, 1))(made, meant)
    np.testing.assert_array_equal(slopes[0], [-1.0, 0.0, 1.0])
    np.testing.assert_array_equal(slopes[1], [1.0, 0.0, -1.0])
