"""Jet: couplings of patches, whose conditioners are transformers that look everywhere.

Kolesnikov et al. 2024, https://arxiv.org/abs/2412.15129.
"""

from typing import Annotated

import flax.linen as nn
import jax
import numpy as np

from gengen.networks.bijectors.bijector import Bijector, Chain, FlowNetwork, Mapped
from gengen.networks.bijectors.coupling import Coupling
from gengen.networks.bijectors.monotone import affine
from gengen.networks.bijectors.patches import Patches, PatchReader, patches_of
from gengen.networks.transformer import Transformer
from gengen.values import Range, Repeats, Size


class Jet(FlowNetwork):
    """A Jet: couplings of patches.

    Attributes:
      patch: height and width of a patch, which must divide those of a picture.
      width: numbers at a patch in a transformer.
      heads: of attention; they must divide the width.
      layers: of each transformer.
      couplings: how many. Of every four, the first two move each a half of the numbers of every patch, drawn anew; the
        other two move each a half of the patches.
    """

    patch: Size = 4
    width: Size = 64
    heads: Size = 4
    layers: Annotated[int, Range(1, 100)] = 2
    couplings: Repeats = 8

    def setup(self) -> None:
        """Lays the layers out."""
        length, numbers = patches_of(self.shape, self.patch)
        body = Transformer(self.width, self.heads, self.layers, dtype=self.dtype)
        body.check()
        transform = affine()
        layers: list[Bijector] = [Patches(self.shape, self.patch)]
        for place in range(self.couplings):
            reader = PatchReader(body.clone(), length, transform.numbers, everywhere=True, dtype=self.dtype)
            mask = split(length, numbers, self.shape[1] // self.patch, place)
            layers.append(Coupling(mask, Told(reader), transform))
        self.chain = Chain(layers)
        self.counts = (length, numbers)

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        z, log_det = self.chain.encode(x, context)
        return z.reshape(len(x), -1), log_det

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        return self.chain.decode(z.reshape(len(z), *self.counts), context)


class Told(nn.Module):
    """The parameters alone of what a reader gives.

    Attributes:
      reader: of patches, all at once.
    """

    reader: PatchReader

    def __call__(self, x: jax.Array, context: jax.Array | None) -> jax.Array:
        """Returns parameters [B, T, D, P] of patches [B, T, D], told a context [B, C]."""
        parameters, _ = self.reader(x, context)
        return parameters


def split(length: int, numbers: int, columns: int, place: int) -> tuple[object, ...]:
    """The mask of what stays in the coupling at a place: bool [T, D], as nested tuples.

    Args:
      length: patches T.
      numbers: of a patch, D.
      columns: patches beside each other.
      place: of the coupling. Of two that follow each other the second holds what the first one moves.
    """
    pair, second = divmod(place, 2)
    if pair % 2 == 0 and numbers > 1:
        chosen = np.random.default_rng(pair).permutation(numbers) < numbers // 2
        mask = np.broadcast_to(chosen, (length, numbers))
    else:
        row, column = np.divmod(np.arange(length), columns)
        mask = np.broadcast_to(((row + column) % 2 == 0)[:, None], (length, numbers))
    return tuple(tuple(bool(stays) for stays in patch) for patch in mask ^ bool(second))
