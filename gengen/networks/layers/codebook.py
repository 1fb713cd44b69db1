"""The codebook of vector quantisation: pure functions on its vectors and on the averages that they follow.

van den Oord et al. 2017, https://arxiv.org/abs/1711.00937, section 3 and appendix A.1. No gradient moves a codebook:
each vector is the running mean of the points that chose it, over the batch of all replicas.
"""

import chex
import jax
import jax.numpy as jnp
from jax import lax

from gengen.core.parallel import AXIS, replica_sum

Codebook = dict[str, jax.Array]
"""`vectors` [K, D], and the exponential moving averages `counts` [K] and `sums` [K, D] that they are made of."""

EPSILON = 1e-5
"""What Laplace smoothing adds to each count."""

_EXACT = lax.Precision.HIGHEST  # an accelerator's short products would choose other codes


def first_codebook(key: jax.Array, codes: int, dimension: int) -> Codebook:
    """A codebook that nothing has chosen yet.

    Its counts are 0, below every threshold of `restarted`, so the first step takes all vectors from the data: they lie
    where the encoder's outputs do, whatever their scale. The vectors drawn here serve an untrained model alone.

    Args:
      key: a typed PRNG key [].
      codes: number of vectors K.
      dimension: length D of each.

    Returns:
      Vectors from N(0, 1), with counts and sums of 0.
    """
    vectors = jax.random.normal(key, (codes, dimension))
    return {"vectors": vectors, "counts": jnp.zeros((codes,)), "sums": jnp.zeros((codes, dimension))}


def nearest(vectors: jax.Array, points: jax.Array) -> jax.Array:
    """Chooses the code of each point, eq. 1: the nearest vector, the first of several.

    Args:
      vectors: [K, D].
      points: [..., D].

    Returns:
      Places in `vectors`, int32 [...].
    """
    chex.assert_shape(vectors, (None, points.shape[-1]))
    flat = points.reshape(-1, points.shape[-1])
    lengths = jnp.square(vectors).sum(1)[None]
    # |p - v|^2 / 2 but for |p|^2 / 2, which is the same for all vectors.
    distances = lengths / 2 - jnp.matmul(flat, vectors.T, precision=_EXACT)
    return jnp.argmin(distances, 1).astype(jnp.int32).reshape(points.shape[:-1])


def vectors_of(codebook: Codebook, code: jax.Array) -> jax.Array:
    """The vectors [..., D] of codes, int32 [...]."""
    return jnp.take(codebook["vectors"], code, axis=0)


def straight_through(points: jax.Array, quantised: jax.Array) -> jax.Array:
    """Returns `quantised` [..., D]; gradients pass to `points` [..., D] as though nothing had happened to them."""
    chex.assert_equal_shape((points, quantised))
    return points + lax.stop_gradient(quantised - points)


def restarted(key: jax.Array, codebook: Codebook, points: jax.Array, threshold: float) -> tuple[Codebook, jax.Array]:
    """Puts the vectors that hardly any point chooses where points are.

    Dhariwal et al. 2020, https://arxiv.org/abs/2005.00341, section 3: a code whose averaged count has fallen to the
    threshold becomes one of the encoder's outputs, with a count of 1. Code k draws from the k-th of K equal parts of
    the batch, so that no two codes draw the same point where there are many. `AXIS` must be bound.

    Args:
      key: the same on every replica.
      codebook: what it was.
      points: this replica's outputs of the encoder [N, D]; candidates are those of all replicas.
      threshold: count, per batch of all replicas, at or below which a code is taken for dead; 0 restarts only codes
        that were never chosen.

    Returns:
      The codebook after, the same on every replica, and the number of codes that were restarted, float32 [].
    """
    chex.assert_rank(points, 2)
    points = lax.stop_gradient(points)
    own = points.shape[0]
    codes, everywhere = codebook["counts"].shape[0], own * lax.axis_size(AXIS)
    within = jnp.arange(codes, dtype=jnp.float32) + jax.random.uniform(key, (codes,))
    picks = jnp.minimum((within * (everywhere / codes)).astype(jnp.int32), everywhere - 1)
    indices = picks - lax.axis_index(AXIS) * own
    mine = (indices >= 0) & (indices < own)
    picked = replica_sum(jnp.where(mine[:, None], points[jnp.clip(indices, 0, own - 1)], 0.0))
    dead = codebook["counts"] <= threshold
    after = {
        "vectors": jnp.where(dead[:, None], picked, codebook["vectors"]),
        "counts": jnp.where(dead, 1.0, codebook["counts"]),
        "sums": jnp.where(dead[:, None], picked, codebook["sums"]),
    }
    return after, dead.astype(jnp.float32).sum()


def followed(
    codebook: Codebook, points: jax.Array, chosen: jax.Array, *, decay: float = 0.99
) -> tuple[Codebook, jax.Array]:
    """Moves each vector to the running mean of the points that chose it: appendix A.1, eq. 6 to 8.

    Counts are smoothed as if `EPSILON` more points had chosen each code, so that none is 0; their sum stays. `AXIS`
    must be bound.

    Args:
      codebook: what it was.
      points: this replica's outputs of the encoder [N, D].
      chosen: their codes, int32 [N].
      decay: share of the averages that a step keeps, gamma.

    Returns:
      The codebook after, the same on every replica, and how many points of all replicas chose each code, [K].
    """
    chex.assert_rank(points, 2)
    chex.assert_shape(chosen, points.shape[:1])
    points = lax.stop_gradient(points)
    one_hot = jax.nn.one_hot(chosen, codebook["counts"].shape[0])
    usage, total = replica_sum((one_hot.sum(0), jnp.matmul(one_hot.T, points, precision=_EXACT)))
    # `optax.incremental_update` (0.2.8) adds these in the other order, and once compiled differs by up to 5e-7.
    counts = decay * codebook["counts"] + (1 - decay) * usage
    sums = decay * codebook["sums"] + (1 - decay) * total
    whole = counts.sum()
    smoothed = (counts + EPSILON) * (whole / (whole + counts.shape[0] * EPSILON))
    return {"vectors": sums / smoothed[:, None], "counts": counts, "sums": sums}, usage


def perplexity(usage: jax.Array) -> jax.Array:
    """How many codes are in use: the exponential of the entropy of their frequencies, between 1 and K.

    Args:
      usage: how many points chose each code [K]; their scale does not matter.

    Returns:
      The perplexity [].
    """
    chex.assert_rank(usage, 1)
    shares = usage / usage.sum()
    return jnp.exp(jax.scipy.special.entr(shares).sum())
