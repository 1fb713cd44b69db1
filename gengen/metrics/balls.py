"""Balls around samples and what lies in them, within halves of the samples: what `precision_recall` counts."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from scipy import linalg

from gengen.metrics.neighbours import search, squared_distances

GROUPS = 16
"""Groups that the samples are cut into for the intervals."""

DENSE = 1 / 16
"""The share of near pairs from which it is quicker to look at all pairs within the subsets."""


def subsets() -> np.ndarray:
    """Which groups are in which subset, bool [31, 16]: all of them, then the two halves of each of 15 splits."""
    signs = linalg.hadamard(GROUPS)[1:]
    halves = np.stack([signs > 0, signs < 0], 1).reshape(-1, GROUPS)
    return np.concatenate([np.ones((1, GROUPS), bool), halves])


@partial(jax.jit, static_argnames=("ks", "rows"))
def radii(x: jax.Array, halves: jax.Array, *, ks: tuple[int, ...], rows: int) -> list[jax.Array]:
    """Squared radii of the balls of x [N, D] within each subset, [31, N] for each k; -1 for points not in the subset.

    A list of neighbours this long holds the k-th of either half but for one point in 50,000, whose ball is cut short.
    """
    size = len(x)
    own = jnp.arange(size, dtype=jnp.int32)
    squared, indices = search(x, x, own, k=min(6 * max(ks) + 6, size - 1), rows=rows)

    def of_subset(subset: jax.Array) -> list[jax.Array]:
        seen = jnp.cumsum(subset[indices % GROUPS], 1, dtype=jnp.int32)
        last = squared.shape[1] - 1
        at = [jnp.minimum((seen < k).sum(1, dtype=jnp.int32), last)[:, None] for k in ks]
        return [jnp.where(subset[own % GROUPS], jnp.take_along_axis(squared, k, 1)[:, 0], -1) for k in at]

    return list(lax.map(of_subset, halves))


def terms(
    x: np.ndarray,
    y: np.ndarray,
    halves: np.ndarray,
    hulls: np.ndarray,
    balls: np.ndarray,
    generated_hulls: np.ndarray,
    *,
    rows: int,
) -> tuple[np.ndarray, ...]:
    """The terms of each score within each subset, in one pass over the distances.

    Mostly few pairs are as near as the widest radius of either point, and only these are looked at within the subsets.

    Args:
      x: reference points [M, D]; point i is in group i mod 16.
      y: generated points [N, D], likewise.
      halves: which groups are in which subset, bool [31, 16].
      hulls: squared radii around x for precision [31, M].
      balls: squared radii around x for density and coverage [31, M].
      generated_hulls: squared radii around y for recall [31, N].
      rows: rows of the matrix of distances held at a time.

    Returns:
      Whether y is in a hull [31, N], the number of balls that it is in [31, N], whether x is in a hull [31, M], and
      whether x's ball holds a y [31, M]. Terms of points that are not in the subset mean nothing.
    """
    inside, recalled, covered = (np.zeros((len(halves), size), bool) for size in (len(y), len(x), len(x)))
    counts = np.zeros((len(halves), len(y)), np.int64)
    members = halves[:, np.arange(len(y)) % GROUPS]
    widest, generated_widest = np.maximum(hulls, balls).max(0), generated_hulls.max(0)
    for start in range(0, len(x), rows):
        chunk = slice(start, start + rows)
        squared, is_near = (np.asarray(each) for each in _near(x[chunk], y, widest[chunk], generated_widest))
        if is_near.mean() > DENSE:
            found = _within(squared, hulls[:, chunk], balls[:, chunk], generated_hulls, members)
            in_a_hull, count, recalled[:, chunk], covered[:, chunk] = map(np.asarray, found)
            inside |= in_a_hull
            counts += count
            continue
        at, to = np.nonzero(is_near)
        near, at = squared[at, to], at + start
        for subset in range(len(halves)):
            in_ball = near <= balls[subset, at]
            counts[subset] += np.bincount(to[in_ball], minlength=len(y))
            inside[subset, to[near <= hulls[subset, at]]] = True
            recalled[subset, at[near <= generated_hulls[subset, to]]] = True
            covered[subset, at[in_ball & members[subset, to]]] = True
    return inside, counts, recalled, covered


@jax.jit
def _near(x: jax.Array, y: jax.Array, reach: jax.Array, reach_of_y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Squared distances [m, N], and whether each is within the squared reach of x [m] or of y [N]."""
    squared = squared_distances(x, y)
    return squared, squared <= jnp.maximum(reach[:, None], reach_of_y[None])


@jax.jit
def _within(squared: jax.Array, *by_subset: jax.Array) -> list[jax.Array]:
    """What `terms` returns, of some x [m] alone; `members` [31, N] says which y are in which subset."""

    def of_subset(args: tuple[jax.Array, ...]) -> list[jax.Array]:
        hull, ball, generated_hull, members = args
        in_ball = squared <= ball[:, None]
        return [
            (squared <= hull[:, None]).any(0),
            in_ball.sum(0, dtype=jnp.int32),
            (squared <= generated_hull[None]).any(1),
            (in_ball & members[None]).any(1),
        ]

    return list(lax.map(of_subset, by_subset))
