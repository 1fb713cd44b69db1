"""CycleGAN's generator: Zhu et al. 2017, https://arxiv.org/abs/1703.10593, appendix 7.2.

The network of Johnson et al. 2016, https://arxiv.org/abs/1603.08155, with instance normalisation: a wide convolution,
halvings, residual blocks, doublings, a wide convolution. Weights are from N(0, 0.02).
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.layers.conv import Conv, ConvTranspose
from gengen.networks.layers.norm import NORMS_OF_ACTIVATIONS, NORMS_OF_TRANSLATORS, check_norm, near_one, normalise
from gengen.networks.layers.padding import pad_to_multiple, reflect
from gengen.networks.layers.upsample import Upsample, Upsampling
from gengen.values import Depth, OneOf, Range, Size

KERNEL_INIT = nn.initializers.normal(0.02)


class Translator(nn.Module):
    """Turns images of one domain into images of another, without noise.

    A convolution of `kernel` x `kernel`, `halvings` of 3 x 3 in steps of 2 that double the channels, residual blocks of
    two 3 x 3 convolutions each, as many doublings, and a convolution of `kernel` x `kernel` with a hyperbolic tangent.
    Normalisation and ReLU follow every convolution but the last, and no ReLU the second one of a block. Borders are
    reflections, but those of the halvings, which are zeros, as in the authors' code; see `reflect` for maps too small
    for that.

    Attributes:
      channels: of the images made.
      width: channels of the largest hidden map; they double as the map halves.
      blocks: residual blocks; the paper has 9 for images of 256 x 256, and 6 for 128 x 128.
      halvings: how often the map halves. Images whose sides are no multiples of 2^halvings get a border, which the
        result is cropped of.
      kernel: side of the first and the last kernel, odd; 3 or 5 suits small images.
      norm: normalisation, one of `NORMS_OF_TRANSLATORS`.
      upsample: how a map doubles, one of `layers.upsample.METHODS`. "transposed" is the paper's 3 x 3 transposed
        convolution in steps of 2 here, where others take 4 x 4.
      dtype: of maps, and to which factors of products are rounded; sums and parameters are float32.
    """

    channels: int
    width: Size = 64
    blocks: Depth = 9
    halvings: Annotated[int, Range(0, 8)] = 2
    kernel: Annotated[int, Range(1, 99)] = 7
    norm: Annotated[str, OneOf(NORMS_OF_TRANSLATORS)] = "instance"
    upsample: Upsampling = "transposed"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array, keys: jax.Array | None, train: bool) -> jax.Array:
        """Translates images.

        Args:
          image: [B, H, W, C] in [-1, 1], of any size.
          keys: what would drive noise; there is none, so they are ignored.
          train: whether batch normalisation uses the statistics of this batch.

        Returns:
          Images [B, H, W, channels] in [-1, 1], float32.

        Raises:
          ValueError: a number is out of range, `norm` or `upsample` is unknown, or the map between the halvings and the
            doublings has a single place, of which instance normalisation would leave nothing.
        """
        del keys
        self._check()
        x, crop = pad_to_multiple(image.astype(self.dtype), 2**self.halvings)
        first = partial(Conv, self.width, (self.kernel, self.kernel), padding="VALID")
        x = nn.relu(self._layer(first, reflect(x, self.kernel // 2), train))
        for place in range(1, self.halvings + 1):
            down = partial(Conv, self.width << place, (3, 3), strides=2, padding=1)
            x = nn.relu(self._layer(down, x, train))
        three = partial(Conv, x.shape[-1], (3, 3), padding="VALID")
        for _ in range(self.blocks):
            y = nn.relu(self._layer(three, reflect(x, 1), train))
            x = x + self._layer(three, reflect(y, 1), train)
        for place in reversed(range(self.halvings)):
            x = nn.relu(self._layer(self._double(self.width << place), x, train))
        # In steps of 1 a transposed convolution is a plain one. On CPUs it multiplies before it gathers, which is far
        # less to hold where an image of few channels is made.
        last = partial(ConvTranspose, self.channels, (self.kernel, self.kernel), padding=0)
        x = last(kernel_init=KERNEL_INIT, dtype=self.dtype)(reflect(x, self.kernel // 2))
        return jnp.tanh(crop(x).astype(jnp.float32))

    def _check(self) -> None:
        least = {"channels": 1, "width": 1, "blocks": 0, "halvings": 0}
        given = {"channels": self.channels, "width": self.width, "blocks": self.blocks, "halvings": self.halvings}
        for name, value in given.items():
            if value < least[name]:
                raise ValueError(f"{name}={value} must be at least {least[name]}")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"kernel={self.kernel} must be odd, such as 3, 5 or 7")
        check_norm(self.norm, NORMS_OF_TRANSLATORS)

    def _double(self, features: int) -> Callable[..., nn.Module]:
        if self.upsample == "transposed":
            return partial(ConvTranspose, features, (3, 3), strides=2)
        return partial(Upsample, features, self.upsample)

    def _layer(self, layer: Callable[..., nn.Module], x: jax.Array, train: bool) -> jax.Array:
        use_bias = self.norm not in NORMS_OF_ACTIVATIONS
        x = layer(use_bias=use_bias, kernel_init=KERNEL_INIT, dtype=self.dtype)(x)
        return normalise(x, train, self.norm, scale_init=near_one, dtype=self.dtype)
