"""The Fréchet distance between two sets of features, taken as Gaussians, with an interval that can be trusted.

Heusel et al. 2017, https://arxiv.org/abs/1706.08500, equation 6; Dowson and Landau 1982 for the distance itself:

    d^2 = |m1 - m2|^2 + tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2)

It is called the Fréchet inception distance only over the features of the Inception network of 2015.
"""

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np

from gengen.metrics.interval import Estimate, around_positive

CHUNK = 4096
"""Examples of one step when moments are streamed."""

PAIRS = 4096
"""Pairs of examples that the quadratic part of the variance is estimated from."""

_SMALL = 1e-12  # of the largest eigenvalue: below it a direction holds rounding errors and no data

_ROUNDING = 1e-10  # of the sum of variances: below it the difference of traces and root is rounding


class Moments(NamedTuple):
    """What the distance needs of a set of features, in float64; two of them add.

    Attributes:
      size: number N of examples.
      mean: mean of the features [D].
      scatter: sum of (x - mean)(x - mean)^T over examples [D, D].
    """

    size: int
    mean: np.ndarray
    scatter: np.ndarray

    def __add__(self, other: object) -> "Moments":
        """Moments of both sets together; Chan, Golub and LeVeque 1983, https://doi.org/10.1080/00031305.1983.10483115."""
        if not isinstance(other, Moments):
            return NotImplemented
        size, apart = self.size + other.size, other.mean - self.mean
        mean = self.mean + apart * (other.size / size)
        between = np.outer(apart, apart) * (self.size * other.size / size)
        return Moments(size, mean, self.scatter + other.scatter + between)

    @property
    def covariance(self) -> np.ndarray:
        """The unbiased covariance [D, D]."""
        return self.scatter / (self.size - 1)


def moments(features: np.ndarray) -> Moments:
    """Streams features [N, D] through their moments, `CHUNK` examples at a time; moments of several sets can be added.

    Raises:
      ValueError: there are fewer than two examples.
    """
    chex.assert_rank(features, 2)
    if len(features) < 2:
        raise ValueError(f"{len(features)} examples have no covariance; two are the least")
    total: Moments | None = None
    for start in range(0, len(features), CHUNK):
        chunk = features[start : start + CHUNK]
        with jax.enable_x64(True):
            mean, scatter = _chunk_moments(jnp.asarray(chunk, jnp.float64))
        part = Moments(len(chunk), np.asarray(mean), np.asarray(scatter))
        total = part if total is None else total + part
    assert total is not None
    return total


