"""Differentiable augmentation: random changes of images that gradients pass through.

Kinds and strengths are those of Zhao et al. 2020 (DiffAugment), https://arxiv.org/abs/2006.10738, for images in
[-1, 1]; sizes in pixels are rounded down. Nothing is clipped, and what translation and cutout lay bare is 0, the grey
of the paper. Digits lie on black, -1; on them grey shows the critic what was moved or cut away. A black background
would not: a digit moved by the view and one drawn off its centre would look the same, and the augmentation would leak
into the samples.

Each kind is a pure function `(images [B, H, W, C], draws [B, 2]) -> images [B, H, W, C]`; its draws are uniform in
[0, 1), so that equal draws give equal changes. It works at the dtype of the images.
"""

from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
from jax import lax

Kind = Callable[[jax.Array, jax.Array], jax.Array]
"""`(images [B, H, W, C], draws [B, 2]) -> images [B, H, W, C]`."""

BACKGROUND = 0.0
"""What shows where an image was moved away or cut out."""


def brightness(images: jax.Array, draws: jax.Array) -> jax.Array:
    """Adds one number, uniform in [-0.5, 0.5), to all pixels of an image.

    Args:
      images: [B, H, W, C].
      draws: uniform in [0, 1) [B, 2]; the second is not used.
    """
    return images + _per_image(draws[:, 0] - 0.5, images)


def contrast(images: jax.Array, draws: jax.Array) -> jax.Array:
    """Scales the distance of all pixels from the mean of their image by a factor, uniform in [0.5, 1.5).

    Args:
      images: [B, H, W, C].
      draws: uniform in [0, 1) [B, 2]; the second is not used.
    """
    mean = images.mean((1, 2, 3), keepdims=True)
    return mean + (images - mean) * _per_image(draws[:, 0] + 0.5, images)


def saturation(images: jax.Array, draws: jax.Array) -> jax.Array:
    """Scales the distance of all channels from the mean of their pixel by a factor, uniform in [0, 2).

    Images of one channel stay as they are.

    Args:
      images: [B, H, W, C].
      draws: uniform in [0, 1) [B, 2]; the second is not used.
    """
    mean = images.mean(3, keepdims=True)
    return mean + (images - mean) * _per_image(draws[:, 0] * 2, images)


def translation(images: jax.Array, draws: jax.Array) -> jax.Array:
    """Moves an image by whole pixels, uniform from -1/8 to 1/8 of its height and width, rounded towards 0.

    Args:
      images: [B, H, W, C]; those of less than 8 pixels stay as they are.
      draws: uniform in [0, 1) [B, 2]; the first is for the height. Below 1/2 the image moves down or right.
    """
    down, right = (length // 8 for length in images.shape[1:3])
    padded = jnp.pad(images, ((0, 0), (down, down), (right, right), (0, 0)), constant_values=BACKGROUND)
    top, left = _whole(draws[:, 0], 2 * down + 1), _whole(draws[:, 1], 2 * right + 1)

    # 64 images of 28 x 28 cost a CPU 0.1 ms with the transpose; as products with matrices of shifts they cost 0.4 ms.
    def window(image: jax.Array, top: jax.Array, left: jax.Array) -> jax.Array:
        return lax.dynamic_slice(image, (top, left, 0), images.shape[1:])

    return jax.vmap(window)(padded, top, left)


def cutout(images: jax.Array, draws: jax.Array) -> jax.Array:
    """Blanks a rectangle of half the height and half the width, rounded down, with its centre anywhere in the image.

    What of the rectangle lies outside of the image is lost, so between a quarter and all of it is blanked.

    Args:
      images: [B, H, W, C].
      draws: uniform in [0, 1) [B, 2]; the first is for the height.
    """

    def covered(draws: jax.Array, length: int) -> jax.Array:
        side = length // 2
        first = _whole(draws, length + 1 - side % 2) - side // 2
        indices = jnp.arange(length, dtype=jnp.int32)[None, :] - first[:, None]
        return (indices >= 0) & (indices < side)

    rows, columns = covered(draws[:, 0], images.shape[1]), covered(draws[:, 1], images.shape[2])
    blank = rows[:, :, None, None] & columns[:, None, :, None]
    return jnp.where(blank, jnp.asarray(BACKGROUND, images.dtype), images)


KINDS: Mapping[str, Kind] = {
    "brightness": brightness,
    "contrast": contrast,
    "saturation": saturation,
    "translation": translation,
    "cutout": cutout,
}
"""All kinds by name; the first three are the "color" of the paper."""


def augmented(keys: jax.Array, images: jax.Array, *, kinds: Sequence[str], probability: jax.Array | float) -> jax.Array:
    """Applies kinds to images one after another, each to each image with the same probability, independently.

    Independent coins are those of section 2 of Karras et al. 2020, https://arxiv.org/abs/2006.06676; probability 1 is
    DiffAugment. An image is changed by its own key alone.

    Args:
      keys: a typed PRNG key for each image [B].
      images: [B, H, W, C] in about [-1, 1].
      kinds: names of `KINDS`, in the order in which they are applied.
      probability: of each kind, in [0, 1], float32 [] or a number.

    Returns:
      Images [B, H, W, C].
    """
    draws = jax.vmap(lambda key: jax.random.uniform(key, (len(kinds), 3)))(keys)
    for index, kind in enumerate(kinds):
        chosen = draws[:, index, 2] < probability
        images = jnp.where(chosen[:, None, None, None], KINDS[kind](images, draws[:, index, :2]), images)
    return images


def _per_image(numbers: jax.Array, images: jax.Array) -> jax.Array:
    return numbers.astype(images.dtype)[:, None, None, None]


def _whole(draws: jax.Array, number: int) -> jax.Array:
    """Brings draws from [0, 1) to whole numbers 0, ..., number - 1, int32."""
    return jnp.floor(draws * number).astype(jnp.int32)
