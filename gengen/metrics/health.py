"""Signs of health of a run, from what can be seen in moments: samples of fixed latents, parameters, codes."""

from collections.abc import Sequence

import chex
import numpy as np

LEAST = 0.1
"""A mode counts as covered from this share of what falls to it in the data."""


def spread(samples: np.ndarray, data: np.ndarray) -> float:
    """Spread of samples relative to the data's: the root of the ratio of their total variances.

    Args:
      samples: points [N, D].
      data: points [M, D].
    """
    chex.assert_rank((samples, data), 2)
    return float(np.sqrt(samples.var(axis=0, dtype=np.float64).sum() / data.var(axis=0, dtype=np.float64).sum()))


def movement(before: np.ndarray, after: np.ndarray, data: np.ndarray) -> float:
    """How far samples of the same latents have moved: the mean distance, in standard deviations of the data.

    Args:
      before: samples at one step [N, D].
      after: samples of the same latents at a later one [N, D].
      data: points [M, D], whose standard deviation is the root of their total variance.
    """
    chex.assert_equal_shape((before, after))
    distances = np.linalg.norm(np.asarray(after, np.float64) - before, axis=1)
    return float(distances.mean() / np.sqrt(data.var(axis=0, dtype=np.float64).sum()))


def nearest(points: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each point [N] from the nearest of others, to a thousandth of the largest norm, and which it is [N].

    Args:
      points: [N, D].
      others: [M, D].
    """
    chex.assert_rank((points, others), 2)
    middle = others.mean(axis=0)
    points, others = points - middle, others - middle
    squared = np.square(others).sum(1)[None] - 2 * points @ others.T  # but for |x|^2, which changes no order
    chosen = squared.argmin(axis=1)
    least = np.square(points).sum(1) + squared[np.arange(len(points)), chosen]
    return np.sqrt(np.maximum(least, 0)), chosen


def clusters(data: np.ndarray, number: int, seed: int) -> np.ndarray:
    """Centres of clusters [K, D] of data [M, D]: Lloyd's algorithm from the seeds of k-means++ (Arthur 2007).

    Args:
      data: points, at least as many as clusters.
      number: of clusters.
      seed: of the choice of the first centres.
    """
    random = np.random.default_rng(seed)
    chosen = [int(random.integers(len(data)))]
    while len(chosen) < number:
        squared = nearest(data, data[chosen])[0] ** 2
        share = squared / squared.sum() if squared.any() else np.full(len(data), 1 / len(data))
        chosen.append(int(random.choice(len(data), p=share.astype(np.float64) / share.sum(dtype=np.float64))))
    centres = data[chosen]
    for _ in range(20):
        _, own = nearest(data, centres)
        centres = np.stack(
            [data[own == mode].mean(axis=0) if (own == mode).any() else centres[mode] for mode in range(number)]
        )
    return centres


def shares(points: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The share of points that lies nearest to each centre [K], and the distance of each from its own [N]."""
    apart, own = nearest(points, centres)
    return np.bincount(own, minlength=len(centres)) / len(points), apart


def covered(of_samples: np.ndarray, of_data: np.ndarray) -> float:
    """Share of the modes that samples cover: those that hold `LEAST` of what falls to them in the data, or more.

    Args:
      of_samples: share of the samples in each mode [K].
      of_data: share of the data in each mode [K].
    """
    chex.assert_equal_shape((of_samples, of_data))
    there = of_data > 0
    return float((of_samples >= LEAST * of_data)[there].mean())


def exchanged(before: np.ndarray, after: np.ndarray) -> float:
    """Share of the samples that changed their mode in balance: half the sum of |p - q|, the total variation.

    Samples of fixed latents have no noise of their own: in a healthy run few of them change between two looks.

    Args:
      before: share of the samples in each mode [K] at one step.
      after: the same at a later one.
    """
    chex.assert_equal_shape((before, after))
    return float(np.abs(after - before).sum() / 2)


def copies(samples: np.ndarray, train: np.ndarray, held_out: np.ndarray, ratio: float = 0.5) -> float:
    """Share of samples that are much nearer to a training example than to any held-out one.

    Args:
      samples: points [N, D].
      train: what the model is trained on [M, D].
      held_out: others of the same kind [H, D].
      ratio: a sample is a copy if its distance to `train` is below this part of that to `held_out`.
    """
    (to_train, _), (to_others, _) = (nearest(samples, each) for each in (train, held_out))
    return float((to_train < ratio * to_others).mean())


def at_bound(parameters: Sequence[np.ndarray], bound: float) -> float:
    """Share of parameters that clipping holds at its bound, of all in these arrays."""
    held = sum(int((np.abs(array) >= bound * (1 - 1e-6)).sum()) for array in parameters)
    return held / sum(array.size for array in parameters)


def flipped(before: np.ndarray, after: np.ndarray) -> float:
    """Share of parameters [P] whose sign has changed: where a critic learns nothing but noise, it tends to 1/2."""
    chex.assert_equal_shape((before, after))
    return float((np.sign(before) != np.sign(after)).mean())


def relative_update(before: np.ndarray, after: np.ndarray) -> float:
    """|change of the parameters| / |parameters before|, both Euclidean norms of vectors [P]."""
    chex.assert_equal_shape((before, after))
    return float(np.linalg.norm(after - before) / max(np.linalg.norm(before), np.finfo(np.float32).tiny))


def active_units(means: np.ndarray, least: float = 0.01) -> float:
    """Share of the latents that tell examples apart: whose posterior means have a variance of at least 0.01 over data.

    Burda et al. 2016, https://arxiv.org/abs/1509.00519, section 5.2.

    Args:
      means: of q(z | x) of many examples [N, L].
      least: the variance.
    """
    chex.assert_rank(means, 2)
    return float((means.var(axis=0, dtype=np.float64) > least).mean())
