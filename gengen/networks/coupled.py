"""CoGAN's networks: Liu and Tuzel 2016, https://arxiv.org/abs/1606.07536, in the terms of the DCGAN.

What both domains share decides what an image shows: the first layers of the generators and the last ones of the
critics. What is of one domain alone decides how it looks: the generator's last layer, its head, and the critic's first
one, its stem.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.dcgan import KERNEL_INIT, Units, check_width, doubled
from gengen.networks.doublings import doublings
from gengen.networks.layers.conv import Conv
from gengen.networks.layers.norm import BatchNorm
from gengen.networks.layers.upsample import Upsample, Upsampling
from gengen.values import Size


class Trunk(nn.Module):
    """The part of both generators that is the same: from latents to maps half as large as an image.

    Attributes:
      shape: height, width and channels of an image.
      width: channels of the map that it makes; each one before has twice as many.
      dense, upsample, dtype: as in `doubled`.
    """

    shape: tuple[int, int, int]
    width: Size = 64
    dense: Units = 0
    upsample: Upsampling = "transposed"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, latent: jax.Array, train: bool) -> jax.Array:
        """Returns maps [B, H / 2, W / 2, width], float32, for latents [B, L].

        Raises:
          ValueError: a side of the image is odd, or the map cannot be reached.
        """
        check_width(self.width)
        height, wide, _ = self.shape
        if height % 2 or wide % 2:
            raise ValueError(f"resolution={height} x {wide} must be even, as the last layer doubles a map")
        try:
            doublings(height // 2, wide // 2)
        except ValueError as error:
            raise ValueError(
                f"resolution={height} x {wide} is twice as large as the trunk's map, whose {error}"
            ) from error
        x = doubled(
            latent,
            train,
            shape=(height // 2, wide // 2, self.width),
            width=2 * self.width,
            dense=self.dense,
            upsample=self.upsample,
            dtype=self.dtype,
        )
        return nn.relu(BatchNorm(momentum=0.9, dtype=self.dtype)(x, train)).astype(jnp.float32)


class Head(nn.Module):
    """The part of a generator that is of one domain: from maps to images.

    Attributes:
      shape: height, width and channels of an image.
      width: channels of a hidden map of the image's size, after the doubling; 0 makes the image at once.
      upsample, dtype: as in `Trunk`.
    """

    shape: tuple[int, int, int]
    width: Units = 0
    upsample: Upsampling = "transposed"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, maps: jax.Array, train: bool) -> jax.Array:
        """Returns images [B, H, W, C] in [-1, 1], float32, of maps [B, H / 2, W / 2, F]."""
        features = self.width or self.shape[2]
        x = Upsample(features=features, method=self.upsample, kernel_init=KERNEL_INIT, dtype=self.dtype)(
            maps.astype(self.dtype)
        )
        if self.width:
            x = nn.relu(BatchNorm(momentum=0.9, dtype=self.dtype)(x, train))
            x = Conv(self.shape[2], (3, 3), kernel_init=KERNEL_INIT, dtype=self.dtype)(x)
        return jnp.tanh(x).astype(jnp.float32)


class Stem(nn.Module):
    """The part of a critic that is of one domain: from images to maps half as large.

    Attributes:
      width: channels of the maps.
      dtype: of maps, and to which factors of products are rounded; sums and parameters are float32.
    """

    width: Size = 32
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array, train: bool) -> jax.Array:
        """Returns maps [B, H / 2, W / 2, width], float32, of images [B, H, W, C] in [-1, 1]."""
        del train
        check_width(self.width)
        layer = Conv(self.width, (4, 4), strides=(2, 2), kernel_init=KERNEL_INIT, dtype=self.dtype)
        return nn.leaky_relu(layer(image.astype(self.dtype)), 0.2).astype(jnp.float32)
