"""Pairs of images to learn a translation from: what the data hold, or what a pure transform makes of one image.

Of an image b, the transforms make an image a that says less; a model learns the way back. An a of one image is always
as high and wide as b and may have other channels; the last one may be an alpha, as in pictures with transparency: 1
where b is seen and -1 where it is hidden. Left as it is (grey repeated as colour, without alpha), a is also the
trivial answer that a model has to beat: the grey picture, the bicubic enlargement, the hole in the mean colour around.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from gengen.core.model import Batch
from gengen.models.autoencoders.corruption import Noise, gaussian
from gengen.values import OneOf, Positive, Range

Transform = Callable[[jax.Array, jax.Array], jax.Array]
"""`(keys [B], images [B, H, W, C] in [-1, 1]) -> images [B, H, W, C']`."""

LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in brightness: ITU-R BT.601."""

SOBEL = ((1.0, 2.0, 1.0), (1.0, 0.0, -1.0))
"""The filter that looks for edges, as a product of a smoothing and a difference: Sobel and Feldman 1968."""


class Pairing(NamedTuple):
    """How the pairs of a batch come about.

    Attributes:
      transform: what makes a of b; None where the data hold both.
      channels: of an a, without its alpha; 0 for as many as b has.
      alpha: whether an a has an alpha.
      reverse: whether the data's second picture is b; the first one is by default.
    """

    transform: Transform | None
    channels: int = 0
    alpha: bool = False
    reverse: bool = False

    def shapes(self, image: tuple[int, ...], paired: int) -> dict[str, tuple[int, ...]]:
        """Height, width and channels of both domains.

        Args:
          image: those of the data's images.
          paired: channels of the data's second pictures; 0 where there are none.

        Raises:
          ValueError: the data hold no pairs, and nothing makes them.
        """
        if self.transform:
            return {"a": (*image[:-1], (self.channels or image[-1]) + self.alpha), "b": image}
        if not paired:
            raise ValueError("name='given' needs data that hold pairs, and these have none")
        second = (*image[:-1], paired)
        return {"a": image, "b": second} if self.reverse else {"a": second, "b": image}

    def of(self, keys: jax.Array, batch: Batch) -> tuple[jax.Array, jax.Array]:
        """The pairs of a batch, (a [B, H, W, C], b [B, H, W, C']), in [-1, 1].

        Args:
          keys: of the examples [B].
          batch: "data" [B, H, W, C] in [-1, 1], and "paired" where the data hold pairs.
        """
        image = batch["data"]
        if self.transform:
            return self.transform(keys, image), image
        second = batch["paired"]
        return (image, second) if self.reverse else (second, image)

    def picture(self, a: jax.Array) -> jax.Array:
        """The picture in an a [B, H, W, C], without its alpha."""
        return a[..., :-1] if self.alpha else a

    def kept(self, a: jax.Array, made: jax.Array) -> jax.Array:
        """What was made of an a, images [B, H, W, C], but as in a where its alpha says that b is seen."""
        if not self.alpha:
            return made
        seen = (a[..., -1:] + 1) / 2
        return seen * self.picture(a) + (1 - seen) * made


def given(*, reverse: bool = False) -> Pairing:
    """The pairs that the data hold, from the second picture to the first one, or the other way round.

    Args:
      reverse: whether it is the other way round.
    """
    return Pairing(None, reverse=reverse)


def grey(*, channels: Annotated[int, OneOf((1,))] = 1) -> Pairing:
    """Grey to colour: Zhang et al. 2016, https://arxiv.org/abs/1603.08511, ask for the same of Lab colours.

    Args:
      channels: of the grey picture; 1.
    """
    if channels != 1:
        raise ValueError(f"channels={channels} of a grey picture must be 1")
    return Pairing(lambda keys, image: luma(image), channels)


