"""BigGAN's networks: Brock et al. 2019, https://arxiv.org/abs/1809.11096, appendix B.1.

Residual blocks, which double a map in the generator and halve it in the critic, and at one size of maps self-attention.
Each block of the generator has a chunk of the latent of its own, which with the embedding of the class says the scales
and biases of its batch normalisation. All kernels start orthogonal and are spectrally normalised.
"""

from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.critic import CriticNetwork, CriticOutput
from gengen.networks.doublings import doublings, widths
from gengen.networks.layers.conditional_norm import ConditionalNorm
from gengen.networks.layers.conv import Conv
from gengen.networks.layers.dense import Dense
from gengen.networks.layers.downsample import average_pooled
from gengen.networks.layers.norm import normalise, weigh
from gengen.networks.layers.self_attention import SelfAttention
from gengen.networks.layers.upsample import nearest
from gengen.values import Depth, Few, Range, Size

KERNEL_INIT = nn.initializers.orthogonal()


def in_chunks(latent: jax.Array, count: int) -> list[jax.Array]:
    """Splits latents [B, L] into so many chunks, all of the same length but the first, which also has what is left.

    Raises:
      ValueError: a chunk would be empty.
    """
    length = latent.shape[-1]
    if length < count:
        raise ValueError(f"latent={length} must be at least {count}: a number for the first layer and for each block")
    each = length // count
    return jnp.split(latent, [length - left * each for left in range(count - 1, 0, -1)], axis=-1)


def check_size_of_attention(attention: int, times: int) -> None:
    """Refuses attention at a size that maps do not have.

    Raises:
      ValueError: `attention` is not from 0 to `times`.
    """
    if not 0 <= attention <= times:
        raise ValueError(f"attention={attention} must be from 0 to {times}, as often as such an image is halved")


def _convolved(
    block: "UpwardBlock | DownwardBlock", x: jax.Array, train: bool, size: int = 3, bias: bool = False
) -> jax.Array:
    """Convolves x in a compact method of a block."""
    layer = Conv(block.width, (size, size), use_bias=bias, kernel_init=KERNEL_INIT, dtype=block.dtype)
    return weigh(layer, x, train, "spectral" if block.spectral else "none")


class UpwardBlock(nn.Module):
    """A residual block that doubles a map: figure 15 (b) of the paper.

    Its convolutions have no bias, because normalisation follows.

    Attributes:
      width: channels of the map that it makes.
      spectral, dtype: as in `Generator`.
    """

    width: int
    spectral: bool
    dtype: Any

    @nn.compact
    def __call__(self, x: jax.Array, told: jax.Array, train: bool) -> jax.Array:
        """Returns maps [B, 2h, 2w, width] of maps [B, h, w, c] and of what the block is told [B, F]."""
        y = nn.relu(ConditionalNorm(self.spectral, dtype=self.dtype)(x, told, train))
        y = _convolved(self, nearest(y), train)
        y = nn.relu(ConditionalNorm(self.spectral, dtype=self.dtype)(y, told, train))
        y = _convolved(self, y, train)
        return nearest(_convolved(self, x, train, size=1)) + y  # as to double first, at a quarter of the cost


