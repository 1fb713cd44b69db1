"""The PatchGAN critic of pix2pix: Isola et al. 2017, https://arxiv.org/abs/1611.07004, section 3.3, appendix 6.1.2.

It judges every patch of an image by itself: a small network, run over the image as a convolution, gives a map of logits
instead of one. Weights are from N(0, 0.02), scales of batch normalisation from N(1, 0.02), as in the authors' code.
"""

from functools import partial
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.critic import CriticNetwork, CriticOutput
from gengen.networks.layers.conv import Conv
from gengen.networks.layers.norm import NORMS_OF_ACTIVATIONS, NORMS_OF_MAPS, check_norm, near_one, normalise, weigh
from gengen.values import OneOf, Range, Size

KERNEL_INIT = nn.initializers.normal(0.02)


def _convolutions(layers: int) -> list[tuple[int, int]]:
    """Kernel and stride of every convolution, the last of which makes the logits."""
    if layers < 0:
        raise ValueError(f"layers={layers} must be at least 0")
    return [(4, 2)] * layers + [(4, 1)] * 2 if layers else [(1, 1)] * 3


def _check_size(height: int, width: int, layers: int) -> None:
    # Each halving rounds down, and each of the two last convolutions takes one pixel away.
    smallest = 3 * 2**layers
    side = min(height, width)
    if layers and side < smallest:
        fits = max((side // 3).bit_length() - 1, 0)
        raise ValueError(
            f"layers={layers} needs images of at least {smallest} x {smallest} pixels, not {height} x {width}; "
            f"try layers={fits}"
        )


class Critic(CriticNetwork):
    """Judges the patches of an image.

    `layers` convolutions of 4 x 4 in steps of 2, two more in steps of 1, the last of which makes the logits; all pad
    one pixel on every side, and leaky ReLU of slope 0.2 follows all but the last. Without layers, all three
    convolutions are 1 x 1, and each pixel is judged by itself (the paper's PixelGAN).

    Attributes:
      width: channels of the first hidden map; they double from layer to layer, up to 8 times as many.
      layers: convolutions in steps of 2. A logit judges a patch of 1, 16, 34, 70, 142 or 286 pixels on each side with
        0 to 5 layers; 3 are the paper's.
      norm: normalisation, one of `NORMS_OF_MAPS`: "batch" (the paper's), "layer" and "instance" follow each convolution
        but the first and the last, "spectral" is of every convolution. With "batch", "layer" and "instance", a logit
        knows mean and variance of what lies outside of its patch.
      dtype: of maps, and to which factors of products are rounded; sums and parameters are float32.
    """

    width: Size = 64
    layers: Annotated[int, Range(0, 16)] = 3
    norm: Annotated[str, OneOf(NORMS_OF_MAPS)] = "batch"
    dtype: Any = jnp.float32

    @property
    def judges_alone(self) -> bool:
        """Batch normalisation lets images of a batch influence each other."""
        return self.norm != "batch"

    @nn.compact
    def __call__(self, image: jax.Array, train: bool) -> CriticOutput:
        """Judges images [B, H, W, C] in [-1, 1].

        Returns:
          Logits [B, h, w], one for each patch: h is H / 2^layers, rounded down, less 2, so 30 x 30 for 256 x 256 and 3
          layers, and H without layers. Features [B, F] are the means over all places of the last hidden map.

        Raises:
          ValueError: `width` is below 1 or `layers` below 0, `norm` is unknown, or the image is too small for so many
            layers; the sentence says how many fit.
        """
        if self.width < 1:
            raise ValueError(f"width={self.width} must be at least 1")
        check_norm(self.norm, NORMS_OF_MAPS)
        *hidden, last = _convolutions(self.layers)
        _check_size(image.shape[1], image.shape[2], self.layers)
        x = image.astype(self.dtype)
        for place, sizes in enumerate(hidden):
            normalised = place > 0 and self.norm in NORMS_OF_ACTIVATIONS
            layer = self._convolution(self.width << min(place, 3), *sizes)
            x = weigh(layer(use_bias=not normalised), x, train, self.norm)
            if normalised:
                x = normalise(x, train, self.norm, scale_init=near_one, dtype=self.dtype)
            x = nn.leaky_relu(x, 0.2)
        logit = weigh(self._convolution(1, *last)(use_bias=True), x, train, self.norm)
        return CriticOutput(logit[..., 0].astype(jnp.float32), x.astype(jnp.float32).mean((1, 2)))

    def _convolution(self, features: int, kernel: int, stride: int) -> partial[Conv]:
        padding = 1 if kernel > 1 else 0
        size = (kernel, kernel)
        return partial(Conv, features, size, strides=stride, padding=padding, kernel_init=KERNEL_INIT, dtype=self.dtype)
