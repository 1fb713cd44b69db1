"""Neural spline flows: couplings or autoregressive layers of monotone rational-quadratic splines.

Durkan et al. 2019, https://arxiv.org/abs/1906.04032.
"""

from typing import Annotated

import jax

from gengen.networks.bijectors.actnorm import BORDER, SMALLEST, ActNorm
from gengen.networks.bijectors.bijector import Bijector, Chain, FlowNetwork, Mapped
from gengen.networks.bijectors.conditioners import Perceptron
from gengen.networks.bijectors.coupling import Coupling, alternating
from gengen.networks.bijectors.linear import Linear
from gengen.networks.bijectors.made import MADE
from gengen.networks.bijectors.masked_autoregressive import Autoregressive, Sampling
from gengen.networks.bijectors.spline import rational_quadratic
from gengen.networks.layers.activations import Activation
from gengen.values import OneOf, Positive, Range, Repeats, Size

KINDS = ("coupling", "autoregressive")

MIXES = ("none", "linear")

LEAST, STEEPEST = 1e-5, 300.0
"""As in `rational_quadratic`; 1e-4 and 30 cost 0.003 nats of divergence for one coordinate of the ring of Gaussians."""


class SplineFlow(FlowNetwork):
    """A neural spline flow of vectors.

    Attributes:
      kind: of layers: "coupling", where every second number says how the others move, or "autoregressive".
      width: units of each hidden layer.
      hidden: hidden layers of each layer of the flow.
      layers: of the flow.
      residual: whether each hidden layer of an autoregressive one adds to what it is given, after the first.
      activation: of hidden units.
      bins: pieces of a spline.
      bound: splines lie in [-bound, bound] and are straight beyond.
      mix: what comes before each layer but the first: "linear", a matrix that is learnt, or "none".
      sampling: of autoregressive layers: "parallel" finds all numbers at once, again until none changes,
        "sequential" one after the other; they find the same.
    """

    kind: Annotated[str, OneOf(KINDS)] = "coupling"
    width: Size = 64
    hidden: Repeats = 2
    layers: Repeats = 4
    residual: bool = False
    activation: Activation = "relu"
    bins: Annotated[int, Range(2, 1_000)] = 8
    bound: Positive = 4.0
    mix: Annotated[str, OneOf(MIXES)] = "none"
    sampling: Sampling = "parallel"

    def setup(self) -> None:
        """Lays the layers out."""
        layers: list[Bijector] = []
        for place in range(self.layers):
            if place and self.mix == "linear":
                layers.append(Linear(place))
            layers += [ActNorm(BORDER if len(self.shape) > 1 else SMALLEST), self._layer(place)]
        self.chain = Chain(layers)

    def _layer(self, place: int) -> Bijector:
        transform = rational_quadratic(self.bins, self.bound, LEAST, STEEPEST)
        widths, odd = (self.width,) * self.hidden, place % 2 == 1
        if self.kind == "coupling":
            perceptron = Perceptron(widths, transform.numbers, self.activation, self.dtype)
            return Coupling(alternating(self.size, odd), perceptron, transform)
        order = tuple(range(self.size))[:: -1 if odd else 1]
        made = MADE(widths, transform.numbers, order, self.residual, self.activation, self.dtype)
        return Autoregressive(made, transform, order, self.sampling)

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        return self.chain.encode(x.reshape(len(x), -1), context)

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        x, log_det = self.chain.decode(z, context)
        return x.reshape(len(x), *self.shape), log_det
