"""Pictures as rows of patches, and a transformer that says of every number of a patch how it moves."""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from gengen.networks.bijectors.bijector import Bijector, Mapped
from gengen.networks.layers.dense import Dense
from gengen.networks.transformer import Past, Transformer


class Patches(Bijector):
    """Pictures [B, H, W, C] as patches [B, T, D] in reading order, of D = patch * patch * C numbers each.

    Attributes:
      shape: of a picture.
      patch: height and width of a patch.
    """

    shape: tuple[int, ...]
    patch: int

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        del context
        (rows, columns), channels, side = self._counts(), self.shape[2], self.patch
        split = jnp.moveaxis(x.reshape(-1, rows, side, columns, side, channels), 2, 3)
        return split.reshape(len(x), rows * columns, -1), jnp.zeros(len(x))

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        del context
        (rows, columns), channels, side = self._counts(), self.shape[2], self.patch
        joined = jnp.moveaxis(z.reshape(-1, rows, columns, side, side, channels), 3, 2)
        return joined.reshape(len(z), *self.shape), jnp.zeros(len(z))

    def _counts(self) -> tuple[int, int]:
        return self.shape[0] // self.patch, self.shape[1] // self.patch


def patches_of(shape: tuple[int, ...], patch: int) -> tuple[int, int]:
    """How many patches T a picture has, and how many numbers D a patch.

    Raises:
      ValueError: patches do not fill the picture, or there is but one.
    """
    if len(shape) != 3 or shape[0] % patch or shape[1] % patch or max(shape[:2]) == patch:
        raise ValueError(
            f"patch={patch} must divide the height and the width of pictures {list(shape)}, and be smaller"
        )
    return shape[0] * shape[1] // patch**2, patch**2 * shape[2]


class PatchReader(nn.Module):
    """Parameters of every number of every patch, by a transformer; at first all are 0.

    What it is told is embedded and added at every place.

    Attributes:
      body: the transformer.
      length: patches T.
      numbers: parameters P of each number.
      everywhere: whether each place looks at all places; otherwise at itself and those before it.
      dtype: to which factors of products are rounded; parameters and what is added are float32.
    """

    body: Transformer
    length: int
    numbers: int
    everywhere: bool = False
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: jax.Array,
        context: jax.Array | None,
        past: tuple[Past, ...] | None = None,
        place: jax.Array | None = None,
    ) -> tuple[jax.Array, tuple[Past, ...]]:
        """Returns parameters [B, S, D, P], and what each layer of the transformer remembers.

        Args:
          x: patches [B, S, D], of all T places, or of S that follow each other.
          context: what is told, [B, C].
          past: with S places: what is remembered of those before, as in `Transformer`.
          place: which is the first of the S, int32 [].
        """
        width = self.body.width
        spots = self.param("positions", nn.initializers.normal(1 / math.sqrt(width)), (self.length, width))
        if place is not None:
            spots = lax.dynamic_slice_in_dim(spots, place, x.shape[1], 0)
        seen = Dense(width, name="embedding", dtype=self.dtype)(x) + spots[None]
        if context is not None:
            seen += Dense(width, use_bias=False, name="told", dtype=self.dtype)(context)[:, None]
        visible = jnp.ones((self.length, self.length), bool) if self.everywhere else None
        found, past = self.body(seen, past, place, visible)
        head = Dense(x.shape[2] * self.numbers, kernel_init=nn.initializers.zeros_init(), dtype=self.dtype, name="head")
        return head(found).astype(jnp.float32).reshape(*x.shape, self.numbers), past
