"""The minibatch standard deviation: Karras et al. 2018, https://arxiv.org/abs/1710.10196, section 3."""

import math

import jax
import jax.numpy as jnp

GROUP = 4
"""Images of a group, as in the authors' code; the paper takes the whole batch."""

EPSILON = 1e-8
"""Added to a variance, so that its root has a gradient where all images are the same."""


def group_size(batch: int, group: int = GROUP) -> int:
    """The largest divisor of `batch` that is not above `group`; 1 if only a group of one image fits.

    Raises:
      ValueError: `group` is below 2: one image has no deviation.
    """
    if group < 2:
        raise ValueError(f"group={group} must be at least 2")
    return max(size for size in range(1, min(group, batch) + 1) if batch % size == 0)


def check_batch(batch: int) -> None:
    """Refuses batches that fall into groups of one image, in which nothing differs.

    Raises:
      ValueError: no number from 2 to `GROUP` divides `batch`.
    """
    if group_size(batch) == 1:
        raise ValueError(
            f"deviation=True compares groups of 2 to {GROUP} images of one device, and none of these divides {batch}: "
            f"choose another config.training.batch_size, or deviation=False"
        )


def append_deviation(x: jax.Array, *, group: int = GROUP) -> jax.Array:
    """Appends to each image how much the images of its group differ, as one more feature.

    The standard deviation over the group is taken for each feature at each position, then averaged over all of them to
    one number, which all images and positions of the group get. Groups are of *neighbouring examples*: where the batch
    of each replica is a multiple of the group, results do not depend on the number of replicas.

    Args:
      x: features [B, F] or maps [B, H, W, F].
      group: images of a group; the largest divisor of B that is not above it is taken. (A prime B leaves groups of
        one, which have no deviation.)

    Returns:
      [B, F + 1] or [B, H, W, F + 1], in the dtype of `x`; computed in float32.

    Raises:
      ValueError: `group` is below 2.
    """
    size = group_size(x.shape[0], group)
    groups = x.astype(jnp.float32).reshape(-1, size, math.prod(x.shape[1:]))
    deviation = jnp.sqrt(groups.var(1) + EPSILON).mean(1)
    column = jnp.repeat(deviation, size).astype(x.dtype).reshape(-1, *(1,) * (x.ndim - 1))
    return jnp.concatenate([x, jnp.broadcast_to(column, (*x.shape[:-1], 1))], -1)
