"""Distances between many points, a few rows of the matrix at a time, and nearest neighbours."""

import math
from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

ROUNDING = 16
"""Squared distances below this many roundings of |x|^2 + |y|^2 count as 0 (equal points came out at up to 7)."""

SPARE = 4
"""More neighbours than asked for are found first and then ordered by exact distances."""

_ELEMENTS = 2**23  # of the matrix of distances held at a time


def centred(*samples: np.ndarray) -> list[np.ndarray]:
    """Moves sets of points so that the mean of the first is 0: a common offset would drown small distances in rounding.

    Args:
      samples: sets of points [N, D] of one dimension D.

    Returns:
      The sets, in float64 where one of them is, and in float32 otherwise.

    Raises:
      ValueError: they have different dimensions, or hold values that are not finite.
    """
    if any(points.ndim != 2 or points.shape[1] != samples[0].shape[1] for points in samples):
        raise ValueError(f"sets of points must be [N, D] with one D, not {[points.shape for points in samples]}")
    dtype = np.result_type(np.float32, *(points.dtype for points in samples))
    mean = np.asarray(samples[0]).mean(0, dtype=np.float64).astype(dtype)
    moved = [np.asarray(points, dtype) - mean for points in samples]
    if not all(np.isfinite(points).all() for points in moved):
        raise ValueError("points hold values that are not finite")
    return moved


