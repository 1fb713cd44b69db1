"""Attention whose products are fast in every precision."""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from gengen.networks.layers.products import product


def attend(
    query: jax.Array, keys: jax.Array, values: jax.Array, visible: jax.Array | None = None, *, dtype: Any
) -> jax.Array:
    """Scaled dot-product attention: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, eq. 1.

    Args:
      query: what each place asks [B, S, heads, F].
      keys: what each place answers to [B, T, heads, F].
      values: what it answers [B, T, heads, F].
      visible: which places each may look at, bool [S or 1, T]; None: itself and those before it, of S = T.
      dtype: to which factors of the two products are rounded; logits and weights are float32.

    Returns:
      What each place is told [B, S, heads, F], float32.

    Raises:
      ValueError: S differs from T, and nothing says which places each may look at.
    """
    asking, length, width = query.shape[1], keys.shape[1], query.shape[-1]
    if visible is None:
        if asking != length:
            raise ValueError(f"of {length} places, {asking} ask: `visible` must say which places each may look at")
        visible = jnp.tril(jnp.ones((length, length), bool))
    query, keys, values = (jnp.moveaxis(x, 2, 1) for x in (query, keys, values))
    logits = _each(query, keys, dtype, "NT") / math.sqrt(width)
    weights = jax.nn.softmax(jnp.where(visible[None, None], logits, jnp.finfo(logits.dtype).min))
    return jnp.moveaxis(_each(weights, values, dtype, "NN"), 1, 2)


def _each(a: jax.Array, b: jax.Array, dtype: Any, form: str) -> jax.Array:
    """Products of matrices in the last two of four axes."""
    return jax.vmap(jax.vmap(partial(product, dtype=dtype, form=form)))(a, b)
