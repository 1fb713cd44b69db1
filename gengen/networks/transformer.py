"""A causal transformer over a map of codes, read line by line, and how it draws one.

Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, the decoder without the encoder; normalisation comes first in
each block (Xiong et al. 2020, https://arxiv.org/abs/2002.04745), positions are learned, units are GELUs.
"""

import math
from typing import Annotated, Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from gengen.networks.conditional import check_classes
from gengen.networks.layers.attention import attend
from gengen.networks.layers.dense import Dense
from gengen.values import Range, Size


class Past(NamedTuple):
    """What one layer remembers of each place.

    Attributes:
      keys: [B, T, heads, F].
      values: [B, T, heads, F].
    """

    keys: jax.Array
    values: jax.Array


def _normalised(x: jax.Array) -> jax.Array:
    """Layer normalisation (Ba et al. 2016) with statistics in float32; part of a linen module."""
    normalised: jax.Array = nn.LayerNorm()(x.astype(jnp.float32)).astype(x.dtype)
    return normalised


class Block(nn.Module):
    """Attention to this and earlier places, then a perceptron at each place, both added to what comes in.

    Attributes:
      heads: how many questions a place asks at once; they share the width.
      dtype: to which factors of products are rounded; parameters and what is added are float32.
    """

    heads: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: jax.Array,
        past: Past | None = None,
        place: jax.Array | None = None,
        visible: jax.Array | None = None,
    ) -> tuple[Any, Past]:
        """Moves on from all places at once, or from some that follow each other.

        Args:
          x: [B, T, W], or [B, S, W] of S places.
          past: with S places: what is remembered of all T places, of which those before `place` are looked at.
          place: which is the first of the S, int32 [].
          visible: without `past`: as in `attend`.

        Returns:
          What comes out, of x's shape, and what is now remembered.
        """
        size, width = x.shape[0], x.shape[-1]
        parts = Dense(3 * width, use_bias=False, dtype=self.dtype)(_normalised(x)).astype(self.dtype)
        query, key, value = jnp.moveaxis(parts.reshape(size, -1, 3, self.heads, width // self.heads), 2, 0)
        if past is None or place is None:
            seen = Past(key, value)
        else:
            keys = lax.dynamic_update_slice_in_dim(past.keys, key, place, 1)
            seen = Past(keys, lax.dynamic_update_slice_in_dim(past.values, value, place, 1))
            visible = jnp.arange(seen.keys.shape[1])[None] <= place + jnp.arange(x.shape[1])[:, None]
        found = attend(query, *seen, visible, dtype=self.dtype)
        x = x + Dense(width, dtype=self.dtype)(found.reshape(size, -1, width))
        hidden = nn.gelu(Dense(4 * width, dtype=self.dtype)(_normalised(x)))
        return x + Dense(width, dtype=self.dtype)(hidden), seen


class Transformer(nn.Module):
    """Blocks, one after the other: place t of the output depends on places 0..t of the input.

    Attributes:
      width: numbers W at a place.
      heads: of each block; they must divide the width.
      layers: number of blocks.
      classes: of images that a prior is told; 0 where it is told nothing.
      dtype: to which factors of products are rounded; parameters and what is added are float32.
    """

    width: Size = 128
    heads: Size = 4
    layers: Annotated[int, Range(1, 100)] = 4
    classes: int = 0
    dtype: Any = jnp.float32

    def check(self) -> None:
        """Checks the sizes.

        Raises:
          ValueError: a number is below 1, the heads do not divide the width, or there is but one class.
        """
        for name, value in (("width", self.width), ("heads", self.heads), ("layers", self.layers)):
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1")
        if self.width % self.heads:
            raise ValueError(f"heads={self.heads} must divide width={self.width}")
        if self.classes:
            check_classes(self.classes)

    @nn.compact
    def __call__(
        self,
        x: jax.Array,
        past: tuple[Past, ...] | None = None,
        place: jax.Array | None = None,
        visible: jax.Array | None = None,
    ) -> tuple[jax.Array, tuple[Past, ...]]:
        """Returns what the last block gives, normalised, of x's shape, and what each layer remembers.

        Args:
          x: [B, T, W], or [B, S, W] of some places.
          past: of each layer, as in `Block`.
          place: as in `Block`.
          visible: as in `Block`.
        """
        remembered = []
        for layer in range(self.layers):
            x, seen = Block(self.heads, self.dtype)(x, None if past is None else past[layer], place, visible)
            remembered.append(seen)
        return _normalised(x), tuple(remembered)

    def nothing(self, size: int, length: int) -> tuple[Past, ...]:
        """What the layers remember of `size` sequences of which no place has been seen."""
        empty = jnp.zeros((size, length, self.heads, self.width // self.heads), self.dtype)
        return (Past(empty, empty),) * self.layers


class CodePrior(nn.Module):
    """How likely each code is at a place, given those before it: p(z) = prod_t p(z_t | z_0, ..., z_(t-1), class).

    Attributes:
      body: reads the codes.
      codes: number K of codes.
    """

    body: Transformer
    codes: int

    @nn.compact
    def __call__(
        self,
        code: jax.Array,
        *label: jax.Array,
        train: bool,
        past: tuple[Past, ...] | None = None,
        place: jax.Array | None = None,
    ) -> Any:
        """Returns logits of the codes, float32.

        Args:
          code: int32 [B, h, w]; logits at a place do not depend on its own code, nor on later ones.
          *label: classes [B], int32, if the body is told them: their embedding is what stands before the first code.
          train: changes nothing.
          past: of the layers, for the logits of one place: `Transformer.nothing` at first.
          place: which place in reading order, int32 []; it must be given with `past`.

        Returns:
          Logits [B, h, w, K]; or, with `past`, logits [B, K] of one place and what the layers then remember.

        Raises:
          ValueError: a size of the body is out of range.
        """
        del train
        self.body.check()
        size, height, wide = code.shape
        width, scale = self.body.width, nn.initializers.normal(1 / math.sqrt(self.body.width))
        spots = self.param("positions", scale, (height, wide, width)).reshape(1, -1, width)
        if label:
            start = nn.Embed(self.body.classes, width, embedding_init=scale, name="start")(label[0])
        else:
            start = jnp.broadcast_to(self.param("start", scale, (1, width)), (size, width))
        embed = nn.Embed(self.codes, width, embedding_init=scale, name="embedding")
        head = Dense(self.codes, name="head")
        flat = code.reshape(size, -1)
        if past is None or place is None:
            x = jnp.concatenate([start[:, None], embed(flat[:, :-1])], 1) + spots
            return head(self.body(x)[0].astype(jnp.float32)).reshape(*code.shape, self.codes)
        before = lax.dynamic_index_in_dim(flat, jnp.maximum(place - 1, 0), 1, keepdims=False)
        x = jnp.where(place == 0, start, embed(before))[:, None] + lax.dynamic_slice_in_dim(spots, place, 1, 1)
        x, past = self.body(x, past, place)
        return head(x[:, 0].astype(jnp.float32)), past


def draw_codes(prior: CodePrior, variables: dict[str, Any], keys: jax.Array, *label: jax.Array) -> jax.Array:
    """Draws maps of codes, place by place; each layer remembers the places before.

    Args:
      prior: over the codes.
      variables: its own.
      keys: one for each map [n]; map i depends on its key and on its label alone.
      *label: classes [n], int32, if the prior is told them.

    Returns:
      Codes, int32 [n, h, w].
    """
    height, wide = variables["params"]["positions"].shape[:2]
    size, length = keys.shape[0], height * wide

    def step(carry: tuple[jax.Array, Any], place: jax.Array) -> tuple[tuple[jax.Array, Any], None]:
        code, past = carry
        shaped = code.reshape(size, height, wide)
        logits, past = prior.apply(variables, shaped, *label, train=False, past=past, place=place)
        drawn = jax.vmap(lambda key, logits: jax.random.categorical(jax.random.fold_in(key, place), logits))(
            keys, logits
        )
        return (lax.dynamic_update_slice_in_dim(code, drawn.astype(jnp.int32)[:, None], place, 1), past), None

    start = jnp.zeros((size, length), jnp.int32), prior.body.nothing(size, length)
    (code, _), _ = lax.scan(step, start, jnp.arange(length, dtype=jnp.int32))
    return code.reshape(size, height, wide)


def log_probability(logits: jax.Array, code: jax.Array) -> jax.Array:
    """The log-probability of each code int32 [...] under logits [..., K], nats [...]."""
    return jnp.take_along_axis(jax.nn.log_softmax(logits), code[..., None], -1)[..., 0]
