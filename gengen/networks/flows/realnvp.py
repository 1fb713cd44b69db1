"""RealNVP: couplings whose halves alternate.

Dinh et al. 2017, https://arxiv.org/abs/1605.08803.
"""

from typing import Annotated

import jax

from gengen.networks.bijectors.actnorm import ActNorm
from gengen.networks.bijectors.bijector import Bijector, Chain, FlowNetwork, Mapped
from gengen.networks.bijectors.conditioners import Perceptron
from gengen.networks.bijectors.convolutional import Residual
from gengen.networks.bijectors.coupling import (
    TRANSFORMS,
    Coupling,
    Halves,
    TransformName,
    alternating,
    checkerboard,
)
from gengen.networks.bijectors.multiscale import Flat, multiscale
from gengen.networks.bijectors.squeeze import Map, Squeeze, check_levels
from gengen.values import Depth, Range, Repeats, Size


class RealNVP(FlowNetwork):
    """Couplings: of every second number of vectors; of black and white pixels and of channels of pictures, by scales.

    Activation normalisation before each coupling takes the place of the paper's batch normalisation.

    Attributes:
      width: units of each of two hidden layers, or channels of the residual networks of pictures.
      couplings: how many; of pictures, how many of each kind at each scale, where the paper has 3.
      levels: of pictures alone: how often they are squeezed to half the size, where half of the numbers leave.
      blocks: of pictures alone: residual blocks of each coupling.
      transform: of single numbers: "affine", "additive", which keeps volumes, or "spline".
    """

    width: Size = 64
    couplings: Repeats = 8
    levels: Annotated[int, Range(1, 16)] = 2
    blocks: Depth = 1
    transform: TransformName = "affine"

    def setup(self) -> None:
        """Lays the layers out."""
        if len(self.shape) == 3:
            high, wide, channels = self.shape
            check_levels((high, wide, channels), self.levels)
            self.chain = multiscale((high, wide, channels), self.levels + 1, self._level)
        else:
            self.chain = Chain([Flat(self.shape), *self._of_vectors()])

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        return self.chain.encode(x, context)

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        return self.chain.decode(z, context)

    def _of_vectors(self) -> list[Bijector]:
        layers: list[Bijector] = []
        transform = TRANSFORMS[self.transform]()
        for place in range(self.couplings):
            conditioner = Perceptron((self.width, self.width), transform.numbers, dtype=self.dtype)
            layers += [ActNorm(), Coupling(alternating(self.size, place % 2 == 1), conditioner, transform)]
        return layers

    def _level(self, shape: Map, last: bool) -> tuple[list[Bijector], Map]:
        """One scale of section 3.6: colours, then channels; the coarsest has one coupling of colours more, and no more.

        An odd side has no halves of each colour, so that a mask hides one of them there.
        """
        high, wide, channels = shape
        layers: list[Bijector] = []
        for place in range(self.couplings + last):
            second, odd = place % 2 == 1, high % 2 or wide % 2
            layers += [ActNorm(), self._masked(shape, second) if odd else self._halves(second, squares=True)]
        if last:
            return layers, shape
        layers.append(Squeeze())
        for place in range(self.couplings):
            layers += [ActNorm(), self._halves(place % 2 == 1, squares=False)]
        return layers, (high // 2, wide // 2, 4 * channels)

    def _masked(self, shape: Map, second: bool) -> Coupling:
        transform = TRANSFORMS[self.transform]()
        conditioner = Residual(self.width, transform.numbers, self.blocks, dtype=self.dtype)
        return Coupling(checkerboard(shape[0], shape[1], second), conditioner, transform)

    def _halves(self, second: bool, squares: bool) -> Halves:
        transform = TRANSFORMS[self.transform]()
        conditioner = Residual(self.width, transform.numbers, self.blocks, dtype=self.dtype)
        return Halves(conditioner, transform, second, squares)
