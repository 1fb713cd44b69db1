"""A transformer over patches of pictures: Peebles and Xie 2022 (DiT), https://arxiv.org/abs/2212.09748."""

from collections.abc import Mapping
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gengen.networks.denoisers.denoiser import Denoiser, Embedded, keys_at
from gengen.networks.layers.attention import Attention
from gengen.networks.layers.dense import Dense
from gengen.networks.layers.dropout import drop
from gengen.networks.layers.padding import pad_to_multiple
from gengen.networks.layers.squares import from_squares, to_squares
from gengen.values import Decay, Range, Size


class DiT(Denoiser):
    """Blocks of attention and a perceptron, which start as nothing and which the embedding opens (adaLN-Zero).

    Pictures of any size are padded to whole patches. Places are told by fixed waves.

    Attributes:
      width: numbers of each patch, a multiple of 4.
      patch: height and width of a patch in pixels.
      blocks: how many there are.
      heads: of attention; they must divide the width.
      dropout: probability that a hidden unit is set to 0.
    """

    width: Size = 128
    patch: Annotated[int, Range(1, 256)] = 4
    blocks: Annotated[int, Range(1, 100)] = 6
    heads: Size = 4
    dropout: Decay = 0.0

    @nn.compact
    def __call__(
        self,
        x: jax.Array,
        time: jax.Array,
        told: Mapping[str, jax.Array] | None = None,
        span: jax.Array | None = None,
        keys: jax.Array | None = None,
        *,
        train: bool,
    ) -> jax.Array:
        """As in `DenoisingUNet`.

        Raises:
          ValueError: the width is no multiple of 4, or the heads do not divide it.
        """
        if self.width % 4:
            raise ValueError(f"width={self.width} must be a multiple of 4")
        given = self.embedded(time, told, span)
        padded, crop = pad_to_multiple(x, self.patch)
        n, high, wide, channels = padded.shape
        rows, columns, side = high // self.patch, wide // self.patch, self.patch
        h = Dense(self.width, dtype=self.dtype)(to_squares(padded, side).reshape(n, rows * columns, -1))
        h = h + places(rows, columns, self.width)[None]
        for place in range(self.blocks):
            h = DiTBlock(self.heads, self.dropout, self.dtype)(h, given, keys_at(keys, place, train))
        scale, shift = _told(given.vector, self.width, 2, self.dtype)
        start = nn.initializers.zeros_init()
        made = Dense(side * side * channels, kernel_init=start, dtype=self.dtype)(_modulated(h, scale, shift))
        return crop(from_squares(made.reshape(n, rows, columns, -1), side)).astype(jnp.float32)


class DiTBlock(nn.Module):
    """Attention, then a perceptron at each place, both under scales, shifts and gates of the embedding: figure 3.

    Attributes:
      heads: of attention.
      dropout: probability that a hidden unit is set to 0.
      dtype: to which factors of products are rounded; sums and parameters are float32.
    """

    heads: int
    dropout: float = 0.0
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, given: Embedded, keys: jax.Array | None) -> jax.Array:
        """Moves on from patches [n, S, W]; `keys` [n] are those of the dropout of each example."""
        width = x.shape[-1]
        scale, shift, gate, scale_of, shift_of, gate_of = _told(given.vector, width, 6, self.dtype)
        attention = Attention(self.heads, zero=False, dtype=self.dtype)
        x = x + gate[:, None] * attention(_modulated(x, scale, shift), given.context, given.present)
        hidden = nn.gelu(Dense(4 * width, dtype=self.dtype)(_modulated(x, scale_of, shift_of)))
        if keys is not None:
            hidden = drop(hidden, keys, self.dropout)
        return x + gate_of[:, None] * Dense(width, dtype=self.dtype)(hidden)


def places(rows: int, columns: int, width: int) -> jax.Array:
    """Waves that tell each of rows x columns places, [rows * columns, width]: half for its row, half for its column."""
    speeds = np.geomspace(1.0, 1e-2, width // 4)

    def waves(count: int) -> np.ndarray[Any, Any]:
        angles = np.arange(count)[:, None] * speeds[None]
        return np.concatenate([np.sin(angles), np.cos(angles)], -1)

    down, across = waves(rows), waves(columns)
    both = np.concatenate([np.repeat(down, columns, 0), np.tile(across, (rows, 1))], -1)
    return jnp.asarray(both, jnp.float32)


def _told(vector: jax.Array, width: int, parts: int, dtype: Any) -> list[jax.Array]:
    """Scales, shifts and gates [n, W] of an embedding, all 0 at first; part of a compact method."""
    made = Dense(parts * width, kernel_init=nn.initializers.zeros_init(), dtype=dtype)(vector)
    return jnp.split(made, parts, -1)


def _modulated(x: jax.Array, scale: jax.Array, shift: jax.Array) -> jax.Array:
    """Layer normalisation of x [n, S, W] without parameters, then y (1 + scale) + shift; part of a compact method."""
    normalised = nn.LayerNorm(use_scale=False, use_bias=False, epsilon=1e-6)(x)
    made: jax.Array = normalised * (1 + scale[:, None]) + shift[:, None]
    return made
