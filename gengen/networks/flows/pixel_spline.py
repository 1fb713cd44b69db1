"""An autoregressive spline flow of pictures: a PixelCNN says how each pixel moves, by a spline of its own.

Durkan et al. 2019, https://arxiv.org/abs/1906.04032, section 3.2, with van den Oord et al. 2016,
https://arxiv.org/abs/1606.05328, in the place of the masked perceptron. The spline is a distribution function, so that
one layer can say any density of a pixel given those before it, even one that is level within a grey value.
"""

import math
from collections.abc import Sequence
from typing import Annotated

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm

from gengen.networks.bijectors.bijector import FlowNetwork, Mapped, summed
from gengen.networks.bijectors.monotone import Moved
from gengen.networks.bijectors.spline import rational_quadratic
from gengen.networks.pixelcnn import PixelCNN, Predictions, draw
from gengen.values import Entries, Range, Size

STEEPEST = 1_000.0
"""How far a slope may be from those of the pieces beside it: black takes a 256th of the range and most of the mass."""


class PixelSpline(FlowNetwork):
    """A flow of numbers in [-1, 1], pixel by pixel.

    Attributes:
      width: numbers F at a pixel, in each of two stacks.
      dilations: as in `PixelCNN`.
      reach: as in `PixelCNN`.
      hidden: units of the layer that makes splines of features.
      waves: as in `PixelCNN`.
      bins: pieces of a spline.
      outer: width of the first and of the last one, as a share of all: a level, as black and white are so frequent.
    """

    width: Size = 32
    dilations: Annotated[Sequence[Annotated[int, Range(1, 64)]], Entries(1)] = (1, 2, 1, 4)
    reach: Annotated[int, Range(1, 16)] = 3
    hidden: Size = 64
    waves: Sequence[Annotated[int, Range(0, 16)]] = ()
    bins: Annotated[int, Range(3, 256)] = 16
    outer: Annotated[float, Range(0, 0.5, above=True, below=True)] = 1 / 256

    def setup(self) -> None:
        """Makes the network."""
        self.transform = rational_quadratic(self.bins, 1.0, 1e-4, STEEPEST, outer=self.outer)
        body = PixelCNN(
            self.shape,
            self.width,
            self.dilations,
            self.reach,
            self.hidden,
            self.waves,
            classes=self.classes,
            dtype=self.dtype,
        )
        self.predictions = Predictions(body, self.transform.numbers)

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        shares, slope = self.transform.forward(self.predictions(x, context), x)
        latents, steepness = _to_normal(shares)
        return latents.reshape(len(x), -1), summed(slope + steepness)

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        shares = 2 * norm.cdf(z) - 1
        network, variables = self.predictions.unbind()

        def choose(parameters: jax.Array, place: jax.Array) -> jax.Array:
            return self.transform.inverse(parameters, jax.lax.dynamic_index_in_dim(shares, place, 1, False))[0]

        x = draw(network, variables, choose, len(z), context)
        return x, -self.encode(x, context)[1]


def _to_normal(shares: jax.Array) -> Moved:
    """Normal numbers of uniform ones in [-1, 1], and the logarithm of the slope."""
    normal = norm.ppf(jnp.clip((shares + 1) / 2, 1e-7, 1 - 1e-7))
    return normal, -math.log(2) - norm.logpdf(normal)
