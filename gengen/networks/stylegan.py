"""StyleGAN's networks: a mapping makes styles of latents, and styles say what each layer of a generator draws.

Karras et al. 2019, https://arxiv.org/abs/1812.04948, with styles as means and deviations of maps ("instance"), and
Karras et al. 2020, https://arxiv.org/abs/1912.04958, with styles as scales of kernels ("weights"). The generator starts
from a map that is learnt, which doubles up to the size of an image, and each convolution adds noise of its own.
"""

import math
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from gengen.core.parallel import replica_mean
from gengen.networks.critic import CriticNetwork, CriticOutput
from gengen.networks.doublings import doublings, widths
from gengen.networks.layers.dense import add_bias
from gengen.networks.layers.deviation import append_deviation, check_batch
from gengen.networks.layers.equalised import EqualisedConv, EqualisedDense, ModulatedConv, pixel_norm
from gengen.networks.layers.norm import InstanceNorm
from gengen.networks.layers.upsample import bilinear
from gengen.values import Decay, Depth, Few, OneOf, Positive, Size

SLOPE, GAIN = 0.2, math.sqrt(2)
"""Of the leaky ReLU, and by what it is multiplied, so that a mean square of 1 about stays one."""

MODULATIONS = ("weights", "instance")
"""How styles act: of the second version, and of the first."""

JOINS = ("skip", "residual", "plain")
"""How sizes of maps are joined: by the sum of an image of each, by residual blocks, or one after the other."""

CENTRE, MEAN = "centre", "mean"
"""The collection that says around which style all lie, and its one variable."""


def activated(x: jax.Array) -> jax.Array:
    """The leaky ReLU of x, times `GAIN`."""
    active: jax.Array = nn.leaky_relu(x, SLOPE) * x.dtype.type(GAIN)
    return active


class Mapping(nn.Module):
    """Turns latents into styles, and carries the mean of those: Karras et al. 2019, section 2.

    Attributes:
      width: numbers of a style, and units of each layer.
      depth: layers.
      rate: how fast they learn beside other networks.
      decay: what is kept of the mean style with each pass.
      dtype: to which factors of products are rounded; sums and parameters are float32.
    """

    width: Size = 512
    depth: Depth = 8
    rate: Positive = 0.01
    decay: Decay = 0.995
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, latent: jax.Array, train: bool) -> jax.Array:
        """Makes styles [B, W] of latents [B, L], float32; in training mode the mean moves, with `AXIS` bound."""
        x = pixel_norm(latent)
        for _ in range(self.depth):
            x = activated(EqualisedDense(self.width, gain=1.0, rate=self.rate, dtype=self.dtype)(x))
        mean = self.variable(CENTRE, MEAN, jnp.zeros, x.shape[1:], jnp.float32)
        if train and not self.is_initializing():
            now = replica_mean(lax.stop_gradient(x).mean(0))
            mean.value = self.decay * mean.value + (1 - self.decay) * now
        return x


class Styled(nn.Module):
    """A convolution that is told a style, adds noise, and is followed by a leaky ReLU.

    Attributes:
      features: channels of the output.
      modulation: one of `MODULATIONS`.
      doubles: whether height and width are doubled.
      convolves: whether there is a convolution; the first version has none before its first style.
      dtype: of maps.
    """

    features: int
    modulation: str
    doubles: bool = False
    convolves: bool = True
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, style: jax.Array, noise: jax.Array | None) -> jax.Array:
        """Maps [B, h, w, c] by styles [B, W] and noise [B, h', w', 1] to maps [B, h', w', features]."""
        by_weights = self.modulation == "weights"
        if by_weights:
            scales = EqualisedDense(x.shape[-1], gain=1.0, start=1.0, dtype=self.dtype, name="style")(style)
            x = ModulatedConv(self.features, dtype=self.dtype, doubles=self.doubles, name="conv")(x, scales)
        elif self.convolves:
            x = EqualisedConv(self.features, gain=1.0, dtype=self.dtype, use_bias=False, name="conv")(
                bilinear(x) if self.doubles else x
            )
        if noise is not None:
            strength = self.param("noise", nn.initializers.zeros, (1 if by_weights else self.features,), jnp.float32)
            x = x + (noise * strength[None, None, None]).astype(x.dtype)
        bias = self.param("bias", nn.initializers.zeros, (self.features,), jnp.float32)
        x = activated(add_bias(x, bias.astype(x.dtype)))
        if by_weights:
            return x
        told = EqualisedDense(2 * self.features, gain=1.0, dtype=self.dtype, name="style")(style)[:, None, None]
        scale, shift = jnp.split(told.astype(x.dtype), 2, -1)
        return InstanceNorm()(x) * (1 + scale) + shift


