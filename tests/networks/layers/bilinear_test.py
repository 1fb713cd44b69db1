"""Maps that are linear in each of two arrays: how often they are compiled."""

import jax.numpy as jnp

from gengen.networks.layers.bilinear import bilinear


def test_a_map_that_is_called_outside_of_jit_is_traced_once_for_its_shapes_and_settings():
    traced = []

    def run(a, b, *, dtype):
        traced.append((a.shape, dtype))
        return a * b

    times = bilinear("times", run, run, lambda a, b: a, run, run)
    for size in (3, 3, 4, 3):
        assert times(jnp.ones(size), jnp.ones(size), dtype=jnp.float32).shape == (size,)
    assert traced == [((3,), jnp.float32), ((4,), jnp.float32)]
