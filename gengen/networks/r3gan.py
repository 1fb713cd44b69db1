"""R3GAN's networks: Huang et al. 2024, https://arxiv.org/abs/2501.05441, section 4.

Residual blocks and what resamples between them, the same in generator and critic: no normalisation, no strides, no bias
but before an activation. A block widens a map by a 1 x 1 convolution, convolves it 3 x 3 in groups, and narrows it
again. Its last kernel starts at 0, and the other two smaller the more blocks there are: the deepest network starts as
one without blocks (Zhang et al. 2019, https://arxiv.org/abs/1901.09321). All other kernels are from N(0, 1 / fan-in).
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.critic import CriticNetwork, CriticOutput
from gengen.networks.doublings import doublings, widths
from gengen.networks.layers.conv import Conv
from gengen.networks.layers.dense import Dense
from gengen.networks.layers.downsample import bilinear_pooled
from gengen.networks.layers.upsample import bilinear
from gengen.values import Few, OneOf, Size

SLOPE = 0.2
"""Of the leaky ReLU below 0."""

KERNEL_INIT = nn.initializers.variance_scaling(1.0, "fan_in", "normal")

OUTPUTS = ("linear", "tanh")


def check_groups(width: int, expansion: int, group: int) -> None:
    """Refuses maps that do not fall into whole groups.

    Raises:
      ValueError: a number is below 1, or the channels of the wider map are no multiple of `group`.
    """
    for name, value in (("width", width), ("expansion", expansion), ("group", group)):
        if value < 1:
            raise ValueError(f"{name}={value} must be at least 1")
    if width * expansion % group:
        raise ValueError(
            f"group={group} must divide the {width * expansion} channels inside of the blocks on maps of {width}: "
            f"change it, width, wide or expansion"
        )


class Block(nn.Module):
    """Adds to a map what three convolutions make of it: 1 x 1, 3 x 3 in groups, 1 x 1.

    Attributes:
      expansion, group, dtype: as in `Generator`.
      all_blocks: of the whole network, L. The first two kernels, each before an activation, start with the variance
        that keeps that of a map, times 1 / sqrt(L).
    """

    expansion: int
    group: int
    all_blocks: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Returns maps [B, h, w, F] of maps [B, h, w, F].

        Raises:
          ValueError: the channels inside of the block do not fall into whole groups.
        """
        width = x.shape[-1]
        check_groups(width, self.expansion, self.group)
        inside = width * self.expansion
        kept = nn.initializers.variance_scaling(2 / (1 + SLOPE**2) / math.sqrt(self.all_blocks), "fan_in", "normal")
        y = Conv(inside, (1, 1), kernel_init=kept, dtype=self.dtype)(x)
        y = nn.leaky_relu(y, SLOPE)
        y = Conv(inside, (3, 3), groups=inside // self.group, kernel_init=kept, dtype=self.dtype)(y)
        y = nn.leaky_relu(y, SLOPE)
        return x + Conv(width, (1, 1), use_bias=False, kernel_init=nn.initializers.zeros_init(), dtype=self.dtype)(y)


def _layers(network: "Generator | Critic", times: int) -> tuple[Callable[[jax.Array], jax.Array], Callable[..., Any]]:
    """The blocks of one size of maps, and a 1 x 1 convolution; to be called in a compact method."""

    def blocks(x: jax.Array) -> jax.Array:
        for _ in range(network.blocks):
            x = Block(network.expansion, network.group, network.blocks * (times + 1), network.dtype)(x)
        return x

    return blocks, partial(Conv, kernel_size=(1, 1), use_bias=False, kernel_init=KERNEL_INIT, dtype=network.dtype)


class Generator(nn.Module):
    """Turns latents into images.

    A latent weighs the channels of a small map, which is learnt; the map doubles until it is as large as an image.

    Attributes:
      shape: height, width and channels of an image.
      width: channels of the smallest maps.
      wide: how many sizes of maps have so many, the smallest ones; channels halve with each doubling beyond. The paper
        has 768 channels up to 32 x 32 pixels, and halves above.
      blocks: residual blocks for each size of a map.
      expansion: how many times as many channels are inside of a block.
      group: channels of a group of its 3 x 3 convolution; 16 in the paper at any width.
      output: "linear" as in the paper, where nothing bounds images in training, or "tanh". Where most pixels are
        as dark as can be, as in drawings of digits, a critic knows linear samples by pixels that are nearly so.
      dtype: of maps, and to which factors of products are rounded; sums and parameters are float32.
    """

    shape: tuple[int, int, int]
    width: Size = 768
    wide: Few = 4
    blocks: Few = 2
    expansion: Few = 2
    group: Size = 16
    output: Annotated[str, OneOf(OUTPUTS)] = "linear"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, latent: jax.Array, train: bool) -> jax.Array:
        """Makes images [B, H, W, C], float32, of latents [B, L].

        In evaluation mode linear ones are cut off at -1 and 1.

        Raises:
          ValueError: such images cannot be reached, maps do not fall into whole groups, or `output` is unknown.
        """
        if self.output not in OUTPUTS:
            raise ValueError(f"output={self.output!r} must be one of {', '.join(OUTPUTS)}")
        height, wide, channels = self.shape
        times = doublings(height, wide)
        small, *larger = widths(self.width, self.wide, times)
        blocks, weigh = _layers(self, times)
        basis = self.param("basis", nn.initializers.normal(1.0), (height >> times, wide >> times, small))
        weights = Dense(small, use_bias=False, kernel_init=KERNEL_INIT, dtype=self.dtype)(latent)
        x = blocks((weights[:, None, None] * basis[None]).astype(self.dtype))
        for width in larger:
            x = weigh(width)(x) if width != x.shape[-1] else x
            x = blocks(bilinear(x))
        image = weigh(channels)(x).astype(jnp.float32)
        if self.output == "tanh":
            return jnp.tanh(image)
        return image if train else jnp.clip(image, -1, 1)


class Critic(CriticNetwork):
    """Halves an image until it is a small map, weighs its places channel by channel, then its channels.

    Attributes:
      width, wide, blocks, expansion, group, dtype: as in `Generator`.
    """

    width: Size = 768
    wide: Few = 4
    blocks: Few = 2
    expansion: Few = 2
    group: Size = 16
    dtype: Any = jnp.float32

    @property
    def judges_alone(self) -> bool:
        """There is nothing by which images of a batch could influence each other."""
        return True

    @nn.compact
    def __call__(self, image: jax.Array, train: bool) -> CriticOutput:
        """Judges images [B, H, W, C].

        Raises:
          ValueError: such images cannot be halved, or maps do not fall into whole groups.
        """
        del train
        times = doublings(*image.shape[1:3])
        *smaller, large = widths(self.width, self.wide, times)
        blocks, weigh = _layers(self, times)
        x = blocks(weigh(large)(image.astype(self.dtype)))
        for width in reversed(smaller):
            x = bilinear_pooled(x)
            x = blocks(weigh(width)(x) if width != x.shape[-1] else x)
        places = x.shape[1] * x.shape[2]
        basis = self.param("basis", nn.initializers.normal(1 / math.sqrt(places)), x.shape[1:])
        features = (x.astype(jnp.float32) * basis[None]).sum((1, 2))
        logit = Dense(1, use_bias=False, kernel_init=KERNEL_INIT, dtype=self.dtype)(features)
        return CriticOutput(logit[:, 0], features)