@jax.jit
def _chunk_moments(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    mean = x.mean(0)
    centred = x - mean[None]
    return mean, centred.T @ centred


def distance(reference: Moments, generated: Moments) -> float:
    """The squared Fréchet distance of two sets of moments: the number alone."""
    return _transport(reference, generated).distance


def frechet_distance(reference: np.ndarray, generated: np.ndarray) -> Estimate:
    """The squared Fréchet distance between two sets of features, with its 95 % interval.

    The estimate is biased upwards when examples are few (Chong and Forsyth 2020, https://arxiv.org/abs/1911.07023), so
    its spread in a bootstrap is not an interval. This one is for the expectation at the same sample sizes. Its
    variance has a part L that is linear in the data and a quadratic part Q. The plain delta method, the variance J of
    the distance's influence function, has an expectation of L + 2 Q: it is sqrt(2) too wide where the distributions
    are equal, which is where the floor lies. Q does not depend on how far the two are apart as long as they are alike,
    so it is estimated from the reference alone; the variance taken is J - Q, or J / 2 if that is more. The interval is
    symmetric on a logarithmic scale, because where few directions matter the distance is skewed like a chi-square, and
    Student's with a degree of freedom less than the smaller set has examples.

    Args:
      reference: features of data [M, D].
      generated: features of samples [N, D].

    Raises:
      ValueError: a set has fewer than two examples.
    """
    real, fake = moments(reference), moments(generated)
    plan = _transport(real, fake)
    delta = _influence(reference, real.mean, fake.mean, plan.forth).var() / real.size
    delta += _influence(generated, fake.mean, real.mean, plan.back).var() / fake.size
    quadratic = _quadratic_variance(reference, real.mean, plan, 2 * (1 / real.size + 1 / fake.size) ** 2)
    degrees = min(real.size, fake.size) - 1
    return around_positive(plan.distance, delta - min(quadratic, delta / 2), degrees)


def frechet_difference(reference: np.ndarray, generated: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """How much further the first of two sets of features is from a reference that both are compared with.

    The error that the reference has in common leaves the difference: an example of it counts by the difference of its
    effects on both distances. Where all three are of one distribution, with n, m and k examples, what is left of the
    quadratic part is 4 / n (1 / m + 1 / k) + 2 / m^2 + 2 / k^2 of what `_quadratic_variance` expects of each pair.

    Args:
      reference: features of data [M, D].
      generated: features of samples [N, D].
      other: features of what stands beside them [K, D].

    Returns:
      The distance of `generated` less that of `other`, and its variance.

    Raises:
      ValueError: a set has fewer than two examples.
    """
    real, sets = moments(reference), (generated, other)
    fakes = [moments(features) for features in sets]
    plans = [_transport(real, fake) for fake in fakes]
    first, second = (
        _influence(reference, real.mean, fake.mean, plan.forth) for fake, plan in zip(fakes, plans, strict=True)
    )
    delta = (first - second).var() / real.size
    for features, fake, plan in zip(sets, fakes, plans, strict=True):
        delta += _influence(features, fake.mean, real.mean, plan.back).var() / fake.size
    m, k = (1 / fake.size for fake in fakes)
    quadratic = _quadratic_variance(reference, real.mean, plans[0], 4 / real.size * (m + k) + 2 * (m**2 + k**2))
    return plans[0].distance - plans[1].distance, float(delta - min(quadratic, delta / 2))


class _Plan(NamedTuple):
    """The optimal transport between two Gaussians: x -> forth x takes the first one's covariance to the second's."""

    distance: float
    forth: np.ndarray
    back: np.ndarray
    values: np.ndarray  # eigenvalues of the first covariance
    vectors: np.ndarray  # and its eigenvectors, in columns


def _transport(first: Moments, second: Moments) -> _Plan:
    values, vectors = np.linalg.eigh(first.covariance)
    root, inverse = _powers(values, vectors)
    crossed, directions = np.linalg.eigh(root @ second.covariance @ root)
    middle, middle_inverse = _powers(crossed, directions)
    apart, size = first.mean - second.mean, np.trace(first.covariance) + np.trace(second.covariance)
    squared = float(apart @ apart + size - 2 * np.sqrt(np.maximum(crossed, 0)).sum())
    return _Plan(
        squared if squared > _ROUNDING * size else 0.0,
        forth=inverse @ middle @ inverse,
        back=root @ middle_inverse @ root,
        values=np.maximum(values, 0),
        vectors=vectors,
    )


def _powers(values: np.ndarray, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The square root of a symmetric matrix and that root's pseudo-inverse, from its eigenvalues and vectors."""
    kept = values > _SMALL * max(values[-1], np.finfo(np.float64).tiny)
    roots = np.sqrt(np.maximum(values, 0))
    inverses = np.where(kept, 1 / np.where(kept, roots, 1), 0)
    return (vectors * roots) @ vectors.T, (vectors * inverses) @ vectors.T


def _influence(features: np.ndarray, mean: np.ndarray, other: np.ndarray, transport: np.ndarray) -> np.ndarray:
    """The first-order effect that each example has on the distance, up to a constant, float64 [N].

    The derivative with respect to the mean is 2 (m1 - m2), and with respect to the covariance 1 - T, where T is the
    transport to the other Gaussian.
    """
    effects = np.empty(len(features))
    shape = np.eye(len(mean)) - transport
    for start in range(0, len(features), CHUNK):
        centred = np.asarray(features[start : start + CHUNK], np.float64) - mean
        effect = 2 * centred @ (mean - other) + np.einsum("nd,nd->n", centred @ shape, centred)
        effects[start : start + CHUNK] = effect
    return effects


def _quadratic_variance(features: np.ndarray, mean: np.ndarray, plan: _Plan, scale: float) -> float:
    """Variance of the distance between two samples of one distribution; 2 (1/n + 1/m)^2 is the `scale` of sizes n, m.

    There the distance is, to second order, the squared length of a difference of means of

        f(x) = (x - m,  ((x - m)(x - m)^T - C)_ij / sqrt(2 (l_i + l_j)))

    in the eigenbasis of the covariance C with eigenvalues l, so its variance is 2 (1/n + 1/m)^2 E[(f(x) . f(x'))^2]
    over pairs of different examples.
    """
    random = np.random.default_rng(0)
    values = plan.values
    sums = values[:, None] + values[None]
    weights = np.where(sums > _SMALL * values[-1], 1 / np.where(sums > 0, sums, 1), 0)
    own = np.diag(weights) * values
    first = random.integers(len(features), size=PAIRS)
    second = (first + random.integers(1, len(features), size=PAIRS)) % len(features)
    a, b = ((np.asarray(features[indices], np.float64) - mean) @ plan.vectors for indices in (first, second))
    product = a * b
    covariance = np.einsum("nd,nd->n", product @ weights, product) - (a**2 + b**2) @ own + own @ values
    return float(scale * np.square(product.sum(1) + covariance / 2).mean())
