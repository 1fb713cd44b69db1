"""The log-likelihood of held-out images, or a bound of it."""

import math

import chex
import numpy as np

from gengen.metrics.interval import Estimate, around


def log_likelihood(nats: np.ndarray) -> Estimate:
    """The mean log-likelihood of an image.

    Args:
      nats: of each held-out image [N]; N of at least 2.

    Returns:
      Nats an image, with Student's interval over the images.
    """
    chex.assert_rank(nats, 1)
    return around(float(np.mean(nats)), float(np.var(nats, ddof=1)) / len(nats), len(nats) - 1)


def bits_per_dimension(nats: float, dimensions: int) -> float:
    """Minus a log-likelihood of an image as bits for each of its dimensions."""
    return -nats / dimensions / math.log(2)


def in_bits(nats: Estimate, dimensions: int) -> Estimate:
    """An estimate of nats an example as one of bits for each of its dimensions, of which fewer are better."""
    value, low, high = (bits_per_dimension(end, dimensions) for end in (nats.value, nats.high, nats.low))
    return Estimate(value, low, high)
