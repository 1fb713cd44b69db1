"""Regularity of a latent space: whether near points decode to near images, and whether every point decodes to one."""

import math

import chex
import numpy as np

from gengen.metrics.interval import Estimate, of_blocks, of_share

STEPS = 20
"""Steps of a walk."""


def continuity(walks: np.ndarray) -> Estimate:
    """How evenly images change along straight walks through latent space, between two draws of the prior.

    The largest of a walk's S steps, the Euclidean distance between consecutive images, divided by their mean, averaged
    over walks. It is 1 where images change evenly, and S where all of the change falls into one step. Walks without
    any change count 1. The perceptual path length of Karras et al. 2019, https://arxiv.org/abs/1812.04948, section 4.1,
    measures how long steps are; this ratio does not depend on their length, so a jump is seen at any contrast.

    Args:
      walks: decoded images as points, at S + 1 even steps of W walks, [W, S + 1, P].

    Returns:
      The mean ratio in [1, S], with the interval of its mean over fresh walks.

    Raises:
      ValueError: there are fewer than two walks or no steps, or values that are not finite.
    """
    walks = np.asarray(walks)
    if walks.ndim != 3 or walks.shape[0] < 2 or walks.shape[1] < 2:
        raise ValueError(f"walks must be [W, S + 1, P] with at least two walks of one step, not {list(walks.shape)}")
    if not np.isfinite(walks).all():
        raise ValueError("walks hold values that are not finite")
    ratios = np.array([_unevenness(walk) for walk in walks])
    found = of_blocks(ratios)
    return Estimate(found.value, max(found.low, 1.0), min(found.high, float(walks.shape[1] - 1)))


def _unevenness(walk: np.ndarray) -> float:
    """The largest step of one walk [S + 1, P] divided by the mean step."""
    steps = np.linalg.norm(np.diff(walk.astype(np.float64), axis=0), axis=1)
    # A mean may be a rounding above the largest.
    return max(float(steps.max() / steps.mean()), 1.0) if steps.any() else 1.0


def completeness(log_probabilities: np.ndarray, *, least: float = 0.9) -> Estimate:
    """The share of samples of the prior that a classifier is sure of: whose largest probability is at least `least`.

    A point of latent space that decodes to no image of the data leaves a classifier unsure, as a rule; a classifier
    may be sure of what is no image at all, so the share is an upper bound.

    Args:
      log_probabilities: of the classes, of decoded draws of the prior, in nats, [N, K].
      least: the probability from which the classifier counts as sure, in (0, 1].

    Raises:
      ValueError: `least` is not in (0, 1].
    """
    chex.assert_rank(log_probabilities, 2)
    if not 0 < least <= 1:
        raise ValueError(f"the least probability must be in (0, 1], not {least}")
    surest = np.asarray(log_probabilities).max(1)
    # The limit is rounded as the logarithms are, so that a probability of just `least` counts.
    return of_share(int(np.count_nonzero(surest >= surest.dtype.type(math.log(least)))), len(surest))
