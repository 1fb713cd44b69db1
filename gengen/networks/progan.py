"""The generator and the critic of progressive growing: networks of any number of levels, the last of them faded in.

Karras et al. 2018, https://arxiv.org/abs/1710.10196, figure 2 and table 2. Level 0 makes the smallest images; each
further one doubles them. How far both have grown is a number that they carry, and that training moves: at 2.3, level 3
has a share of 0.3 in images beside level 2. With levels beyond it, images are the same but larger, each pixel repeated.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.critic import CriticNetwork, CriticOutput
from gengen.networks.doublings import doublings, widths
from gengen.networks.layers.deviation import append_deviation, check_batch
from gengen.networks.layers.downsample import average_pooled
from gengen.networks.layers.equalised import GAIN, EqualisedConv, EqualisedDense, pixel_norm
from gengen.networks.layers.upsample import nearest
from gengen.values import Depth, Few, Size

GROWTH, NOW, LEVEL = "growth", "now", 2**16
"""The collection that says how far a network has grown, its one variable, and a level in units of that, int32.

A whole number stays out of averages of networks."""

LARGEST = 7
"""The longest that the shorter side of an image of level 0 may be."""

SLOPE = 0.2
"""Of the leaky ReLU."""


def share_of(growth: jax.Array, level: int) -> jax.Array:
    """The share [] of a level in images of that level, of the growth int32 []."""
    return jnp.clip(growth.astype(jnp.float32) / LEVEL - (level - 1), 0, 1)


def has_a_part(name: str, level: int) -> bool:
    """Whether the parameters of a name have a part in images of a level while that is faded in, or afterwards.

    Those of higher levels have none, nor have those that made images of levels further below than the last one.
    """
    own = max(int(part) for part in (*name.split("_"), "0") if part.isdigit())
    return own <= level and (own >= level - 1 or not name.startswith(("image", "maps")))


def faded(share: jax.Array, below: jax.Array, above: jax.Array) -> jax.Array:
    """What has a share [] of what is above, and else is what is below, in the dtype of both."""
    part = share.astype(above.dtype)
    return (1 - part) * below + part * above


class Generator(nn.Module):
    """Turns latents into images.

    Attributes:
      shape: height, width and channels of an image of the last level.
      width: channels of the smallest maps.
      wide: how many sizes of maps have so many, the smallest ones; channels halve with each doubling beyond.
      level: the last that is run, which training says; None for all.
      dtype: of maps, and to which factors of products are rounded; sums and parameters are float32.
    """

    shape: tuple[int, int, int]
    width: Size = 512
    wide: Few = 4
    level: Depth | None = None
    dtype: Any = jnp.float32

    @property
    def levels(self) -> int:
        """How often maps double up to the last level."""
        return doublings(*self.shape[:2])

    @nn.compact
    def __call__(self, latent: jax.Array, train: bool) -> jax.Array:
        """Makes images [B, h, w, C], float32, of latents [B, L]; in evaluation mode they are cut off at -1 and 1."""
        levels, growth = self.levels, self.variable(GROWTH, NOW, lambda: jnp.zeros((), jnp.int32)).value
        height, wide, channels = self.shape
        small, *larger = widths(self.width, self.wide, levels)

        def convolved(x: jax.Array, width: int, name: str) -> jax.Array:
            return pixel_norm(nn.leaky_relu(EqualisedConv(width, dtype=self.dtype, name=name)(x), SLOPE))

        def pixels(x: jax.Array, level: int) -> jax.Array:
            return EqualisedConv(channels, 1, gain=1.0, dtype=self.dtype, name=f"image_{level}")(x)

        first = height >> levels, wide >> levels
        x = EqualisedDense(first[0] * first[1] * small, GAIN / 4, self.dtype, name="first")(pixel_norm(latent))
        x = x.reshape(-1, *first, small).astype(self.dtype)
        x = convolved(pixel_norm(nn.leaky_relu(x, SLOPE)), small, "level_0")
        image = pixels(x, 0)
        for level, width in enumerate(larger[: self.level], 1):
            x = convolved(nearest(x), width, f"level_{level}_a")
            x = convolved(x, width, f"level_{level}_b")
            image = faded(share_of(growth, level), nearest(image), pixels(x, level))
        image = image.astype(jnp.float32)
        return image if train else jnp.clip(image, -1, 1)


class Critic(CriticNetwork):
    """Halves an image until it is a small map, and judges that.

    Attributes:
      width, wide, dtype: as in `Generator`.
      deviation: whether the last layers also see how much the images of a group differ.
    """

    width: Size = 512
    wide: Few = 4
    deviation: bool = True
    dtype: Any = jnp.float32

    @property
    def judges_alone(self) -> bool:
        """The deviation lets images of a group influence each other."""
        return not self.deviation

    @property
    def allows_gradient_penalties(self) -> bool:
        """An image's gradient has in it what it changes in the logits of its group, as in the authors' code."""
        return True

    @nn.compact
    def __call__(self, image: jax.Array, train: bool) -> CriticOutput:
        """Judges images [B, h, w, C]."""
        if self.deviation and train:
            check_batch(len(image))
        growth = self.variable(GROWTH, NOW, lambda: jnp.zeros((), jnp.int32)).value
        level = doublings(*image.shape[1:3]) if min(image.shape[1:3]) > LARGEST else 0
        channels = widths(self.width, self.wide, level)

        def convolved(x: jax.Array, width: int, name: str) -> jax.Array:
            return nn.leaky_relu(EqualisedConv(width, dtype=self.dtype, name=name)(x), SLOPE)

        def maps(image: jax.Array, level: int) -> jax.Array:
            layer = EqualisedConv(channels[level], 1, dtype=self.dtype, name=f"maps_{level}")
            return nn.leaky_relu(layer(image), SLOPE)

        image = image.astype(self.dtype)
        x = maps(image, level)
        for above in range(level, 0, -1):
            x = convolved(convolved(x, channels[above], f"level_{above}_a"), channels[above - 1], f"level_{above}_b")
            x, image = average_pooled(x), average_pooled(image)
            x = faded(share_of(growth, above), maps(image, above - 1), x)
        x = convolved(append_deviation(x) if self.deviation else x, channels[0], "level_0").reshape(len(x), -1)
        features = nn.leaky_relu(EqualisedDense(channels[0], dtype=self.dtype, name="features")(x), SLOPE)
        logit = EqualisedDense(1, gain=1.0, dtype=self.dtype, name="logit")(features)
        return CriticOutput(logit[:, 0].astype(jnp.float32), features.astype(jnp.float32))
