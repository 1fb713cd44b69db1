"""The encoder and decoder of the VQ-VAE: van den Oord et al. 2017, https://arxiv.org/abs/1711.00937, section 4.1.

Convolutions of 4 x 4 in steps of 2 halve an image, and residual blocks (ReLU, 3 x 3, ReLU, 1 x 1) think about the map;
the decoder is the mirror. Positions keep their places: the code is a map, not a vector.
"""

from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.layers.conv import Conv
from gengen.networks.layers.upsample import Upsample
from gengen.values import Depth, Range, Size


def check_halvings(height: int, width: int, halvings: int) -> None:
    """Refuses images that cannot be halved so often.

    Raises:
      ValueError: `halvings` is below 1, or a side is no multiple of 2^halvings; the sentence has a size near that is.
    """
    if halvings < 1:
        raise ValueError(f"halvings={halvings} must be at least 1")
    times = 2**halvings
    if height % times or width % times:
        near = [max(round(side / times), 1) * times for side in (height, width)]
        raise ValueError(
            f"resolution={height} x {width} cannot be halved {halvings} times, so try {near[0]} x {near[1]}"
        )


def _check(**values: int) -> None:
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"{name}={value} must be at least 1")


class ResidualBlocks(nn.Module):
    """Adds to a map what two convolutions make of it, several times; the last step is a ReLU.

    Attributes:
      blocks: how often.
      hidden: channels between the 3 x 3 and the 1 x 1 convolution.
      dtype: of maps, and to which factors of products are rounded; sums and parameters are float32.
    """

    blocks: int
    hidden: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Returns maps [B, h, w, F] of maps [B, h, w, F].

        Raises:
          ValueError: `blocks` is below 0.
        """
        if self.blocks < 0:
            raise ValueError(f"blocks={self.blocks} must be at least 0")
        for _ in range(self.blocks):
            y = Conv(self.hidden, (3, 3), dtype=self.dtype)(nn.relu(x))
            x = x + Conv(x.shape[-1], (1, 1), dtype=self.dtype)(nn.relu(y))
        return nn.relu(x)


class Encoder(nn.Module):
    """Halves an image to a map of features.

    Attributes:
      width: channels of the map; the paper has 256.
      halvings: how often the image is halved; the paper does it twice.
      blocks: residual blocks.
      hidden: channels inside of a block; the paper has as many as outside.
      dtype: of maps, and to which factors of products are rounded; sums and parameters are float32.
    """

    width: Size = 256
    halvings: Annotated[int, Range(1, 16)] = 2
    blocks: Depth = 2
    hidden: Size = 256
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array, train: bool) -> jax.Array:
        """Returns features [B, H / 2^halvings, W / 2^halvings, width], float32, of images [B, H, W, C] in [-1, 1].

        Raises:
          ValueError: a number is below 1, or such images cannot be halved so often.
        """
        del train
        _check(width=self.width, hidden=self.hidden)
        height, wide = image.shape[1:3]
        check_halvings(height, wide, self.halvings)
        x = image.astype(self.dtype)
        for place in range(self.halvings):
            x = nn.relu(x) if place else x
            x = Conv(self.width, (4, 4), strides=2, dtype=self.dtype)(x)
        return ResidualBlocks(self.blocks, self.hidden, dtype=self.dtype)(x).astype(jnp.float32)


class Decoder(nn.Module):
    """Doubles a map to what a likelihood makes an image of: an encoder's mirror.

    Attributes:
      shape: height, width and channels of the output.
      width, halvings, blocks, hidden, dtype: as in `Encoder`.
    """

    shape: tuple[int, int, int]
    width: Size = 256
    halvings: Annotated[int, Range(1, 16)] = 2
    blocks: Depth = 2
    hidden: Size = 256
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, code: jax.Array, train: bool) -> jax.Array:
        """Returns numbers [B, H, W, C], float32, for maps [B, h, w, D].

        Raises:
          ValueError: a number is below 1, or such maps do not become such images.
        """
        del train
        _check(width=self.width, hidden=self.hidden)
        height, wide, channels = self.shape
        check_halvings(height, wide, self.halvings)
        if code.ndim != 4 or code.shape[1:3] != (height >> self.halvings, wide >> self.halvings):
            raise ValueError(
                f"halvings={self.halvings} of the decoder makes {height} x {wide} of "
                f"{height >> self.halvings} x {wide >> self.halvings}, not of what the encoder gives, {code.shape[1:]}"
            )
        x = Conv(self.width, (3, 3), dtype=self.dtype)(code.astype(self.dtype))
        x = ResidualBlocks(self.blocks, self.hidden, dtype=self.dtype)(x)
        for _ in range(self.halvings - 1):
            x = nn.relu(Upsample(self.width, dtype=self.dtype)(x))
        return Upsample(channels, dtype=self.dtype)(x).astype(jnp.float32)


class MapCoder(nn.Module):
    """Says which numbers stand for each place of an image.

    Attributes:
      body: `(images [B, H, W, C], train) -> features [B, h, w, F]`.
      dimension: how many numbers D for a place.
    """

    body: nn.Module
    dimension: int

    @nn.compact
    def __call__(self, image: jax.Array, train: bool) -> jax.Array:
        """Returns maps [B, h, w, D] of images [B, H, W, C].

        Raises:
          ValueError: `dimension` is below 1, or the body gives no maps.
        """
        _check(dimension=self.dimension)
        features = self.body(image, train)
        if features.ndim != 4:
            raise ValueError(f"the encoder gives features {features.shape[1:]} without places; choose 'residual'")
        return Conv(self.dimension, (1, 1))(features)
