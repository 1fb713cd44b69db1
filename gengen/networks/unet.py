"""The U-Net of pix2pix: Isola et al. 2017, https://arxiv.org/abs/1611.07004, appendix 6.1.1.

Convolutions halve an image until little of it is left and double it again, and each map on the way down is joined to
the one of its size on the way up: details need not pass the narrowest map. Weights are from N(0, 0.02), scales of
batch normalisation from N(1, 0.02), as in the authors' code.
"""

from functools import partial
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.layers.conv import Conv
from gengen.networks.layers.dropout import check_rate, drop
from gengen.networks.layers.norm import NORMS_OF_ACTIVATIONS, NORMS_OF_TRANSLATORS, check_norm, near_one, normalise
from gengen.networks.layers.padding import pad_to_multiple
from gengen.networks.layers.upsample import Upsample, Upsampling
from gengen.values import Decay, OneOf, Range, Size

KERNEL_INIT = nn.initializers.normal(0.02)

DEEPEST = 8
"""The most halvings that are chosen without being asked for: those of the paper, for images of 256 x 256."""

DROPPING = 3
"""Dropout follows so many of the first doublings."""


def halvings(height: int, width: int, depth: int = 0) -> int:
    """How often a U-Net halves images.

    Args:
      height: of the images.
      width: of the images.
      depth: the answer wanted; 0 for as often as it takes to bring the shorter side, rounded up, to 1, but at most 8
        times.

    Returns:
      A number of at least 1; 8 for 256 x 256, 6 for 64 x 64, 5 for 28 x 28, 4 for 16 x 16.

    Raises:
      ValueError: `depth` is negative, or the shorter side is 1 before; the sentence says when.
    """
    most = max((min(height, width) - 1).bit_length(), 1)
    if not 0 <= depth <= most:
        raise ValueError(f"depth={depth} must be from 0 to {most}: {height} x {width} is halved {most} times at most")
    return depth or min(most, DEEPEST)


class Translator(nn.Module):
    """Turns images of one domain into images of another, with dropout for noise.

    4 x 4 convolutions in steps of 2 down, as many doublings up; leaky ReLU of slope 0.2 on the way down, ReLU on the
    way up, a hyperbolic tangent at the end. No normalisation after the first convolution; none after the last either,
    where a map of 1 x 1 in a batch of one would be its own mean.

    Attributes:
      channels: of the images made.
      width: channels of the first hidden map; they double as the map halves, up to 8 times as many.
      depth: how often images are halved, as in `halvings`. Images whose sides are no multiples of 2^depth get a border,
        which the result is cropped of.
      norm: normalisation, one of `NORMS_OF_TRANSLATORS`.
      dropout: probability that a number of one of the first three doublings is set to 0; the last doubling, which
        makes the image, is never one of them.
      upsample: how a map doubles, one of `layers.upsample.METHODS`; the paper's is "transposed".
      dtype: of maps, and to which factors of products are rounded; sums and parameters are float32.
    """

    channels: int
    width: Size = 64
    depth: Annotated[int, Range(0, 16)] = 0
    norm: Annotated[str, OneOf(NORMS_OF_TRANSLATORS)] = "batch"
    dropout: Decay = 0.5
    upsample: Upsampling = "transposed"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array, keys: jax.Array | None, train: bool) -> jax.Array:
        """Translates images.

        Args:
          image: [B, H, W, C] in [-1, 1], of any size.
          keys: typed PRNG keys [B], one for the dropout of each image, in training and in use: it is the only noise
            (section 3.1 of the paper). None for no dropout.
          train: whether batch normalisation uses the statistics of this batch.

        Returns:
          Images [B, H, W, channels] in [-1, 1], float32.

        Raises:
          ValueError: a number is out of range, or `norm` or `upsample` is unknown.
        """
        for name, value in (("channels", self.channels), ("width", self.width)):
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1")
        check_norm(self.norm, NORMS_OF_TRANSLATORS)
        check_rate(self.dropout)
        depth = halvings(image.shape[1], image.shape[2], self.depth)
        x, crop = pad_to_multiple(image.astype(self.dtype), 2**depth)
        maps = self._halved(x, depth, train)
        x = self._doubled(maps, keys, train)
        return jnp.tanh(crop(x).astype(jnp.float32))

    def _halved(self, x: jax.Array, depth: int, train: bool) -> list[jax.Array]:
        """The maps on the way down [B, H / 2, W / 2, width], [B, H / 4, W / 4, 2 width], ..., before activation."""
        maps: list[jax.Array] = []
        for place in range(depth):
            norm = "none" if place in (0, depth - 1) else self.norm
            layer = partial(Conv, self.width << min(place, 3), (4, 4), strides=2)
            x = self._layer(layer, nn.leaky_relu(x, 0.2) if place else x, train, norm)
            maps.append(x)
        return maps

    def _doubled(self, maps: list[jax.Array], keys: jax.Array | None, train: bool) -> jax.Array:
        """The way up; returns the image before the hyperbolic tangent."""
        x, *others = reversed(maps)
        for place, other in enumerate(others):
            x = self._layer(partial(Upsample, other.shape[-1], self.upsample), nn.relu(x), train, self.norm)
            if keys is not None and place < DROPPING:
                x = drop(x, jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, place), self.dropout)
            x = jnp.concatenate([x, other], -1)
        return self._layer(partial(Upsample, self.channels, self.upsample), nn.relu(x), train, "none")

    def _layer(self, layer: Any, x: jax.Array, train: bool, norm: str) -> jax.Array:
        use_bias = norm not in NORMS_OF_ACTIVATIONS
        x = layer(use_bias=use_bias, kernel_init=KERNEL_INIT, dtype=self.dtype)(x)
        return normalise(x, train, norm, scale_init=near_one, dtype=self.dtype)
