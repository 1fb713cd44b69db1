"""A U-Net that is told the time, for pictures of any size.

Ho et al. 2020 (DDPM), https://arxiv.org/abs/2006.11239, appendix B, and Dhariwal and Nichol 2021,
https://arxiv.org/abs/2105.05233, section 3, made cheap where maps are large: halving and doubling are products over
blocks of 2 x 2 pixels, and the map of the way down is mixed into that of the way up by one product a pixel, so that no
block sees more channels than it makes.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.denoisers.denoiser import Denoiser, Embedded, keys_at
from gengen.networks.layers.attention import Attention
from gengen.networks.layers.conv import Conv
from gengen.networks.layers.dense import Dense
from gengen.networks.layers.dropout import drop
from gengen.networks.layers.group_norm import Film, GroupNorm, group_count
from gengen.networks.layers.padding import pad_to_multiple
from gengen.networks.layers.squares import from_squares, to_squares
from gengen.values import Decay, Entries, Range, Size

ZEROS = nn.initializers.zeros_init()


class DenoisingUNet(Denoiser):
    """Residual blocks at ever smaller maps, and back.

    Attributes:
      width: channels of the first level.
      multipliers: of the width, one of each level; each level is half as high and wide as the one before.
      blocks: residual blocks of a level, on each of the two ways.
      attention: levels, counted from 0, whose blocks are followed by attention.
      heads: of attention; they must divide its channels.
      patch: height and width of the squares of pixels that the first level sees as one.
      groups: of group normalisation, or the nearest number below that divides the channels.
      fine: exponents n of waves sin(2^n pi x) and cos(2^n pi x) that the first level also sees, since a likelihood
        counts what is small in the data: Kingma et al. 2021, https://arxiv.org/abs/2107.00630, appendix C, where they
        are 7 and 8 for data of 256 levels in [-1, 1]; none by default.
      dropout: probability that a number within a block is set to 0.
    """

    width: Size = 32
    multipliers: Annotated[Sequence[Annotated[int, Range(1, 64)]], Entries(1, 8)] = (1, 2, 4)
    blocks: Annotated[int, Range(1, 16)] = 1
    attention: Annotated[Sequence[Annotated[int, Range(0, 7)]], Entries(0, 8, True)] = (2,)
    heads: Size = 4
    patch: Annotated[int, Range(1, 16)] = 1
    groups: Size = 8
    fine: Annotated[Sequence[Annotated[int, Range(0, 12)]], Entries(0, 8, True)] = ()
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
        """Says something of each number of noisy pictures.

        Args:
          x: [n, H, W, C], of any size.
          time: of each picture, in [0, 1], [n].
          told: of each picture: "label", int32 [n], or "text", int32 [n, L]; None or what is missing: nothing is said.
          span: a second time [n]; None where a model has none.
          keys: typed PRNG keys [n] of the dropout of each picture; None for none.
          train: whether to drop anything.

        Returns:
          [n, H, W, C], float32.

        Raises:
          ValueError: there is no such level of attention, or the heads do not divide its channels.
        """
        if max(self.attention, default=0) >= len(self.multipliers):
            raise ValueError(f"attention={tuple(self.attention)}: there are {len(self.multipliers)} levels, from 0")
        given = self.embedded(time, told, span)
        last = len(self.multipliers) - 1
        padded, crop = pad_to_multiple(with_waves(x, self.fine).astype(self.dtype), self.patch << last)
        h = Conv(self.width * self.multipliers[0], (3, 3), dtype=self.dtype)(to_squares(padded, self.patch))
        maps, place = [], 0
        for level, times in enumerate(self.multipliers):
            if level:
                h = self._dense(self.width * times, to_squares(h, 2))
            for _ in range(self.blocks):
                h, place = self._block(h, level, given, keys_at(keys, place, train)), place + 1
                maps.append(h)
        h, place = self._block(h, last, given, keys_at(keys, place, train)), place + 1
        for level, times in reversed(list(enumerate(self.multipliers))):
            channels = self.width * times
            if level < last:
                h = from_squares(self._dense(4 * channels, h), 2)
            for _ in range(self.blocks):
                h = self._dense(channels, jnp.concatenate([h, maps.pop()], -1))
                h, place = self._block(h, level, given, keys_at(keys, place, train)), place + 1
        h = nn.silu(GroupNorm(group_count(h.shape[-1], self.groups))(h))
        made = Conv(x.shape[-1] * self.patch**2, (3, 3), kernel_init=ZEROS, dtype=self.dtype)(h)
        return crop(from_squares(made, self.patch)).astype(jnp.float32)

    def _dense(self, features: int, h: jax.Array) -> jax.Array:
        made: jax.Array = Dense(features, dtype=self.dtype)(h)
        return made.astype(self.dtype)

    def _block(self, h: jax.Array, level: int, given: Embedded, keys: jax.Array | None) -> jax.Array:
        h = ResidualBlock(self.groups, self.dropout, self.dtype)(h, given.vector, keys)
        return AttentionBlock(self.heads, self.groups, self.dtype)(h, given) if level in self.attention else h


def with_waves(x: jax.Array, exponents: Sequence[int]) -> jax.Array:
    """Pictures [n, H, W, C] and, behind them, the sines and the cosines of 2^n pi x of each exponent n."""
    angles = [2.0**exponent * math.pi * x for exponent in exponents]
    return jnp.concatenate([x, *map(jnp.sin, angles), *map(jnp.cos, angles)], -1)


class ResidualBlock(nn.Module):
    """Two convolutions added to what comes in, the second one under a scale and a shift of each channel.

    Attributes:
      groups: of group normalisation.
      dropout: probability that a number is set to 0.
      dtype: of maps, and to which factors of products are rounded; sums and parameters are float32.
    """

    groups: int
    dropout: float = 0.0
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, vector: jax.Array, keys: jax.Array | None) -> jax.Array:
        """Moves on from maps [n, h, w, c] under an embedding [n, F]; `keys` [n] are those of the dropout."""
        channels = x.shape[-1]
        groups = group_count(channels, self.groups)
        h = Conv(channels, (3, 3), dtype=self.dtype)(nn.silu(GroupNorm(groups)(x)))
        film = Film(*jnp.split(Dense(2 * channels, dtype=self.dtype)(vector), 2, -1))
        h = nn.silu(GroupNorm(groups)(h, film))
        if keys is not None:
            h = drop(h, keys, self.dropout)
        return x + Conv(channels, (3, 3), kernel_init=ZEROS, dtype=self.dtype)(h)


class AttentionBlock(nn.Module):
    """Attention of all places of a map to each other and to the tokens of a text, added to what comes in.

    Attributes:
      heads: of attention.
      groups: of group normalisation.
      dtype: of maps, and to which factors of products are rounded; sums and parameters are float32.
    """

    heads: int
    groups: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, given: Embedded) -> jax.Array:
        """Moves on from maps [n, h, w, c]."""
        n, _, _, channels = x.shape
        h = GroupNorm(group_count(channels, self.groups))(x).reshape(n, -1, channels)
        h = Attention(self.heads, dtype=self.dtype)(h, given.context, given.present)
        return x + h.reshape(x.shape).astype(x.dtype)
