"""RealNVP: affine couplings whose masks alternate.

Dinh et al. 2017, https://arxiv.org/abs/1605.08803.
"""

import jax

from gengen.networks.bijectors.actnorm import ActNorm
from gengen.networks.bijectors.bijector import Bijector, Chain, FlowNetwork, Mapped
from gengen.networks.bijectors.conditioners import Perceptron
from gengen.networks.bijectors.coupling import Coupling, alternating
from gengen.networks.bijectors.transforms import affine
from gengen.values import Repeats, Size


class RealNVP(FlowNetwork):
    """Attributes:
    width: units of each of two hidden layers.
    couplings: how many.
    """

    width: Size = 64
    couplings: Repeats = 8

    def setup(self) -> None:
        """Lays the layers out."""
        layers: list[Bijector] = []
        transform = affine()
        for place in range(self.couplings):
            conditioner = Perceptron((self.width, self.width), transform.numbers, dtype=self.dtype)
            layers += [ActNorm(), Coupling(alternating(self.size, place % 2 == 1), conditioner, transform)]
        self.chain = Chain(layers)

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        return self.chain.encode(x, context)

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        return self.chain.decode(z, context)
