"""MAF: autoregressive layers that scale and shift, each in the reverse order of the one before; and IAF, its inverse.

Papamakarios et al. 2017, https://arxiv.org/abs/1705.07057; Kingma et al. 2016, https://arxiv.org/abs/1606.04934.
"""

from typing import Annotated

import jax

from gengen.networks.bijectors.actnorm import BORDER, SMALLEST, ActNorm
from gengen.networks.bijectors.bijector import Bijector, Chain, FlowNetwork, Inverse, Mapped
from gengen.networks.bijectors.made import MADE
from gengen.networks.bijectors.masked_autoregressive import Autoregressive, Sampling
from gengen.networks.bijectors.mixture import gaussian_mixture
from gengen.networks.bijectors.monotone import affine
from gengen.networks.layers.activations import Activation
from gengen.values import Range, Repeats, Size


class MAF(FlowNetwork):
    """A masked autoregressive flow, or an inverse one.

    Attributes:
      width: units of each hidden layer.
      hidden: hidden layers of each autoregressive one.
      layers: autoregressive layers; every second one goes through the numbers from the last to the first.
      residual: whether each hidden layer after the first adds to what it is given.
      activation: of hidden units.
      components: Gaussians whose mixture each number follows, given those before it (section 4.1, "MoG"), or 0: one
        Gaussian; 12 at least.
      inverse: whether the layers are those of an IAF, which samples in one pass and looks for latents in many.
      sampling: how the slow way is gone: "parallel" finds all numbers at once, again until none changes, "sequential"
        one after the other; they find the same.
    """

    width: Size = 64
    hidden: Repeats = 2
    layers: Repeats = 5
    residual: bool = False
    activation: Activation = "relu"
    components: Annotated[int, Range(0, 1_000)] = 0
    inverse: bool = False
    sampling: Sampling = "parallel"

    def setup(self) -> None:
        """Lays the layers out."""
        layers: list[Bijector] = []
        transform = gaussian_mixture(self.components) if self.components else affine()
        for place in range(self.layers):
            order = tuple(range(self.size))[:: -1 if place % 2 else 1]
            made = MADE(
                (self.width,) * self.hidden, transform.numbers, order, self.residual, self.activation, self.dtype
            )
            layer = Autoregressive(made, transform, order, self.sampling)
            layers += [ActNorm(BORDER if len(self.shape) > 1 else SMALLEST), Inverse(layer) if self.inverse else layer]
        self.chain = Chain(layers)

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        return self.chain.encode(x.reshape(len(x), -1), context)

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        x, log_det = self.chain.decode(z, context)
        return x.reshape(len(x), *self.shape), log_det
