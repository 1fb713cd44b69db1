"""A small transformer that reads texts, which is trained with the network that it tells of them."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.layers.attention import Attention
from gengen.networks.layers.dense import Dense

NEAR = 2
"""How far on each side a token sees others before it attends to all, as in "a small red circle"."""


class Read(NamedTuple):
    """What a text says.

    Attributes:
      whole: the text [n, F].
      tokens: each token in its context [n, L, F].
      present: which of them there are, bool [n, L].
    """

    whole: jax.Array
    tokens: jax.Array
    present: jax.Array


class TextEncoder(nn.Module):
    """Blocks of attention of all tokens to each other: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762.

    A convolution over `NEAR` tokens on each side comes first: attention takes long to find out that a colour is that of
    the shape beside it, and until then texts are read as bags of words.

    Normalisation comes first in each block (Xiong et al. 2020, https://arxiv.org/abs/2002.04745), and places are
    learned. The whole is the mean of the tokens; of a text without any, it is a vector of its own.

    Attributes:
      features: length F of the vectors.
      vocabulary: number of tokens; token 0 fills up.
      layers: number of blocks.
      heads: of each block.
      longest: the most tokens of a text.
      dtype: to which factors of products are rounded; sums and parameters are float32.
    """

    features: int
    vocabulary: int
    layers: int = 2
    heads: int = 4
    longest: int = 128
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, text: jax.Array) -> Read:
        """Reads texts, int32 [n, L], which end in zeros.

        Raises:
          ValueError: texts are longer than the longest.
        """
        length = text.shape[1]
        if length > self.longest:
            raise ValueError(f"texts of {length} tokens are longer than longest={self.longest}")
        draw = nn.initializers.normal(1.0)
        present = text > 0
        # Places are as loud as words, for order is half of what they say.
        places = self.param("places", draw, (self.longest, self.features))
        nothing = self.param("nothing", draw, (self.features,))
        x = nn.Embed(self.vocabulary, self.features, embedding_init=draw, name="table")(text)
        x = x + places[None, :length]
        x = x + Dense(self.features, dtype=self.dtype, name="near")(neighbours(x, present))
        for layer in range(self.layers):
            x = TextBlock(self.heads, self.dtype, name=f"block_{layer}")(x, present)
        x = nn.LayerNorm()(x)
        there = present.astype(x.dtype)
        count = there.sum(1)[:, None]
        mean = (x * there[..., None]).sum(1) / jnp.maximum(count, 1)
        whole = jnp.where(count > 0, Dense(self.features, dtype=self.dtype)(mean), nothing[None])
        return Read(whole, x, present)


def neighbours(x: jax.Array, present: jax.Array) -> jax.Array:
    """Tokens [n, L, F] and the `NEAR` on each side in one row, [n, L, (2 NEAR + 1) F]; 0 where there is none."""
    length = x.shape[1]
    padded = jnp.pad(jnp.where(present[..., None], x, 0), ((0, 0), (NEAR, NEAR), (0, 0)))
    return jnp.concatenate([padded[:, start : start + length] for start in range(2 * NEAR + 1)], -1)


class TextBlock(nn.Module):
    """Attention of tokens to all that are there, then a perceptron at each."""

    heads: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, present: jax.Array) -> jax.Array:
        """Moves on from tokens [n, L, F], of which `present` [n, L] are there."""
        width = x.shape[-1]
        x = x + Attention(self.heads, zero=False, dtype=self.dtype)(nn.LayerNorm()(x), own=present)
        hidden = nn.gelu(Dense(4 * width, dtype=self.dtype)(nn.LayerNorm()(x)))
        return x + Dense(width, dtype=self.dtype)(hidden)
