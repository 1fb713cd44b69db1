"""A pool of earlier translations, among which a critic is shown some instead of the latest: it does not forget them.

Shrivastava et al. 2017, https://arxiv.org/abs/1612.07828, section 2.3; as in CycleGAN's code, image by image: until the
pool is full, an image goes into it and is shown; after that, with probability 1/2, an image of the pool is shown and
the new one takes its place.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from gengen.core.parallel import example_keys, replica_gather, replica_part
from gengen.core.state import Tree


class Pool(NamedTuple):
    """A pool of images.

    Attributes:
      size: how many it holds; 0 shows every image as it is.
    """

    size: int = 50

    def empty(self, shape: tuple[int, int, int]) -> dict[str, Tree]:
        """What is carried of a pool of images [H, W, C]: them, and how many there are."""
        return {"images": jnp.zeros((self.size, *shape)), "count": jnp.zeros((), jnp.int32)}

    def shown(self, key: jax.Array, mutable: dict[str, Tree], images: jax.Array) -> tuple[jax.Array, dict[str, Tree]]:
        """Puts the images of all replicas into the pool, in the order of the global batch; `AXIS` must be bound.

        Every replica does the same with all images, so that pools stay equal, and shows its own part.

        Args:
          key: the same on every replica.
          mutable: the pool.
          images: this replica's [B, H, W, C].

        Returns:
          What is shown, [B, H, W, C], and the pool afterwards.
        """
        if not self.size:
            return images, mutable
        every = replica_gather(images)

        def one(pool: dict[str, Tree], given: tuple[jax.Array, jax.Array]) -> tuple[dict[str, Tree], jax.Array]:
            image, key = given
            coin, choice = jax.random.split(key)
            filling = pool["count"] < self.size
            swap = jax.random.bernoulli(coin)
            index = jnp.where(filling, pool["count"], jax.random.randint(choice, (), 0, self.size))
            old = pool["images"][index]
            kept = jnp.where(filling | swap, image, old)
            after = {
                "images": lax.dynamic_update_index_in_dim(pool["images"], kept, index, 0),
                "count": jnp.minimum(pool["count"] + 1, self.size),
            }
            return after, jnp.where(~filling & swap, old, image)

        after, shown = lax.scan(one, mutable, (every, example_keys(key, every.shape[0])))
        return replica_part(shown), after
