"""The kernel distance: the squared maximum mean discrepancy between two sets of features, without bias.

Binkowski et al. 2018, https://arxiv.org/abs/1801.01401. It is called the kernel inception distance (KID) only over the
features of the Inception network of 2015. Everything is computed in float64.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gengen.metrics.interval import Estimate, of_blocks

LEAST_BLOCKS = 10
"""Blocks that the samples are cut into at least, unless blocks of two would still be fewer."""


def squared_mmd(x: np.ndarray, y: np.ndarray, *, degree: int = 3) -> float:
    """The unbiased estimate of the squared maximum mean discrepancy with a polynomial kernel.

    The kernel is (x.y / D + 1)^degree: Binkowski et al. 2018, section 4. The estimate is the U-statistic of Gretton et
    al. 2012, https://jmlr.org/papers/v13/gretton12a.html, eq. 3: equal points are left out within a set, not across.
    It has mean 0 where the distributions are equal, so it may be negative.

    Args:
      x: features [B, D].
      y: features [C, D].
      degree: of the kernel.

    Raises:
      ValueError: a set has fewer than two samples.
    """
    if min(len(x), len(y)) < 2:
        raise ValueError(f"{len(x)} and {len(y)} samples; each set must have two")
    with jax.enable_x64(True):
        return float(_squared_mmd(np.asarray(x, np.float64), np.asarray(y, np.float64), degree))


@partial(jax.jit, static_argnums=2)
def _squared_mmd(x: jax.Array, y: jax.Array, degree: int) -> jax.Array:
    def kernel(product: jax.Array) -> jax.Array:
        return (product / x.shape[1] + 1) ** degree

    def within(points: jax.Array) -> jax.Array:
        size = len(points)
        own = kernel(jnp.square(points).sum(1)).sum()
        return (kernel(points @ points.T).sum() - own) / (size * (size - 1))

    return within(x) + within(y) - 2 * kernel(x @ y.T).mean()


def kernel_distance_of_subsets(
    reference: np.ndarray,
    generated: np.ndarray,
    reference_subsets: np.ndarray,
    generated_subsets: np.ndarray,
    *,
    degree: int = 3,
) -> np.ndarray:
    """The squared maximum mean discrepancy between subsets, to give another implementation's subsets.

    Args:
      reference: features of data [M, D].
      generated: features of samples [N, D].
      reference_subsets: rows of `reference` in each subset [S, B], B of at least 2.
      generated_subsets: rows of `generated` in each subset [S, C], C of at least 2.
      degree: of the kernel.

    Returns:
      Values in float64 [S], one a pair of subsets.

    Raises:
      ValueError: a subset has fewer than two samples.
    """
    pairs = zip(reference_subsets, generated_subsets, strict=True)
    return np.array([squared_mmd(reference[rows], generated[others], degree=degree) for rows, others in pairs])


def kernel_distance(
    reference: np.ndarray, generated: np.ndarray, *, block: int = 1000, degree: int = 3, seed: int = 0
) -> Estimate:
    """The kernel distance: the mean over disjoint random blocks of equal size, with its 95 % interval.

    n samples, the smaller of both numbers, make S = max(10, ceil(n / block)) blocks of floor(n / S), but never so many
    that a block has fewer than two. Samples left over are not used. Binkowski et al. draw overlapping subsets of 1000;
    disjoint blocks are independent, so the interval is right where both distributions are equal, too.

    Args:
      reference: features of data [M, D].
      generated: features of samples [N, D].
      block: the largest size of a block.
      degree: of the kernel.
      seed: seed of the order in which samples go to blocks.

    Raises:
      ValueError: there are fewer than four samples in a set, which make no two blocks, or `block` is less than two.
    """
    size = min(len(reference), len(generated))
    if size < 4 or block < 2:
        raise ValueError(f"{size} samples in blocks of at most {block}: there must be two blocks of two")
    blocks = min(max(LEAST_BLOCKS, -(-size // block)), size // 2)
    random = np.random.default_rng(seed)
    used = blocks * (size // blocks)
    subsets = [random.permutation(len(samples))[:used].reshape(blocks, -1) for samples in (reference, generated)]
    return of_blocks(kernel_distance_of_subsets(reference, generated, *subsets, degree=degree))
