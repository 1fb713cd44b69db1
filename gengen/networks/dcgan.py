"""DCGAN's networks: Radford, Metz and Chintala 2016, https://arxiv.org/abs/1511.06434, section 3.

No pooling and no hidden dense layers: strides shrink and grow the maps. Batch normalisation everywhere but at the
generator's output and the critic's input; ReLU in the generator, leaky ReLU of slope 0.2 in the critic; weights from
N(0, 0.02), scales of the normalisation from N(1, 0.02), as the authors' code has them.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.layers.conv import Conv
from gengen.networks.layers.norm import BatchNorm
from gengen.networks.layers.upsample import Upsample

KERNEL_INIT = nn.initializers.normal(0.02)


def _scale_init(key: jax.Array, shape: Any, dtype: Any = jnp.float32) -> jax.Array:
    return 1 + 0.02 * jax.random.normal(key, shape, dtype)


def doublings(height: int, width: int) -> int:
    """How often a map doubles on its way to an image of height x width, from a shorter side of 4 to 7 pixels.

    Raises:
      ValueError: the image cannot be reached; the sentence says which sizes near it can.
    """
    times = max(min(height, width) // 4, 1).bit_length() - 1
    step = 2**times
    if times == 0 or height % step or width % step:
        step = max(step, 2)
        near = " x ".join(str(max(round(side / step), 4) * step) for side in (height, width))
        raise ValueError(
            f"resolution={height} x {width} cannot be reached: DCGAN doubles a map of at least 4 x 4 pixels, "
            f"so try {near}"
        )
    return times


def check_width(width: int) -> None:
    """Refuses maps without channels.

    Raises:
      ValueError: `width` is below 1.
    """
    if width < 1:
        raise ValueError(f"width={width} must be at least 1")


class Generator(nn.Module):
    """Projects latents to a small map and doubles it until it is an image.

    Attributes:
      shape: height, width and channels of an image.
      width: channels of the largest hidden map; they double as the map halves.
      upsample: how a map doubles, one of `UPSAMPLINGS`; the paper's is "transposed".
      dtype: dtype of the computation; parameters are float32.
    """

    shape: tuple[int, int, int]
    width: int = 64
    upsample: str = "transposed"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, latent: jax.Array, train: bool) -> jax.Array:
        """Returns images [B, H, W, C] in [-1, 1], float32, for latents [B, L]."""
        check_width(self.width)
        height, width, channels = self.shape
        times = doublings(height, width)
        small = (height >> times, width >> times, self.width << (times - 1))

        def norm_relu(x: jax.Array) -> jax.Array:
            return nn.relu(BatchNorm(momentum=0.9, scale_init=_scale_init, dtype=self.dtype)(x, train))

        features = small[0] * small[1] * small[2]
        x = nn.Dense(features, use_bias=False, kernel_init=KERNEL_INIT, dtype=self.dtype)(latent.astype(self.dtype))
        x = norm_relu(x.reshape(-1, *small))
        for place in reversed(range(1, times)):
            x = norm_relu(self._double(self.width << (place - 1), use_bias=False)(x))
        x = self._double(channels, use_bias=True)(x)
        return jnp.tanh(x.astype(jnp.float32))

    def _double(self, features: int, *, use_bias: bool) -> Upsample:
        return Upsample(
            features=features, method=self.upsample, use_bias=use_bias, kernel_init=KERNEL_INIT, dtype=self.dtype
        )


class Critic(nn.Module):
    """Halves an image until it is a small map, then weighs that map into one number.

    Attributes:
      width: channels of the first map; they double as the map halves.
      dtype: dtype of the computation; parameters are float32.
    """

    width: int = 64
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array, train: bool) -> jax.Array:
        """Returns logits [B], float32, for images [B, H, W, C] in [-1, 1]."""
        check_width(self.width)
        x = image.astype(self.dtype)
        for place in range(doublings(*image.shape[1:3])):
            first = place == 0
            x = Conv(
                features=self.width << place,
                kernel_size=(4, 4),
                strides=(2, 2),
                use_bias=first,
                kernel_init=KERNEL_INIT,
                dtype=self.dtype,
            )(x)
            if not first:
                x = BatchNorm(momentum=0.9, scale_init=_scale_init, dtype=self.dtype)(x, train)
            x = nn.leaky_relu(x, 0.2)
        # A convolution that covers the whole map is a dense layer.
        logit = nn.Dense(1, kernel_init=KERNEL_INIT, dtype=self.dtype)(x.reshape(x.shape[0], -1))
        return logit[:, 0].astype(jnp.float32)
