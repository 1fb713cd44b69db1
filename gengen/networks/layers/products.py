"""Matrix products of rounded factors with sums in float32, and their derivatives of the same kind.

On CPU, XLA (0.10.2) multiplies bfloat16 as fast as the chip can, twice as fast as float32 with AVX512-BF16 and more
with AMX, in one form alone: both factors bfloat16, a float32 result, the left one laid out row by row with the
contracted axis last, and neither a vector. It casts everything else to float32 first and is then slower than without
bfloat16: what JAX makes of a gradient (a float32 factor, a transposed left one), a cast that is fused into the product,
and a product that is transposed afterwards, whose factors it swaps.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental.layout import Layout, with_layout_constraint

from gengen.networks.layers.bilinear import bilinear, sums_of

FORMS = ("NN", "NT", "TN")
"""a b, a b^T and a^T b. The derivatives of each are products of these forms, too."""


def product(a: jax.Array, b: jax.Array, dtype: Any, form: str = "NN") -> jax.Array:
    """The product of two matrices whose entries are rounded to `dtype`, summed in float32.

    Args:
      a: [m, k], or [k, m] where `form` is "TN".
      b: [k, n], or [n, k] where `form` is "NT".
      dtype: of the factors; derivatives round theirs to it, too.
      form: one of `FORMS`.

    Returns:
      [m, n], float32; float64 where `dtype` is.

    Raises:
      ValueError: the form is unknown, or these are no two matrices that can be multiplied so.
    """
    if form not in FORMS or (a.ndim, b.ndim) != (2, 2) or a.shape[form != "TN"] != b.shape[form == "NT"]:
        raise ValueError(f"there is no product {form!r} of arrays of {a.shape} and {b.shape}")
    dtype = jnp.dtype(dtype)
    if dtype != jnp.bfloat16:  # JAX's own derivatives are as fast as any
        return _plain(a, b, dtype=dtype, form=form)
    return _product(a, b, dtype=dtype, form=form)


def _left(g: jax.Array, b: jax.Array, *, form: str, **settings: Any) -> jax.Array:
    if form == "TN":
        return _product(b, g, form="NT", **settings)
    return _product(g, b, form="NT" if form == "NN" else "NN", **settings)


def _right(a: jax.Array, g: jax.Array, *, form: str, **settings: Any) -> jax.Array:
    if form == "NT":
        return _product(g, a, form="TN", **settings)
    return _product(a, g, form="TN" if form == "NN" else "NN", **settings)


def _shape(a: tuple[int, ...], b: tuple[int, ...], *, form: str) -> tuple[int, ...]:
    return (a[form == "TN"], b[form != "NT"])


def _plain(a: jax.Array, b: jax.Array, *, dtype: Any, form: str) -> jax.Array:
    a, b = a.astype(dtype), b.astype(dtype)
    if form == "TN":  # with the factors swapped, as JAX has it in its own gradients
        return _dot(b, a, 0, 0).T
    return _dot(a, b, 1, int(form == "NT"))


def _on_cpu(a: jax.Array, b: jax.Array, *, dtype: Any, form: str) -> jax.Array:
    a, b = a.astype(dtype), b.astype(dtype)
    (m, n), k = _shape(a.shape, b.shape, form=form), a.shape[form != "TN"]
    if min(m, n, k) == 1:
        return _plain(a, b, dtype=jnp.float32, form=form)
    if form != "TN":
        return _fast(a, b, int(form == "NT"))
    if k * m <= k * n + m * n:  # the cheaper of two ways to turn something
        return _fast(_turned(a), b, 0)
    return _fast(_turned(b), a, 0).T


def _fast(a: jax.Array, b: jax.Array, contracted: int) -> jax.Array:
    # Without the barrier, a product that is transposed afterwards can become one that XLA:CPU cannot run at all.
    made: jax.Array = lax.optimization_barrier(_dot(a, b, 1, contracted))
    return made


def _turned(matrix: jax.Array) -> jax.Array:
    turned: jax.Array = with_layout_constraint(matrix.T, Layout((0, 1)))
    return turned


def _dot(a: jax.Array, b: jax.Array, of_a: int, of_b: int) -> jax.Array:
    contracted = (((of_a,), (of_b,)), ((), ()))
    return lax.dot_general(a, b, contracted, preferred_element_type=sums_of(a.dtype))


_product = bilinear("product", _on_cpu, _plain, _shape, _left, _right)
