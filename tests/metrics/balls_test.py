"""Balls around samples: memory stays bounded; what they hold is tested with the scores that are counted from them."""

import jax
import jax.numpy as jnp

from gengen.metrics import balls
from gengen.metrics.neighbours import rows_for


def test_the_whole_matrix_is_never_in_memory():
    size = 50_000
    points, radii = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((size, 16), (size,)))
    subsets = jax.ShapeDtypeStruct((31, 16), jnp.bool_)
    rows = rows_for(size)
    chunk = jax.ShapeDtypeStruct((rows, 16), jnp.float32), points, jax.ShapeDtypeStruct((rows,), jnp.float32), radii
    for compiled in (
        balls.radii.lower(points, subsets, ks=(3, 5), rows=rows).compile(),
        balls._near.lower(*chunk).compile(),
    ):
        used = compiled.memory_analysis()
        assert used.temp_size_in_bytes + used.output_size_in_bytes < 300e6 < 4 * size**2