class DownwardBlock(nn.Module):
    """A residual block of the critic: figure 15 (c) of the paper.

    Attributes:
      width: channels of the map that it makes.
      first: whether x is the image, which no activation comes before.
      halves: whether height and width are halved.
      spectral, dtype: as in `Generator`.
    """

    width: int
    first: bool
    halves: bool
    spectral: bool
    dtype: Any

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Returns maps [B, h / 2, w / 2, width], or [B, h, w, width], of maps [B, h, w, c]."""
        y = nn.relu(_convolved(self, x if self.first else nn.relu(x), train, bias=True))
        y = _convolved(self, y, train, bias=True)
        if self.halves:
            x, y = average_pooled(x), average_pooled(y)
        if self.halves or x.shape[-1] != self.width:
            x = _convolved(self, x, train, size=1, bias=True)
        return x + y


class Generator(nn.Module):
    """Turns latents into images.

    Attributes:
      shape: height, width and channels of an image.
      width: channels of the smallest maps; 16 times 96 in the paper.
      wide: how many sizes of maps have so many, the smallest ones; channels halve with each doubling beyond.
      attention: how often an image is halved until places of its maps attend to each other; 0 for no attention.
      spectral: whether kernels are spectrally normalised.
      told: how many numbers at the end of a latent are an embedding of what is asked for, which all blocks see.
      dtype: of maps, and to which factors of products are rounded; sums and parameters are float32.
    """

    shape: tuple[int, int, int]
    width: Size = 1536
    wide: Few = 2
    attention: Depth = 1
    spectral: bool = True
    told: Annotated[int, Range(0, 2**16)] = 0
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, latent: jax.Array, train: bool) -> jax.Array:
        """Makes images [B, H, W, C] in [-1, 1], float32, of latents [B, L].

        Raises:
          ValueError: such images cannot be reached, maps of the size that attends are not among those on the way, or
            a latent is too short to be split.
        """
        height, wide, channels = self.shape
        times, norm = doublings(height, wide), "spectral" if self.spectral else "none"
        check_size_of_attention(self.attention, times)
        small, *larger = widths(self.width, self.wide, times)
        noise, told = jnp.split(latent, [latent.shape[-1] - self.told], axis=-1)
        chunk, *chunks = in_chunks(noise, times + 1)
        places = height >> times, wide >> times
        layer = Dense(places[0] * places[1] * small, kernel_init=KERNEL_INIT, dtype=self.dtype)
        x = weigh(layer, chunk, train, norm).reshape(-1, *places, small).astype(self.dtype)
        for halvings, width, chunk in zip(range(times, 0, -1), larger, chunks, strict=True):
            if halvings == self.attention:
                x = SelfAttention(self.spectral, KERNEL_INIT, self.dtype)(x, train)
            x = UpwardBlock(width, self.spectral, self.dtype)(x, jnp.concatenate([told, chunk], -1), train)
        x = nn.relu(normalise(x, train, "batch", dtype=self.dtype))
        image = weigh(Conv(channels, (3, 3), kernel_init=KERNEL_INIT, dtype=self.dtype), x, train, norm)
        return jnp.tanh(image.astype(jnp.float32))


class Critic(CriticNetwork):
    """Halves an image until it is a small map, and weighs the sum over that map's places.

    Attributes:
      width, wide, attention, spectral, dtype: as in `Generator`.
    """

    width: Size = 1536
    wide: Few = 2
    attention: Depth = 1
    spectral: bool = True
    dtype: Any = jnp.float32

    @property
    def judges_alone(self) -> bool:
        """There is nothing by which images of a batch could influence each other."""
        return True

    @nn.compact
    def __call__(self, image: jax.Array, train: bool) -> CriticOutput:
        """Judges images [B, H, W, C].

        Raises:
          ValueError: such images cannot be halved, or maps of the size that attends are not among those on the way.
        """
        times = doublings(*image.shape[1:3])
        check_size_of_attention(self.attention, times)
        x = image.astype(self.dtype)
        for halvings, width in enumerate(reversed(widths(self.width, self.wide, times)), 1):
            first, halves = halvings == 1, halvings <= times
            x = DownwardBlock(width, first, halves, self.spectral, self.dtype)(x, train)
            if halves and halvings == self.attention:
                x = SelfAttention(self.spectral, KERNEL_INIT, self.dtype)(x, train)
        features = nn.relu(x).astype(jnp.float32).sum((1, 2))
        layer = Dense(1, kernel_init=KERNEL_INIT, dtype=self.dtype)
        logit = weigh(layer, features, train, "spectral" if self.spectral else "none")
        return CriticOutput(logit[:, 0], features)