class Generator(nn.Module):
    """Turns styles and noise into images.

    Attributes:
      shape: height, width and channels of an image.
      width: channels of the smallest maps.
      wide: how many sizes of maps have so many, the smallest ones; channels halve with each doubling beyond.
      modulation: how styles act, one of `MODULATIONS`.
      join: how sizes of maps are joined, one of `JOINS`; with "instance" the largest alone makes the image.
      noise: whether layers add noise.
      dtype: of maps, and to which factors of products are rounded; sums and parameters are float32.
    """

    shape: tuple[int, int, int]
    width: Size = 512
    wide: Few = 4
    modulation: Annotated[str, OneOf(MODULATIONS)] = "weights"
    join: Annotated[str, OneOf(JOINS)] = "skip"
    noise: bool = True
    dtype: Any = jnp.float32

    @property
    def styles(self) -> int:
        """How many styles an image is made of, those of coarse things first."""
        return 2 * doublings(*self.shape[:2]) + 2

    @nn.compact
    def __call__(self, styles: jax.Array, keys: jax.Array, train: bool) -> jax.Array:
        """Makes images [B, h, w, C], float32, of styles [B, K, W] and noise of typed keys [B].

        In evaluation mode they are cut off at -1 and 1.

        Raises:
          ValueError: such images cannot be reached, or a name is unknown.
        """
        for name, value, known in (("modulation", self.modulation, MODULATIONS), ("join", self.join, JOINS)):
            if value not in known:
                raise ValueError(f"{name}={value!r} must be one of {', '.join(known)}")
        height, wide = self.shape[:2]
        levels, later = doublings(height, wide), self.modulation == "instance"
        sizes, first = widths(self.width, self.wide, levels), (height >> levels, wide >> levels)

        noises = self._noises(keys, first, levels) if self.noise else None

        def layer(x: jax.Array, level: int, place: int, name: str) -> jax.Array:
            grows, own = level > 0 and name == "a", f"level_{level}_{name}"
            styled = Styled(sizes[level], self.modulation, grows, level > 0 or name == "b", self.dtype, name=own)
            noise = noises[level][..., "ab".index(name), None] if noises else None
            return styled(x, styles[:, place], noise)

        basis = self.param("constant", nn.initializers.normal(1.0), (*first, sizes[0]), jnp.float32)
        x = jnp.broadcast_to(basis[None], (len(styles), *basis.shape)).astype(self.dtype)
        image = None
        for level in range(levels + 1):
            below, place = x, 2 * level + later  # of the second convolution: the first version's constant has a style
            if level or later:
                x = layer(x, level, place - 1, "a")
            x = layer(x, level, place, "b")
            if level and self.join == "residual":
                x = (x + bilinear(self._narrowed(below, sizes[level], level))) * x.dtype.type(math.sqrt(0.5))
            if level == levels or self.join == "skip":
                made = self._pixels(x, styles[:, 2 * level + 1], level)
                image = made if image is None else bilinear(image) + made
        assert image is not None
        image = image.astype(jnp.float32)
        return image if train else jnp.clip(image, -1, 1)

    def _noises(self, keys: jax.Array, first: tuple[int, int], levels: int) -> list[jax.Array]:
        """Noise of each size of maps for its two layers [B, h, w, 2], of keys [B]; N(0, 1)."""
        shapes = [(first[0] << level, first[1] << level, 2) for level in range(levels + 1)]
        sizes = [math.prod(shape) for shape in shapes]
        drawn = jax.vmap(lambda key: jax.random.normal(key, (sum(sizes),)))(keys)
        drawn = lax.optimization_barrier(
            drawn
        )  # or XLA:CPU draws it anew where it is used, which takes long to compile
        starts = [sum(sizes[:level]) for level in range(levels + 1)]
        return [
            drawn[:, start : start + size].reshape(-1, *shape)
            for start, size, shape in zip(starts, sizes, shapes, strict=True)
        ]

    def _narrowed(self, x: jax.Array, width: int, level: int) -> jax.Array:
        return EqualisedConv(width, 1, gain=1.0, dtype=self.dtype, use_bias=False, name=f"past_{level}")(x)

    def _pixels(self, x: jax.Array, style: jax.Array, level: int) -> jax.Array:
        """An image of maps; in the second version a style says by which channels."""
        channels, name = self.shape[2], f"image_{level}"
        if self.modulation == "instance":
            return EqualisedConv(channels, 1, gain=1.0, dtype=self.dtype, name=name)(x)
        scales = EqualisedDense(x.shape[-1], gain=1.0, start=1.0, dtype=self.dtype, name=f"{name}_style")(style)
        image = ModulatedConv(channels, 1, dtype=self.dtype, demodulates=False, name=name)(x, scales)
        bias = self.param(f"{name}_bias", nn.initializers.zeros, (channels,), jnp.float32)
        return add_bias(image, bias.astype(image.dtype))


