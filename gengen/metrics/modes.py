"""Modes that are known: of which one each sample is, how many they cover, how evenly, and how many samples are of none.

The scores of Srivastava et al. 2017 (VEEGAN), https://arxiv.org/abs/1705.07761. Of a mixture of Gaussians a sample is
of high quality where it lies within three standard deviations of its nearest centre, and is then of that mode; where
modes are classes, it is of the one that a classifier sees. A mode is hit where at least one sample is of it.
"""

import math

import chex
import numpy as np
from scipy import spatial, stats

from gengen.metrics.classes import divergence_of_counts
from gengen.metrics.interval import LEVEL, Estimate, Z, of_share

NO_MODE = -1
"""What stands for the mode of a sample that is of none."""


def mode_of(samples: np.ndarray, centres: np.ndarray, *, deviation: float, within: float = 3.0) -> np.ndarray:
    """The mode of each sample, int [N]: the place of its nearest centre where that is near, else `NO_MODE`.

    Args:
      samples: points [N, D].
      centres: means of the mixture's components [K, D].
      deviation: standard deviation of every component along each axis.
      within: how many standard deviations from its centre a good sample may lie.
    """
    chex.assert_rank((samples, centres), 2)
    distances, nearest = spatial.KDTree(np.asarray(centres, np.float64)).query(np.asarray(samples, np.float64))
    return np.where(distances <= within * deviation, nearest, NO_MODE)


def high_quality(modes: np.ndarray) -> Estimate:
    """The share of samples that are of a mode.

    A perfect sampler of Gaussians has the chi-square distribution function of D degrees of freedom at the square of
    `within`: in the plane, within three deviations, 1 - exp(-4.5) = 98.89 %.

    Args:
      modes: of each sample, `NO_MODE` where it is of none [N].
    """
    return of_share(int((modes != NO_MODE).sum()), len(modes))


def modes_hit(modes: np.ndarray, number: int) -> Estimate:
    """The number of modes with at least one sample, of K.

    A mode of mean count l is hit with probability 1 - exp(-l), and the variance of the number of modes hit, up to a
    term for the fixed number of samples, is sum exp(-l) (1 - exp(-l)): the expected number of modes that are missing
    now and that as many new samples would hit. With f0 modes missing and f1 hit once, the mean l of the missing is
    about f1 / f0 (Robbins 1956), and that number about f0 (1 - exp(-f1 / f0)). The interval is the score interval of
    a Poisson variable of this variance, but neither half is longer than the modes that it concerns allow one by one:
    below, those that are hit and might not have been, given the exact lower limit of l at their count; above, those
    that are missing (added in squares: Zou and Donner 2008, https://doi.org/10.1002/sim.3095).

    Args:
      modes: of each sample, `NO_MODE` where it is of none [N].
      number: K.
    """
    counts = _counts(modes, number)
    seen, once = counts[counts > 0], int((counts == 1).sum())
    missing = len(counts) - len(seen)
    variance = missing * (1 - math.exp(-once / missing)) if missing else 0.0
    variance = max(variance - once**2 / len(modes), 0.0)
    together = (Z**2 + math.sqrt(Z**4 + 4 * Z**2 * variance)) / 2
    unsure = np.exp(-stats.chi2.ppf((1 - LEVEL) / 2, 2 * seen))  # exp(-l) squared, at Garwood's lower limit of l
    below = min(math.sqrt(unsure.sum() + Z**2 * variance), together, len(seen))
    above = min(math.sqrt(missing + Z**2 * variance), together, missing)
    return Estimate(float(len(seen)), len(seen) - below, len(seen) + above)


def mode_divergence(modes: np.ndarray, number: int) -> Estimate:
    """The reverse Kullback-Leibler divergence: of the samples' histogram over modes from the uniform distribution.

    Metz et al. 2017 (Unrolled GAN), https://arxiv.org/abs/1611.02163, section 3.3, and Srivastava et al. 2017 for
    modes that a classifier tells apart; Lin et al. 2018, https://arxiv.org/abs/1712.04086, for mixtures of Gaussians.

    Args:
      modes: of each sample, `NO_MODE` where it is of none, which counts nowhere [N].
      number: K.

    Returns:
      The divergence in nats, log K where all samples are of one mode; where none is of any, log K with an interval of
      all that it may be.
    """
    counts = _counts(modes, number)
    if not counts.any():
        return Estimate(math.log(number), 0.0, math.log(number))
    return divergence_of_counts(counts, np.full(number, 1 / number))


def _counts(modes: np.ndarray, number: int) -> np.ndarray:
    """Samples of each mode [K]."""
    chex.assert_rank(modes, 1)
    return np.bincount(modes[modes != NO_MODE], minlength=number)
