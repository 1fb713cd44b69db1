"""The Inception-v3 of the Inception score and the Fréchet Inception distance, weights and quirks included.

Szegedy et al. 2015, https://arxiv.org/abs/1512.00567, as the TensorFlow graph of 5 December 2015 has it: the network of
Salimans et al. 2016 (arXiv:1606.03498) and Heusel et al. 2017 (arXiv:1706.08500). It differs from later Inception-v3s
in its weights, in 1008 instead of 1000 logits, in a mean over windows that leaves padding out, in a maximum in the last
block where the paper has a mean, and in how it resizes. Numbers of another Inception-v3 compare with nobody's.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gengen.networks.inception_blocks import MixedA, MixedB, MixedC, ReductionA, ReductionB, shrinking_max_pool, unit
from gengen.networks.layers.dense import Dense

SIZE = 299
"""Height and width in pixels of the images that the network sees."""

FEATURES = 2048
"""Number of features."""

LOGITS = 1008
"""Number of logits: the 1000 classes of ImageNet and eight columns that stand for none."""


class InceptionOutput(NamedTuple):
    """What the network says of N images.

    Attributes:
      features: the last maps' means [N, 2048], float32: what the Fréchet and kernel Inception distances compare.
      logits: logits of the classes [N, 1008], float32, as the network was trained.
      logits_unbiased: the logits without their bias [N, 1008], float32. The authors' code of the Inception score
        (Salimans et al. 2016) multiplies the features by the last kernel and never adds the bias; so every published
        Inception score is of these.
    """

    features: jax.Array
    logits: jax.Array
    logits_unbiased: jax.Array


class Inception(nn.Module):
    """Inception-v3 of 2015, for inference; `inception_weights.variables_of` makes its variables from the public file.

    The computation is float32 throughout, on GPUs too, where XLA by itself would round factors to 10 bits.
    """

    @nn.compact
    def __call__(self, images: jax.Array) -> InceptionOutput:
        """Computes features and logits of images of any size.

        Args:
          images: [N, H, W, C], as `network_input` takes them.

        Raises:
          ValueError: `images` is no such array.
        """
        with jax.default_matmul_precision("float32"):
            features = self._maps(network_input(images)).mean((1, 2))
            logits = Dense(LOGITS, use_bias=False, name="fc")(features)
        bias = self.param("fc_bias", nn.initializers.zeros_init(), (LOGITS,), jnp.float32)
        return InceptionOutput(features, logits + lax.broadcast_in_dim(bias, logits.shape, (1,)), logits)

    def _maps(self, x: jax.Array) -> jax.Array:
        """The last maps [n, 8, 8, 2048] of images [n, 299, 299, 3] in [-1, 1]."""
        x = unit(x, "Conv2d_1a_3x3", 32, (3, 3), strides=2, padding="VALID")
        x = unit(x, "Conv2d_2a_3x3", 32, (3, 3), padding="VALID")
        x = unit(x, "Conv2d_2b_3x3", 64, (3, 3))
        x = shrinking_max_pool(x)
        x = unit(x, "Conv2d_3b_1x1", 80)
        x = unit(x, "Conv2d_4a_3x3", 192, (3, 3), padding="VALID")
        x = shrinking_max_pool(x)
        for name, pool_features in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
            x = MixedA(pool_features, name=name)(x)
        x = ReductionA(name="Mixed_6a")(x)
        for name, features in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
            x = MixedB(features, name=name)(x)
        x = ReductionB(name="Mixed_7a")(x)
        x = MixedC(name="Mixed_7b")(x)
        return MixedC(max_pooled=True, name="Mixed_7c")(x)


def network_input(images: jax.Array) -> jax.Array:
    """Makes images of any size what the network's first layer sees.

    Args:
      images: [N, H, W, C] with values from 0 to 255, uint8 or floating; one channel stands for three equal ones.

    Returns:
      [N, 299, 299, 3], float32, in [-1, 1): resized by `resize_like_tensorflow_1`, then (x - 128) / 128.

    Raises:
      ValueError: `images` is no such array.
    """
    if images.ndim != 4 or images.shape[3] not in (1, 3):
        raise ValueError(f"Inception takes images [n, height, width, 1 or 3], not an array of {images.shape}")
    x = (resize_like_tensorflow_1(images, (SIZE, SIZE)) - 128) / 128
    return lax.broadcast_in_dim(x, (*x.shape[:3], 3), (0, 1, 2, 3))


def resize_like_tensorflow_1(images: jax.Array, size: tuple[int, int]) -> jax.Array:
    """Resizes bilinearly by the rule of TensorFlow 1's `resize_bilinear` with `align_corners=False`.

    Pixel i of the result lies at i * old / new of the image, counted from its first pixel, and is interpolated between
    the two pixels around that place; past the last pixel, the last one is repeated. Nothing is averaged when the image
    shrinks. (Later rules count from the corner, at (i + 1/2) * old / new - 1/2, which shifts the result.)

    Args:
      images: [N, H, W, C], uint8 or floating.
      size: height and width in pixels of the result.

    Returns:
      [N, *size, C], float32.
    """
    x = images.astype(jnp.float32)
    for axis in (2, 1):  # TensorFlow's order
        low, high, weight = _neighbours(x.shape[axis], size[axis - 1])
        before, after = (jnp.take(x, place, axis, mode="clip") for place in (low, high))
        x = before + (after - before) * lax.broadcast_in_dim(weight, before.shape, (axis,))
    return x


def _neighbours(old: int, new: int) -> tuple[np.ndarray, np.ndarray, jax.Array]:
    """Which two pixels each of `new` pixels lies between, and how far from the first to the second, each [new]."""
    place = np.arange(new, dtype=np.float32) * np.float32(old / new)  # float32, as TensorFlow rounds it
    low = np.minimum(place.astype(np.int32), old - 1)
    return low, np.minimum(low + 1, old - 1), jnp.asarray(place - low.astype(np.float32))
