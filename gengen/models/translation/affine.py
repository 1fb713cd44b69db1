"""Random affine maps of images, under which a digit stays the digit that it is.

As in French et al. 2018, https://arxiv.org/abs/1706.05208, appendix C: the matrix is the identity plus normal numbers,
and there is a uniform shift. What comes from beyond the border is the border's.
"""

from functools import partial
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates

from gengen.values import Range


class Affine(NamedTuple):
    """How far images are changed; zeros leave them as they are.

    Attributes:
      deviation: standard deviation of the four entries of the matrix around the identity's.
      translation: the largest shift along each axis, in pixels.
      noise: standard deviation of normal noise, where pixels run from -1 to 1.
    """

    deviation: Annotated[float, Range(0, 10)] = 0.0
    translation: Annotated[float, Range(0, 2**14)] = 0.0
    noise: Annotated[float, Range(0, 2, below=True)] = 0.0

    def check(self) -> None:
        """Checks the values.

        Raises:
          ValueError: one is negative or infinite.
        """
        for name, value in self._asdict().items():
            if not 0 <= value < float("inf"):
                raise ValueError(f"{name}={value} must be a number of at least 0")

    def of(self, keys: jax.Array, images: jax.Array) -> jax.Array:
        """Changes each image by its own key.

        Args:
          keys: of the images [B].
          images: [B, H, W, C] in [-1, 1].
        """
        if self.deviation or self.translation:
            images = jax.vmap(self._moved)(keys, images)
        if self.noise:
            noise = jax.vmap(lambda key: jax.random.normal(jax.random.fold_in(key, 2), images.shape[1:]))(keys)
            images = images + self.noise * noise
        return images

    def _moved(self, key: jax.Array, image: jax.Array) -> jax.Array:
        height, width, _ = image.shape
        matrix = jnp.eye(2) + self.deviation * jax.random.normal(jax.random.fold_in(key, 0), (2, 2))
        shift = self.translation * jax.random.uniform(jax.random.fold_in(key, 1), (2,), minval=-1.0)
        middle = jnp.asarray([[[(height - 1) / 2, (width - 1) / 2]]])
        indices = jnp.stack(jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij"), -1).astype(jnp.float32)
        return interpolated(image, (indices - middle) @ matrix + middle + shift[None, None])


def interpolated(image: jax.Array, indices: jax.Array) -> jax.Array:
    """Reads an image between its pixels, bilinearly; beyond the border, the border's pixels go on.

    Args:
      image: [H, W, C].
      indices: rows and columns [..., 2], where whole numbers are pixels.

    Returns:
      [..., C].
    """

    read = partial(map_coordinates, coordinates=[indices[..., 0], indices[..., 1]], order=1, mode="nearest")
    channels: jax.Array = jax.vmap(read, in_axes=-1, out_axes=-1)(image)
    return channels
