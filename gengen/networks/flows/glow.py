"""Glow: activation normalisation, a learnt mixing of channels, and a coupling, again and again.

Kingma and Dhariwal 2018, https://arxiv.org/abs/1807.03039.
"""

from typing import Annotated

import jax

from gengen.networks.bijectors.actnorm import ActNorm
from gengen.networks.bijectors.bijector import Bijector, Chain, FlowNetwork, Mapped
from gengen.networks.bijectors.conditioners import Perceptron
from gengen.networks.bijectors.convolutional import Convolutions
from gengen.networks.bijectors.coupling import TRANSFORMS, Coupling, Halves, TransformName, alternating
from gengen.networks.bijectors.linear import Linear
from gengen.networks.bijectors.multiscale import Flat, multiscale
from gengen.networks.bijectors.squeeze import Map, Squeeze, check_levels
from gengen.values import Range, Repeats, Size


class Glow(FlowNetwork):
    """Steps of activation normalisation, a linear map of channels, and a coupling; of pictures, at several scales.

    Attributes:
      width: channels of the two hidden layers of each coupling, units for vectors.
      steps: how many at each scale.
      levels: of pictures alone: how often they are squeezed to half the size; half of the numbers leave after each but
        the last, normal given the other half.
      transform: of single numbers: "affine", "additive", which keeps volumes, or "spline".
    """

    width: Size = 64
    steps: Repeats = 8
    levels: Annotated[int, Range(1, 16)] = 2
    transform: TransformName = "affine"

    def setup(self) -> None:
        """Lays the layers out."""
        if len(self.shape) == 3:
            high, wide, channels = self.shape
            check_levels((high, wide, channels), self.levels)
            self.chain = multiscale((high, wide, channels), self.levels, self._level)
        else:
            steps = ((ActNorm(), Linear(place), self._coupling()) for place in range(self.steps))
            self.chain = Chain([Flat(self.shape), *(layer for step in steps for layer in step)])

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        return self.chain.encode(x, context)

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        return self.chain.decode(z, context)

    def _coupling(self) -> Coupling:
        """Of vectors; which numbers stay does not matter behind a linear map."""
        transform = TRANSFORMS[self.transform]()
        conditioner = Perceptron((self.width, self.width), transform.numbers, dtype=self.dtype)
        return Coupling(alternating(self.size, odd=False), conditioner, transform)

    def _level(self, shape: Map, last: bool) -> tuple[list[Bijector], Map]:
        """One scale of figure 2; the last coupling of all but the coarsest moves what leaves, as their prior says."""
        high, wide, channels = shape
        layers: list[Bijector] = [Squeeze()]
        for place in range(self.steps):
            layers += [ActNorm(), Linear(place), self._halves(self.transform)]
        return [*layers, *([] if last else [self._halves("affine")])], (high // 2, wide // 2, 4 * channels)

    def _halves(self, name: str) -> Halves:
        transform = TRANSFORMS[name]()
        return Halves(Convolutions(self.width, transform.numbers, dtype=self.dtype), transform)
