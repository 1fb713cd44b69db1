"""DCGAN's networks: Radford, Metz and Chintala 2016, https://arxiv.org/abs/1511.06434, section 3.

Generator and critic are the paper's; a decoder and an encoder are the same without their last steps. Its five
recommendations are the defaults, and each has an argument that goes against it: strides shrink and grow the maps
(`downsample`, `upsample`); batch normalisation everywhere but at the generator's output and the critic's input
(`norm`); no hidden dense layers (`dense`); ReLU in the generator, leaky ReLU of slope 0.2 in the critic (`activation`).
Weights are from N(0, 0.02), scales of the normalisation from N(1, 0.02), as the authors' code has them.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.critic import CriticNetwork, CriticOutput
from gengen.networks.doublings import doublings
from gengen.networks.layers.activations import Activation, activation_of
from gengen.networks.layers.conv import Conv
from gengen.networks.layers.dense import Dense
from gengen.networks.layers.deviation import append_deviation, check_batch
from gengen.networks.layers.downsample import POOLS, Downsampling, check_downsample
from gengen.networks.layers.norm import (
    NORMS,
    NORMS_OF_ACTIVATIONS,
    NORMS_OF_GENERATORS,
    check_norm,
    near_one,
    normalise,
    weigh,
)
from gengen.networks.layers.upsample import Upsample, Upsampling
from gengen.values import OneOf, Range, Size

KERNEL_INIT = nn.initializers.normal(0.02)

Units = Annotated[int, Range(0, 2**16)]
"""Units of a dense layer; 0 for none."""


def check_width(width: int) -> None:
    """Refuses maps without channels.

    Raises:
      ValueError: `width` is below 1.
    """
    if width < 1:
        raise ValueError(f"width={width} must be at least 1")


def doubled(
    latent: jax.Array,
    train: bool,
    *,
    shape: tuple[int, int, int],
    width: int,
    dense: int,
    norm: str = "batch",
    activation: str = "relu",
    upsample: str,
    dtype: Any,
) -> jax.Array:
    """Projects latents to a small map and doubles it until it is as large as an image; part of a linen module.

    Args:
      latent: [B, L].
      train: whether normalisations are in training mode.
      shape: height, width and channels of the image.
      width: channels of the largest hidden map; they double as the map halves.
      dense: units of a dense layer before the projection, as InfoGAN's generator has one; 0 for none, as in the paper.
      norm: normalisation, which follows each layer but the last; the paper's is "batch".
      activation: what follows each layer but the last; the paper's is "relu".
      upsample: how a map doubles; the paper's is "transposed".
      dtype: of maps, and to which factors of products are rounded; sums and parameters are float32.

    Returns:
      Images before the activation [B, H, W, C], float32.

    Raises:
      ValueError: `width` is below 1, `norm` or `activation` is unknown, or the shape cannot be reached.
    """
    check_width(width)
    check_norm(norm, NORMS_OF_GENERATORS)
    height, wide, channels = shape
    times = doublings(height, wide)
    small = (height >> times, wide >> times, width << (times - 1))

    layer = {"kernel_init": KERNEL_INIT, "dtype": dtype}
    inner = {"use_bias": norm not in NORMS_OF_ACTIVATIONS, **layer}
    act = activation_of(activation)

    def after(x: jax.Array) -> jax.Array:
        return act(normalise(x, train, norm, scale_init=near_one, dtype=dtype))

    x = latent
    if dense:
        x = after(Dense(dense, **inner)(x))
    x = after(Dense(math.prod(small), **inner)(x).reshape(-1, *small))
    for place in reversed(range(1, times)):
        x = after(Upsample(features=width << (place - 1), method=upsample, **inner)(x))
    return Upsample(features=channels, method=upsample, **layer)(x).astype(jnp.float32)


def halved(
    image: jax.Array,
    train: bool,
    *,
    width: int,
    dense: int,
    norm: str,
    activation: str = "leaky_relu",
    downsample: str = "strided",
    dtype: Any,
) -> jax.Array:
    """Halves an image until it is a small map; part of a linen module.

    Args:
      image: [B, H, W, C] in [-1, 1].
      train: whether normalisations are in training mode.
      width: channels of the first map; they double as the map halves.
      dense: units of a dense layer after the map, as InfoGAN's critic has one; 0 for none, as in the paper.
      norm: normalisation: "batch" (the paper's) and "layer" follow each convolution but the first, "spectral" is of
        every layer.
      activation: what follows each layer; the paper's is "leaky_relu".
      downsample: how a map halves; the paper's is "strided".
      dtype: of maps, and to which factors of products are rounded; sums and parameters are float32.

    Returns:
      The map [B, h, w, F], or the units of the dense layer [B, dense].

    Raises:
      ValueError: `width` is below 1, a name is unknown, or DCGAN cannot halve such images.
    """
    check_width(width)
    check_norm(norm)
    check_downsample(downsample)
    act, strides = activation_of(activation), 1 if downsample in POOLS else 2

    def hidden(layer: Callable[..., nn.Module], x: jax.Array, first: bool = False) -> jax.Array:
        normalised = not first and norm in NORMS_OF_ACTIVATIONS
        x = weigh(layer(use_bias=not normalised, dtype=dtype), x, train, norm)
        if normalised:
            x = normalise(x, train, norm, scale_init=near_one, dtype=dtype)
        return act(x)

    x = image.astype(dtype)
    for place in range(doublings(*image.shape[1:3])):
        layer = partial(Conv, features=width << place, kernel_size=(4, 4), strides=strides, kernel_init=KERNEL_INIT)
        x = hidden(layer, x, first=place == 0)
        x = POOLS[downsample](x) if downsample in POOLS else x
    if dense:
        x = hidden(partial(Dense, dense, kernel_init=KERNEL_INIT), x.reshape(x.shape[0], -1))
    return x


class Generator(nn.Module):
    """Turns latents into images.

    Attributes:
      shape: height, width and channels of an image.
      width, dense, norm, activation, upsample, dtype: as in `doubled`.
    """

    shape: tuple[int, int, int]
    width: Size = 64
    dense: Units = 0
    norm: Annotated[str, OneOf(NORMS_OF_GENERATORS)] = "batch"
    activation: Activation = "relu"
    upsample: Upsampling = "transposed"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, latent: jax.Array, train: bool) -> jax.Array:
        """Returns images [B, H, W, C] in [-1, 1], float32, for latents [B, L]."""
        return jnp.tanh(self.unbounded(latent, train))

    def unbounded(self, latent: jax.Array, train: bool) -> jax.Array:
        """The images before the hyperbolic tangent."""
        return doubled(
            latent,
            train,
            shape=self.shape,
            width=self.width,
            dense=self.dense,
            norm=self.norm,
            activation=self.activation,
            upsample=self.upsample,
            dtype=self.dtype,
        )


class Decoder(Generator):
    """A generator without its hyperbolic tangent: what it makes, a likelihood turns into an image.

    Attributes:
      shape, width, dense, norm, activation, upsample, dtype: as in `Generator`.
    """

    @nn.compact
    def __call__(self, latent: jax.Array, train: bool) -> jax.Array:
        """Returns numbers [B, H, W, C], float32, for latents [B, L]."""
        return self.unbounded(latent, train)


class Encoder(nn.Module):
    """Turns images into features.

    Attributes:
      width, dense, norm, activation, downsample, dtype: as in `halved`.
    """

    width: Size = 64
    dense: Units = 0
    norm: Annotated[str, OneOf(NORMS)] = "batch"
    activation: Activation = "leaky_relu"
    downsample: Downsampling = "strided"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array, train: bool) -> jax.Array:
        """Returns features [B, F], float32, of images [B, H, W, C] in [-1, 1]."""
        x = halved(
            image,
            train,
            width=self.width,
            dense=self.dense,
            norm=self.norm,
            activation=self.activation,
            downsample=self.downsample,
            dtype=self.dtype,
        )
        return x.reshape(x.shape[0], -1).astype(jnp.float32)


class Critic(CriticNetwork):
    """Halves an image until it is a small map, then weighs that map into one number.

    Attributes:
      width, dense, norm, activation, downsample, dtype: as in `halved`.
      deviation: whether the last layer also sees the minibatch standard deviation, as one more channel of the map.
    """

    width: Size = 64
    dense: Units = 0
    norm: Annotated[str, OneOf(NORMS)] = "batch"
    activation: Activation = "leaky_relu"
    downsample: Downsampling = "strided"
    deviation: bool = False
    dtype: Any = jnp.float32

    @property
    def judges_alone(self) -> bool:
        """Batch normalisation and the deviation let images of a batch influence each other."""
        return self.norm != "batch" and not self.deviation

    @nn.compact
    def __call__(self, image: jax.Array, train: bool) -> CriticOutput:
        """Judges images [B, H, W, C] in [-1, 1].

        Raises:
          ValueError: `width` is below 1, a name is unknown, or DCGAN cannot halve such images.
        """
        x = halved(
            image,
            train,
            width=self.width,
            dense=self.dense,
            norm=self.norm,
            activation=self.activation,
            downsample=self.downsample,
            dtype=self.dtype,
        )
        # A convolution that covers the whole map is a dense layer.
        features = x.reshape(x.shape[0], -1)
        if self.deviation and train:
            check_batch(x.shape[0])
        seen = append_deviation(x).reshape(x.shape[0], -1) if self.deviation else features
        logit = weigh(Dense(1, kernel_init=KERNEL_INIT, dtype=self.dtype), seen, train, self.norm)
        return CriticOutput(logit[:, 0].astype(jnp.float32), features.astype(jnp.float32))
