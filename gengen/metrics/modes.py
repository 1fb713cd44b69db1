"""Modes of a mixture of Gaussians that is known: how many samples are good, and how many modes they cover.

The scores of Srivastava et al. 2017 (VEEGAN), https://arxiv.org/abs/1705.07761: a sample is of high quality where it
lies within three standard deviations of its nearest centre; a mode is hit where at least one sample of high quality
lies nearest to its centre.
"""

import math

import chex
import numpy as np
from scipy import spatial, stats

from gengen.metrics.classes import divergence_of_counts
from gengen.metrics.interval import LEVEL, Estimate, Z, of_share


def good_counts(samples: np.ndarray, centres: np.ndarray, *, deviation: float, within: float = 3.0) -> np.ndarray:
    """Number of samples of high quality of each mode [K]: of those nearest to its centre, the ones that are near.

    Args:
      samples: points [N, D].
      centres: means of the mixture's components [K, D].
      deviation: standard deviation of every component along each axis.
      within: how many standard deviations from its centre a good sample may lie.
    """
    chex.assert_rank((samples, centres), 2)
    distances, nearest = spatial.KDTree(np.asarray(centres, np.float64)).query(np.asarray(samples, np.float64))
    return np.bincount(nearest[distances <= within * deviation], minlength=len(centres))


def high_quality(samples: np.ndarray, centres: np.ndarray, *, deviation: float, within: float = 3.0) -> Estimate:
    """The share of samples that lie within three standard deviations of their nearest centre.

    A perfect sampler has the chi-square distribution function of D degrees of freedom at `within` squared: in the
    plane 1 - exp(-4.5) = 98.89 %.

    Args:
      samples: points [N, D].
      centres: means of the mixture's components [K, D].
      deviation: standard deviation of every component along each axis.
      within: how many standard deviations from its centre a good sample may lie.
    """
    good = good_counts(samples, centres, deviation=deviation, within=within).sum()
    return of_share(good, len(samples))


def modes_hit(samples: np.ndarray, centres: np.ndarray, *, deviation: float, within: float = 3.0) -> Estimate:
    """The number of modes with at least one sample of high quality nearest to their centre, of K.

    A mode of mean count l is hit with probability 1 - exp(-l), and the variance of the number of modes hit, up to a
    term for the fixed number of samples, is sum exp(-l) (1 - exp(-l)): the expected number of modes that are missing
    now and that as many new samples would hit. With f0 modes missing and f1 hit once, the mean l of the missing is
    about f1 / f0 (Robbins 1956), and that number about f0 (1 - exp(-f1 / f0)). The interval is the score interval of
    a Poisson variable of this variance, but neither half is longer than the modes that it concerns allow one by one:
    below, those that are hit and might not have been, given the exact lower limit of l at their count; above, those
    that are missing (added in squares: Zou and Donner 2008, https://doi.org/10.1002/sim.3095).

    Args:
      samples: points [N, D].
      centres: means of the mixture's components [K, D].
      deviation: standard deviation of every component along each axis.
      within: how many standard deviations from its centre a good sample may lie.
    """
    counts = good_counts(samples, centres, deviation=deviation, within=within)
    seen, once = counts[counts > 0], int((counts == 1).sum())
    missing = len(counts) - len(seen)
    variance = missing * (1 - math.exp(-once / missing)) if missing else 0.0
    variance = max(variance - once**2 / len(samples), 0.0)
    together = (Z**2 + math.sqrt(Z**4 + 4 * Z**2 * variance)) / 2
    unsure = np.exp(-stats.chi2.ppf((1 - LEVEL) / 2, 2 * seen))  # exp(-l) squared, at Garwood's lower limit of l
    below = min(math.sqrt(unsure.sum() + Z**2 * variance), together, len(seen))
    above = min(math.sqrt(missing + Z**2 * variance), together, missing)
    return Estimate(float(len(seen)), len(seen) - below, len(seen) + above)


def mode_divergence(samples: np.ndarray, centres: np.ndarray, *, deviation: float, within: float = 3.0) -> Estimate:
    """The reverse Kullback-Leibler divergence: of the good samples' histogram over modes from the uniform distribution.

    Metz et al. 2017 (Unrolled GAN), https://arxiv.org/abs/1611.02163, section 3.3, and Srivastava et al. 2017 for
    modes that a classifier tells apart; Lin et al. 2018, https://arxiv.org/abs/1712.04086, for mixtures of Gaussians.

    Args:
      samples: points [N, D].
      centres: means of the mixture's components [K, D].
      deviation: standard deviation of every component along each axis.
      within: how many standard deviations from its centre a good sample may lie.

    Returns:
      The divergence in nats, log K where all good samples lie at one mode; NaN where no sample is good.
    """
    counts = good_counts(samples, centres, deviation=deviation, within=within)
    if not counts.any():
        return Estimate(math.nan, math.nan, math.nan)
    return divergence_of_counts(counts, np.full(len(counts), 1 / len(counts)))
