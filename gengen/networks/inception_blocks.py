"""Blocks of Inception-v3: Szegedy et al. 2015, https://arxiv.org/abs/1512.00567, figures 5, 6, 7 and 10.

Every convolution is one of the paper's units in its inference form: batch normalisation with running statistics is an
affine map of each channel, so it lies in the kernel and the bias of its convolution. ReLU follows.
Layers bear the names that they have in the published files of weights.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gengen.networks.layers.conv import Conv
from gengen.networks.layers.windows import Pair


def unit(
    x: jax.Array,
    name: str,
    features: int,
    kernel_size: Pair = (1, 1),
    *,
    strides: int = 1,
    padding: str = "SAME",
) -> jax.Array:
    """Convolves with bias and rectifies; adds a layer to the module whose compact method calls it.

    Args:
      x: maps [n, h, w, c].
      name: name of the layer.
      features: channels of the result.
      kernel_size: height and width of the kernel.
      strides: steps of the window in height and width.
      padding: "SAME" or "VALID".

    Returns:
      Maps [n, h', w', features].
    """
    return nn.relu(Conv(features, kernel_size, strides=strides, padding=padding, name=name)(x))


def shrinking_max_pool(x: jax.Array) -> jax.Array:
    """Largest value in windows of 3 x 3 in steps of 2 that lie within the maps [n, h, w, c]."""
    largest: jax.Array = nn.max_pool(x, (3, 3), strides=(2, 2), padding="VALID")
    return largest


def average_pool(x: jax.Array) -> jax.Array:
    """Mean of windows of 3 x 3 around every pixel of the maps [n, h, w, c]; at the border, of the pixels that exist.

    That is TensorFlow's mean. PyTorch's own would count the zeros of the padding.
    """
    for axis in (1, 2):
        size = x.shape[axis]
        # Sums of slices: a window reduction takes three times as long on a CPU.
        padded = lax.pad(x, jnp.zeros((), x.dtype), [(int(a == axis), int(a == axis), 0) for a in range(4)])
        before, here, after = (lax.slice_in_dim(padded, start, start + size, axis=axis) for start in range(3))
        present = np.full(size, 3.0)
        present[[0, -1]] -= 1
        x = (before + here + after) * lax.broadcast_in_dim(jnp.asarray(1 / present, x.dtype), x.shape, (axis,))
    return x


class MixedA(nn.Module):
    """The block of figure 5, for maps of 35 x 35; its 5 x 5 convolution is not yet split in two.

    Attributes:
      pool_features: channels of the pooled branch.
    """

    pool_features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Returns maps [n, h, w, 224 + pool_features] for maps [n, h, w, c]."""
        point = unit(x, "branch1x1", 64)
        large = unit(x, "branch5x5_1", 48)
        large = unit(large, "branch5x5_2", 64, (5, 5))
        double = unit(x, "branch3x3dbl_1", 64)
        double = unit(double, "branch3x3dbl_2", 96, (3, 3))
        double = unit(double, "branch3x3dbl_3", 96, (3, 3))
        pooled = unit(average_pool(x), "branch_pool", self.pool_features)
        return jnp.concatenate([point, large, double, pooled], -1)


class ReductionA(nn.Module):
    """The block of figure 10 that shrinks maps of 35 x 35 to 17 x 17."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Returns maps [n, (h - 1) // 2, (w - 1) // 2, 480 + c] for maps [n, h, w, c]."""
        single = unit(x, "branch3x3", 384, (3, 3), strides=2, padding="VALID")
        double = unit(x, "branch3x3dbl_1", 64)
        double = unit(double, "branch3x3dbl_2", 96, (3, 3))
        double = unit(double, "branch3x3dbl_3", 96, (3, 3), strides=2, padding="VALID")
        return jnp.concatenate([single, double, shrinking_max_pool(x)], -1)


class MixedB(nn.Module):
    """The block of figure 6 with n = 7, for maps of 17 x 17: convolutions of 7 x 7 as rows after columns.

    Attributes:
      features: channels inside the branches of 7 x 7.
    """

    features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Returns maps [n, h, w, 768] for maps [n, h, w, c]."""
        point = unit(x, "branch1x1", 192)
        single = unit(x, "branch7x7_1", self.features)
        single = unit(single, "branch7x7_2", self.features, (1, 7))
        single = unit(single, "branch7x7_3", 192, (7, 1))
        double = unit(x, "branch7x7dbl_1", self.features)
        double = unit(double, "branch7x7dbl_2", self.features, (7, 1))
        double = unit(double, "branch7x7dbl_3", self.features, (1, 7))
        double = unit(double, "branch7x7dbl_4", self.features, (7, 1))
        double = unit(double, "branch7x7dbl_5", 192, (1, 7))
        pooled = unit(average_pool(x), "branch_pool", 192)
        return jnp.concatenate([point, single, double, pooled], -1)


class ReductionB(nn.Module):
    """The block that shrinks maps of 17 x 17 to 8 x 8: figure 10 with a branch of 7 x 7 before one of 3 x 3."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Returns maps [n, (h - 1) // 2, (w - 1) // 2, 512 + c] for maps [n, h, w, c]."""
        single = unit(x, "branch3x3_1", 192)
        single = unit(single, "branch3x3_2", 320, (3, 3), strides=2, padding="VALID")
        large = unit(x, "branch7x7x3_1", 192)
        large = unit(large, "branch7x7x3_2", 192, (1, 7))
        large = unit(large, "branch7x7x3_3", 192, (7, 1))
        large = unit(large, "branch7x7x3_4", 192, (3, 3), strides=2, padding="VALID")
        return jnp.concatenate([single, large, shrinking_max_pool(x)], -1)


class MixedC(nn.Module):
    """The block of figure 7, for maps of 8 x 8, whose last convolutions stand side by side.

    Attributes:
      max_pooled: whether the pooled branch takes the largest value of a window instead of the mean, as the last block
        of the 2015 graph does, against the paper.
    """

    max_pooled: bool = False

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Returns maps [n, h, w, 2048] for maps [n, h, w, c]."""
        point = unit(x, "branch1x1", 320)
        single = unit(x, "branch3x3_1", 384)
        double = unit(x, "branch3x3dbl_1", 448)
        double = unit(double, "branch3x3dbl_2", 384, (3, 3))
        branches = [
            point,
            unit(single, "branch3x3_2a", 384, (1, 3)),
            unit(single, "branch3x3_2b", 384, (3, 1)),
            unit(double, "branch3x3dbl_3a", 384, (1, 3)),
            unit(double, "branch3x3dbl_3b", 384, (3, 1)),
        ]
        pooled = nn.max_pool(x, (3, 3), padding="SAME") if self.max_pooled else average_pool(x)
        return jnp.concatenate([*branches, unit(pooled, "branch_pool", 192)], -1)
