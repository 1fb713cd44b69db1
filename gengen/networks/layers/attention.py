"""Attention whose products are fast in every precision."""

import math
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.layers.dense import Dense
from gengen.networks.layers.dropout import drop
from gengen.networks.layers.products import product


def attend(
    query: jax.Array,
    keys: jax.Array,
    values: jax.Array,
    visible: jax.Array | None = None,
    *,
    dtype: Any,
    dropping: jax.Array | None = None,
    rate: float = 0.0,
) -> jax.Array:
    """Scaled dot-product attention: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, eq. 1.

    Args:
      query: what each place asks [B, S, heads, F].
      keys: what each place answers to [B, T, heads, F].
      values: what it answers [B, T, heads, F].
      visible: which places each may look at, bool [S or 1, T], or [B, S or 1, T] of each example; None: itself and
        those before it, of S = T. A place that may look at none looks at all alike.
      dtype: to which factors of the two products are rounded; logits and weights are float32.
      dropping: typed PRNG keys [B] of the dropout of weights, whose mask is another for each example and head; None
        for none.
      rate: of dropout.

    Returns:
      What each place is told [B, S, heads, F], float32.

    Raises:
      ValueError: S differs from T, and nothing says which places each may look at; or the rate is not in [0, 1).
    """
    asking, length, width = query.shape[1], keys.shape[1], query.shape[-1]
    if visible is None:
        if asking != length:
            raise ValueError(f"of {length} places, {asking} ask: `visible` must say which places each may look at")
        visible = jnp.tril(jnp.ones((length, length), bool))
    visible = visible[None, None] if visible.ndim == 2 else visible[:, None]
    query, keys, values = (jnp.moveaxis(x, 2, 1) for x in (query, keys, values))
    logits = _each(query, keys, dtype, "NT") / math.sqrt(width)
    weights = jax.nn.softmax(jnp.where(visible, logits, jnp.finfo(logits.dtype).min))
    if dropping is not None:
        weights = drop(weights, dropping, rate)
    return jnp.moveaxis(_each(weights, values, dtype, "NN"), 1, 2)


def _each(a: jax.Array, b: jax.Array, dtype: Any, form: str) -> jax.Array:
    """Products of matrices in the last two of four axes."""
    return jax.vmap(jax.vmap(partial(product, dtype=dtype, form=form)))(a, b)


class Attention(nn.Module):
    """Attention of all places to each other and, where there is one, to a context of more places.

    What the context says is looked up among the places' own keys, in one softmax, as in Nichol et al. 2021 (GLIDE),
    https://arxiv.org/abs/2112.10741, section 4.

    Attributes:
      heads: how many questions a place asks at once; they share the width.
      zero: whether the last map is 0 at first, so that no place is told anything.
      dropout: probability that a weight is set to 0.
      dtype: to which factors of products are rounded; sums and parameters are float32.
    """

    heads: int
    zero: bool = True
    dropout: float = 0.0
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: jax.Array,
        context: jax.Array | None = None,
        present: jax.Array | None = None,
        keys: jax.Array | None = None,
        own: jax.Array | None = None,
    ) -> jax.Array:
        """Returns what each place is told, float32.

        Args:
          x: [n, S, W].
          context: [n, T, C]; None for none.
          present: which places of the context there are, bool [n, T]; None: all.
          keys: typed PRNG keys [n], of the dropout of each example; None for none.
          own: which places of x there are, bool [n, S]; None: all.

        Returns:
          [n, S, W].

        Raises:
          ValueError: the heads do not divide the width, or the dropout is not in [0, 1).
        """
        n, places, width = x.shape
        if self.heads < 1 or width % self.heads:
            raise ValueError(f"heads={self.heads} must divide the width {width} of what attends")
        parts = Dense(3 * width, use_bias=False, dtype=self.dtype)(x).astype(self.dtype)
        query, key, value = jnp.moveaxis(parts.reshape(n, places, 3, self.heads, width // self.heads), 2, 0)
        visible = jnp.ones((n, places), bool) if own is None else own
        if context is not None:
            said = Dense(2 * width, use_bias=False, dtype=self.dtype, name="context")(context).astype(self.dtype)
            more = jnp.moveaxis(said.reshape(n, -1, 2, self.heads, width // self.heads), 2, 0)
            key, value = (jnp.concatenate(pair, 1) for pair in zip((key, value), more, strict=True))
            there = jnp.ones(context.shape[:2], bool) if present is None else present
            visible = jnp.concatenate([visible, there], -1)
        found = attend(query, key, value, visible[:, None], dtype=self.dtype, dropping=keys, rate=self.dropout)
        start = nn.initializers.zeros_init() if self.zero else nn.initializers.lecun_normal()
        return Dense(width, kernel_init=start, dtype=self.dtype)(found.reshape(n, places, width))
