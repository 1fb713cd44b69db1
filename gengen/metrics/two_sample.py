"""The classifier two-sample test: two sets are of one distribution where no classifier tells fresh examples apart.

Lopez-Paz and Oquab 2017, https://arxiv.org/abs/1610.06545. Half of both sets teaches a classifier which of them an
example is of, and it is asked about the other half: where both are alike it is right as often as a coin. That is exact
at any sizes, without a floor, but its power is that of the classifier and of what it sees.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

from gengen.metrics.interval import Estimate
from gengen.metrics.probes import linear_probe, nearest_probe

FEWEST = 20
"""Examples of each set without which a test says nothing."""


class TwoSample(NamedTuple):
    """What two classifiers make of two sets.

    Attributes:
      linear: accuracy of logistic regression; 0.5 is chance.
      nearest: accuracy of the nearest neighbour; below 0.5 where examples of one set are copies of the other.
      number: of examples that each was asked about, half of them of each set.
      p_value: probability that the more accurate one is right so often by chance, times two, as there are two.
    """

    linear: Estimate
    nearest: Estimate
    number: int
    p_value: float


def two_sample_test(reference: np.ndarray, samples: np.ndarray) -> TwoSample:
    """Tells two sets apart by features; as many of each are taken, the first of them.

    Args:
      reference: features of the data in a random order [N, D].
      samples: features of the samples in a random order [M, D].

    Raises:
      ValueError: there are fewer than `FEWEST` of one, or the features are not finite or of different dimensions.
    """
    half = min(len(reference), len(samples)) // 2
    if 2 * half < FEWEST:
        raise ValueError(f"it takes {FEWEST} examples of each, not {len(reference)} and {len(samples)}")
    labels = np.repeat([0, 1], half)
    taught, asked = (np.concatenate([reference[part], samples[part]]) for part in (slice(half), slice(half, 2 * half)))
    linear, nearest = (test(taught, labels, asked, labels) for test in (linear_probe, nearest_probe))
    right = round(max(linear.value, nearest.value) * 2 * half)
    p_value = stats.binomtest(right, 2 * half, alternative="greater").pvalue
    return TwoSample(linear, nearest, 2 * half, min(1.0, 2 * float(p_value)))
