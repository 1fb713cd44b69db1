"""Random changes of pairs that keep them pairs: Isola et al. 2017, https://arxiv.org/abs/1611.07004, appendix 6.2."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jax import lax

OFF_HALVES = 0.003
"""What is added to pixels from 0 to 255 before they are rounded."""


def jittered(
    keys: jax.Array, images: Mapping[str, jax.Array], *, margin: int = 30, mirror: bool = True
) -> dict[str, jax.Array]:
    """Enlarges images, cuts a random part of their first size out of each, and mirrors half of them.

    Images of one example, of whatever name, are changed alike.

    Args:
      keys: of the examples [B].
      images: uint8 or float32 [B, H, W, C] by name, all of one height and width.
      margin: pixels by which height and width grow; in proportion, so the wider side may grow by more.
      mirror: whether an image is mirrored, left to right, with probability 1/2.

    Returns:
      Images of the same shapes and dtypes.
    """
    if not (margin or mirror):
        return dict(images)
    height, width = next(iter(images.values())).shape[1:3]
    down, right = (round(margin * side / min(height, width)) for side in (height, width))
    draws = jax.vmap(lambda key: jax.random.uniform(key, (3,)))(keys)
    top, left = (jnp.floor(draws[:, axis] * (size + 1)).astype(jnp.int32) for axis, size in ((0, down), (1, right)))
    turned = draws[:, 2] < 0.5 if mirror else jnp.zeros(keys.shape, bool)

    def change(image: jax.Array) -> jax.Array:
        large = image.astype(jnp.float32)
        if margin:
            size, _, _, channels = image.shape
            large = jax.image.resize(large, (size, height + down, width + right, channels), "bilinear")
            window = jax.vmap(lambda one, row, column: lax.dynamic_slice(one, (row, column, 0), image.shape[1:]))
            large = window(large, top, left)
        large = jnp.where(turned[:, None, None, None], large[:, :, ::-1], large)
        if not jnp.issubdtype(image.dtype, jnp.integer):
            return large
        # Halves are common, and would fall up or down as the size of the batch orders the sums.
        return jnp.rint(large + OFF_HALVES).astype(image.dtype)

    return {name: change(image) for name, image in images.items()}