def rows_for(columns: int) -> int:
    """How many rows of a matrix of distances with so many columns to hold at a time."""
    # Products of fewer than 128 rows are slower by half, and of more no faster.
    return int(np.clip(_ELEMENTS // columns, 32, 256))


def in_chunks(x: jax.Array, rows: int, fill: float = 0) -> jax.Array:
    """Cuts x [N, ...] into chunks [ceil(N / rows), rows, ...]; the last is filled up with `fill`."""
    filled = jnp.pad(x, [(0, -len(x) % rows)] + [(0, 0)] * (x.ndim - 1), constant_values=fill)
    return filled.reshape(-1, rows, *x.shape[1:])


def squared_distances(x: jax.Array, y: jax.Array) -> jax.Array:
    """Squared Euclidean distances as |x|^2 + |y|^2 - 2 x.y, which is one matrix product.

    Its error is a few roundings of |x|^2 + |y|^2, so points must be `centred`; smaller distances are returned as 0.

    Args:
      x: points [N, D].
      y: points [M, D].

    Returns:
      Squared distances [N, M].
    """
    chex.assert_rank((x, y), 2)
    sizes = jnp.square(x).sum(1)[:, None] + jnp.square(y).sum(1)[None]
    squared = sizes - 2 * jnp.matmul(x, y.T, precision=lax.Precision.HIGHEST)
    return jnp.where(squared <= ROUNDING * float(np.finfo(x.dtype).eps) * sizes, 0, squared)


@partial(jax.jit, static_argnames=("k", "rows"))
def search(
    queries: jax.Array, data: jax.Array, exclude: jax.Array, *, k: int, rows: int
) -> tuple[jax.Array, jax.Array]:
    """Finds each query's nearest rows of data, as far as `squared_distances` can tell them apart.

    Args:
      queries: points [N, D], centred.
      data: points [M, D], centred.
      exclude: row of data that each query must not be matched with, int32 [N]; -1 for none.
      k: number of neighbours.
      rows: rows of the matrix of distances held at a time.

    Returns:
      Squared distances [N, k] in ascending order, infinite for an excluded row, and the rows of data, int32 [N, k].
    """
    chex.assert_rank((queries, data, exclude), (2, 2, 1))

    size = math.isqrt(len(data) // k)  # of a group; as many minima to choose from as values in the groups chosen
    groups = -(-len(data) // size)
    filled = jnp.pad(data, [(0, groups * size - len(data)), (0, 0)])

    def of_chunk(chunk: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        x, own = chunk
        row = jnp.arange(len(filled), dtype=jnp.int32)[:, None]
        # A few queries at the right: XLA:CPU reaches its full rate with the long side at the left alone.
        squared = jnp.where((row == own[None]) | (row >= len(data)), jnp.inf, squared_distances(filled, x))
        grouped = squared.reshape(groups, size, len(x))
        # The k nearest lie in the k groups with the least minima; in order, so that of two equal ones the first counts.
        chosen = jnp.sort(_least(grouped.min(1).T, min(k, groups)), 1)
        candidates = grouped[chosen, :, jnp.arange(len(x), dtype=jnp.int32)[:, None]].reshape(len(x), -1)
        rows_of = (chosen[..., None] * size + jnp.arange(size, dtype=jnp.int32)[None, None]).reshape(len(x), -1)
        at = _least(candidates, k)
        nearest_first, indices = lax.sort(
            (jnp.take_along_axis(candidates, at, 1), jnp.take_along_axis(rows_of, at, 1)), num_keys=1
        )
        return nearest_first, indices

    squared, indices = lax.map(of_chunk, (in_chunks(queries, rows), in_chunks(exclude, rows)))
    return squared.reshape(-1, k)[: len(queries)], indices.reshape(-1, k)[: len(queries)]


def _least(values: jax.Array, k: int) -> jax.Array:
    """Columns of the k least values of each row [N, M], int32 [N, k], the first ones of equal values."""
    # XLA:CPU finds the largest float32 quickly, but sorts whole rows of float64.
    return lax.top_k(-values.astype(jnp.float32), k)[1].astype(jnp.int32)


@partial(jax.jit, static_argnames="rows")
def _distances_to(queries: jax.Array, data: jax.Array, indices: jax.Array, *, rows: int) -> jax.Array:
    """Distances [N, k] of queries to the rows of data at `indices` [N, k], from differences."""

    def of_chunk(chunk: tuple[jax.Array, jax.Array]) -> jax.Array:
        x, near = chunk
        return jnp.sqrt(jnp.square(data[near] - x[:, None]).sum(-1))

    distances: jax.Array = lax.map(of_chunk, (in_chunks(queries, rows), in_chunks(indices, rows)))
    return distances.reshape(-1, indices.shape[1])[: len(queries)]


def nearest(
    queries: np.ndarray,
    data: np.ndarray,
    *,
    k: int = 1,
    exclude: np.ndarray | None = None,
    rows: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Finds each query's k nearest rows of data by Euclidean distance.

    Memory stays bounded: a few rows of the matrix of distances are held at a time. Candidates come from a matrix
    product, and their distances from differences, so that a copy is at distance 0 exactly.

    Args:
      queries: points [N, D].
      data: points [M, D]. Where one of both is float64, all is computed in float64, and in float32 otherwise.
      k: number of neighbours.
      exclude: row of data that each query must not be matched with [N]: its own, where queries are data; -1 for none.
      rows: rows of the matrix of distances held at a time; by default as many as fit the caches.

    Returns:
      Distances [N, k] in ascending order, in units of the coordinates, and the rows of data that they belong to [N, k].

    Raises:
      ValueError: there are fewer than k rows of data to choose from, or the points are no finite [N, D] and [M, D].
    """
    most = len(data) - (exclude is not None)
    if not 1 <= k <= most:
        raise ValueError(f"k={k} must be between 1 and the {most} rows of data to choose from")
    x, points = centred(queries, data)
    own = np.full(len(x), -1, np.int32) if exclude is None else np.asarray(exclude, np.int32)
    rows = rows or rows_for(len(points))
    with jax.enable_x64(x.dtype == np.float64):
        squared, indices = search(x, points, own, k=min(k + SPARE, len(points)), rows=rows)
        exact = _distances_to(x, points, indices, rows=min(rows, 128))
    distances = np.where(np.isinf(squared), np.inf, exact)
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, order, 1), np.take_along_axis(np.asarray(indices), order, 1)