def low_resolution(*, factor: Annotated[int, Range(2, 2**14)] = 4) -> Pairing:
    """A picture shrunk by a factor, each pixel the mean of a square, and enlarged again by bicubic interpolation.

    Args:
      factor: by which height and width shrink; it must divide both.

    Raises:
      ValueError: `factor` is below 2.
    """
    if factor < 2:
        raise ValueError(f"factor={factor} must be at least 2")

    def transform(keys: jax.Array, image: jax.Array) -> jax.Array:
        del keys
        size, height, width, channels = image.shape
        if height % factor or width % factor:
            raise ValueError(f"factor={factor} must divide the height and width of the images, {height} x {width}")
        small = image.reshape(size, height // factor, factor, width // factor, factor, channels).mean((2, 4))
        return jnp.clip(jax.image.resize(small, image.shape, "bicubic"), -1, 1)

    return Pairing(transform)


def masked(*, share: Annotated[float, Range(0, 1, above=True, below=True)] = 0.375, centred: bool = False) -> Pairing:
    """A picture with a rectangular hole, filled with the mean colour of what is left, and an alpha that says where.

    Pathak et al. 2016 (context encoders), https://arxiv.org/abs/1604.07379, section 3.3: the central square is hidden,
    or blocks elsewhere.

    Args:
      share: of the hole in the height and in the width.
      centred: whether the hole is always in the middle; anywhere inside by default, as likely here as there.

    Raises:
      ValueError: `share` lies outside of (0, 1).
    """
    if not 0 < share < 1:
        raise ValueError(f"share={share} must lie in (0, 1)")

    def transform(keys: jax.Array, image: jax.Array) -> jax.Array:
        draws = jax.vmap(lambda key: jax.random.uniform(key, (2,)))(keys)
        draws = jnp.full_like(draws, 0.5) if centred else draws
        spans = []
        for axis in (1, 2):
            length = image.shape[axis]
            side = min(max(round(share * length), 1), max(length - 1, 1))  # something is left to be seen
            first = jnp.floor(draws[:, axis - 1] * (length - side + 1))
            indices = jnp.arange(length, dtype=jnp.float32)[None] - first[:, None]
            spans.append((indices >= 0) & (indices < side))
        hole = spans[0][:, :, None, None] & spans[1][:, None, :, None]
        seen = jnp.where(hole, 0.0, 1.0)
        mean = (image * seen).sum((1, 2), keepdims=True) / seen.sum((1, 2), keepdims=True)
        return jnp.concatenate([jnp.where(hole, mean, image), 2 * seen - 1], -1)

    return Pairing(transform, alpha=True)


def edges(*, gain: Positive = 1.0) -> Pairing:
    """The edges of a picture, white on black: how steep its brightness is, by the Sobel filter.

    Args:
      gain: what the steepness, in [0, 1], is multiplied with before it is cut off at 1.

    Raises:
      ValueError: `gain` is not above 0.
    """
    if not 0 < gain < float("inf"):
        raise ValueError(f"gain={gain} must be a number above 0")
    return Pairing(lambda keys, image: 2 * jnp.minimum(gain * steepness(image), 1.0) - 1, 1)


def noisy(*, amount: Noise = 0.5) -> Pairing:
    """A picture with normal noise.

    Args:
      amount: as in `gaussian`.

    Raises:
      ValueError: `amount` is negative or infinite.
    """
    return Pairing(gaussian(amount=amount))


PAIRINGS: Mapping[str, Callable[..., Pairing]] = {
    "given": given,
    "grey": grey,
    "low_resolution": low_resolution,
    "masked": masked,
    "edges": edges,
    "noisy": noisy,
}
"""Ways to pairs, by name."""


def luma(image: jax.Array) -> jax.Array:
    """Brightness [B, H, W, 1] of images [B, H, W, C]: of RGB by `LUMA`, of others the mean of their channels."""
    if image.shape[-1] != len(LUMA):
        return image.mean(-1, keepdims=True)
    return (image * jnp.asarray(LUMA, image.dtype)[None, None, None]).sum(-1, keepdims=True)


def steepness(image: jax.Array) -> jax.Array:
    """Length of the gradient of brightness, [B, H, W, 1] in [0, 1], of images [B, H, W, C] in [-1, 1]."""
    bright = jnp.pad(luma(image), ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = image.shape[1:3]
    smooth, difference = SOBEL

    def along(down: tuple[float, ...], right: tuple[float, ...]) -> jax.Array:
        return sum(down[i] * right[j] * bright[:, i : i + height, j : j + width] for i in range(3) for j in range(3))  # type: ignore[return-value]

    # Between black and white, at -1 and 1, each part is at most 8.
    return jnp.sqrt(jnp.square(along(smooth, difference)) + jnp.square(along(difference, smooth))) / (8 * 2**0.5)
