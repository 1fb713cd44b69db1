"""A small convolutional classifier, whose penultimate activations serve as features of images.

Strided convolutions with batch normalisation shrink an image to a map of at most 4 pixels on its shorter side, as the
all-convolutional networks of Springenberg et al. 2015, https://arxiv.org/abs/1412.6806, do without pooling. A dense
layer turns the map into features, and another one weighs them into classes.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.layers.conv import Conv
from gengen.networks.layers.dense import Dense
from gengen.networks.layers.norm import BatchNorm
from gengen.values import Size

FEATURES = 64
"""Dimension of the features."""

SMALLEST = 4
"""Maps halve until their shorter side has at most so many pixels."""

NARROWEST = 16
"""The least number of channels of a hidden map."""


def halvings(height: int, width: int) -> int:
    """How often an image of height x width is halved, rounding up, until its shorter side is at most `SMALLEST`."""
    side, times = min(height, width), 0
    while side > SMALLEST:
        side, times = -(-side // 2), times + 1
    return times


class Classifier(nn.Module):
    """Maps images of any size to features and to logits of their classes.

    The first convolution is 5 x 5 and halves the image; images that are halved once or never start with a 3 x 3 one
    that keeps their size. Each 3 x 3 convolution that follows halves the map and doubles its channels.

    Features are SiLU(y) with y batch-normalised, so each lies above -0.28, and its standard deviation over the training
    data is near 1. SiLU (Elfwing et al. 2018, https://arxiv.org/abs/1702.03118) is smooth and hardly ever exactly 0;
    about half of a ReLU's values would be, and a Gaussian, which the Fréchet distance fits, would suit them less.

    Attributes:
      classes: number of classes K.
      channels: channels of the smallest map; they halve as the map doubles, down to `NARROWEST`.
      pooled: whether the means of the smallest map's channels are the features instead [N, channels]. Of a task that is
        a means to an end they keep more: the penultimate activations fall into as many heaps as there are classes.
    """

    classes: int
    channels: Size = 128
    pooled: bool = False

    @nn.compact
    def __call__(self, image: jax.Array, train: bool) -> tuple[jax.Array, jax.Array]:
        """Judges images.

        Args:
          image: [N, H, W, C] in [-1, 1].
          train: whether batch normalisation uses the statistics of this batch.

        Returns:
          Features [N, 64], the penultimate activations, in which the logits [N, K] are linear, and these; both float32.
          Features that are `pooled` are those of the map instead.

        Raises:
          ValueError: `classes` is below 2 or `channels` below 1.
        """
        if self.classes < 2:
            raise ValueError(f"classes={self.classes} must be at least 2")
        if self.channels < 1:
            raise ValueError(f"channels={self.channels} must be at least 1")
        times = halvings(*image.shape[1:3])
        x = image.astype(jnp.float32)
        if times < 2:
            x = self._block(x, train, times, size=3, stride=1)
        else:
            times -= 1
            x = self._block(x, train, times, size=5, stride=2)
        for left in reversed(range(times)):
            x = self._block(x, train, left, size=3, stride=2)
        means = x.mean((1, 2))
        x = Dense(FEATURES, use_bias=False)(x.reshape(x.shape[0], -1))
        features = nn.silu(BatchNorm(momentum=0.9)(x, train))
        return means if self.pooled else features, Dense(self.classes)(features)

    def _block(self, x: jax.Array, train: bool, left: int, *, size: int, stride: int) -> jax.Array:
        """Convolves, normalises and activates; `left` is how often the map is still to be halved."""
        channels = max(self.channels >> left, min(NARROWEST, self.channels))
        x = Conv(channels, (size, size), strides=stride, use_bias=False)(x)
        return nn.silu(BatchNorm(momentum=0.9)(x, train))


class Squared(nn.Module):
    """A network that sees images of any size as squares.

    Attributes:
      network: of images [N, side, side, C].
      side: of the square, in pixels; no more than the images have.
    """

    network: nn.Module
    side: Size

    def __call__(self, image: jax.Array, train: bool) -> tuple[jax.Array, jax.Array]:
        """Returns what the network does of images [N, H, W, C]."""
        features, logits = self.network(squared(image, self.side), train)
        return features, logits


def squared(image: jax.Array, side: int) -> jax.Array:
    """Images [N, H, W, C] as squares [N, side, side, C]: resized linearly, and averaged where they get smaller."""
    resized: jax.Array = jax.image.resize(image, (len(image), side, side, image.shape[-1]), "linear", antialias=True)
    return resized


class Linear(nn.Module):
    """Weighs features into logits of classes: the last layer of a classifier alone.

    Attributes:
      classes: number of classes K.
    """

    classes: int

    @nn.compact
    def __call__(self, features: jax.Array, train: bool) -> jax.Array:
        """Returns logits [N, K] of features [N, ...]."""
        del train
        return Dense(self.classes)(features.reshape(features.shape[0], -1))