class Critic(CriticNetwork):
    """Halves an image until it is a small map, and judges that: Karras et al. 2020, section 4.1.

    Attributes:
      width, wide, dtype: as in `Generator`.
      join: "residual" as in the second version, or "plain".
      deviation: whether the last layers also see how much the images of a group differ.
    """

    width: Size = 512
    wide: Few = 4
    join: Annotated[str, OneOf(JOINS[1:])] = "residual"
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
        """Judges images [B, h, w, C].

        Raises:
          ValueError: such images cannot be halved, groups are of one image, or `join` is unknown.
        """
        if self.join not in JOINS[1:]:
            raise ValueError(f"join={self.join!r} must be one of {', '.join(JOINS[1:])}")
        if self.deviation and train:
            check_batch(len(image))
        levels = doublings(*image.shape[1:3])
        sizes = widths(self.width, self.wide, levels)

        def convolved(x: jax.Array, width: int, name: str, size: int = 3, *, halves: bool = False) -> jax.Array:
            return activated(EqualisedConv(width, size, 1.0, self.dtype, halves, name=name)(x))

        x = convolved(image.astype(self.dtype), sizes[levels], "image", 1)
        for level in range(levels, 0, -1):
            above = x
            x = convolved(x, sizes[level], f"level_{level}_a")
            x = convolved(x, sizes[level - 1], f"level_{level}_b", halves=True)
            if self.join == "residual":
                past = EqualisedConv(sizes[level - 1], 1, 1.0, self.dtype, True, use_bias=False, name=f"past_{level}")
                x = (x + past(above)) * x.dtype.type(math.sqrt(0.5))
        x = convolved(append_deviation(x) if self.deviation else x, sizes[0], "level_0").reshape(len(x), -1)
        features = activated(EqualisedDense(sizes[0], gain=1.0, dtype=self.dtype, name="features")(x))
        logit = EqualisedDense(1, gain=1.0, dtype=self.dtype, name="logit")(features)
        return CriticOutput(logit[:, 0].astype(jnp.float32), features.astype(jnp.float32))
