"""Which times a diffusion model is trained at, and how much an error counts at each.

Papers weigh errors of the data's mean, E[x_0 | x_t]; a network gives something else, such as the noise, whose error is
that of the mean divided by a factor c(t). Here all weights are brought to what the network gives.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy.special import ndtri

from gengen.core.parallel import AXIS
from gengen.samplers.predictions import converted
from gengen.samplers.probability_paths import Path, log_snr, time_at
from gengen.values import Entries, Range

MOST_SNR = 5.0
"""Where min-SNR cuts: Hang et al. 2023, https://arxiv.org/abs/2303.09556, section 3.4."""

LogRatio = Annotated[Sequence[Annotated[float, Range(-10, 10)]], Entries(2, 2)]
"""Mean and deviation of log(sigma / alpha)."""

LOG_RATIO = (-1.2, 1.2)
"""Mean and deviation of log(sigma / alpha) of pictures: Karras et al. 2022, arXiv:2206.00364, table 1."""


def evenly(key: jax.Array, n: int) -> jax.Array:
    """Numbers in [0, 1), evenly over the global batch from a random start: Kingma et al. 2021, arXiv:2107.00630, I.1.

    Args:
      key: the same on every replica; `AXIS` must be bound.
      n: examples of this replica.

    Returns:
      Those of this replica, [n].
    """
    places = (lax.axis_index(AXIS) * n + jnp.arange(n)).astype(jnp.float32)
    return (places + jax.random.uniform(key)) / (n * lax.axis_size(AXIS))


def _uniform(uniform: jax.Array, path: Path, log_ratio: Sequence[float]) -> jax.Array:
    del path, log_ratio
    return uniform


def _logit_normal(uniform: jax.Array, path: Path, log_ratio: Sequence[float]) -> jax.Array:
    """Times in the middle more often: Esser et al. 2024, https://arxiv.org/abs/2403.03206, section 3.1."""
    del path, log_ratio
    return jax.nn.sigmoid(ndtri(uniform))


def _log_normal(uniform: jax.Array, path: Path, log_ratio: Sequence[float]) -> jax.Array:
    mean, deviation = log_ratio
    return time_at(path, jnp.exp(mean + deviation * ndtri(uniform)))


TIMES: Mapping[str, Callable[[jax.Array, Path, Sequence[float]], jax.Array]] = {
    "uniform": _uniform,
    "logit_normal": _logit_normal,
    "log_normal": _log_normal,
}
"""`(numbers [B] in (0, 1), path, mean and deviation of log(sigma / alpha)) -> times [B]`, the inverse of each
distribution function; "log_normal" alone asks for the two."""


def _likelihood(path: Path, time: jax.Array, deviation: float) -> jax.Array:
    """Half the pace of the signal-to-noise ratio: Kingma et al. 2021, https://arxiv.org/abs/2107.00630, eq. 17."""
    del deviation
    pace: jax.Array = jax.jvp(lambda time: log_snr(path, time), (time,), (jnp.ones_like(time),))[1]
    return -pace * jnp.exp(log_snr(path, time)) / 2


def _min_snr(path: Path, time: jax.Array, deviation: float) -> jax.Array:
    del deviation
    return jnp.minimum(jnp.exp(log_snr(path, time)), MOST_SNR)


def _edm(path: Path, time: jax.Array, deviation: float) -> jax.Array:
    """Karras et al. 2022, table 1, lambda(sigma), of the ratio sigma / alpha."""
    return jnp.exp(log_snr(path, time)) + deviation**-2


OF_MEANS: Mapping[str, Callable[[Path, jax.Array, float], jax.Array]] = {
    "likelihood": _likelihood,
    "min_snr": _min_snr,
    "edm": _edm,
}
"""`(path, times [B], deviation of the data) -> weights [B]` of a squared error of the data's mean."""

WEIGHTINGS = ("simple", *OF_MEANS)
"""Names of the weightings; "simple" counts errors of what the network gives as they are (Ho et al. 2020, eq. 14)."""


def weights(weighting: str, prediction: str, path: Path, time: jax.Array, deviation: float) -> jax.Array:
    """Weights [B] of a squared error of what the network gives.

    Args:
      weighting: one of `WEIGHTINGS`.
      prediction: what the network gives, one of `PREDICTIONS`.
      path: from data to noise.
      time: [B].
      deviation: of the data.
    """
    if weighting == "simple":
        return jnp.ones_like(time)

    def mean(given: jax.Array) -> jax.Array:
        return converted(given, prediction, "data", path, jnp.zeros_like(time), time, deviation=deviation)

    factor = mean(jnp.ones_like(time)) - mean(jnp.zeros_like(time))  # the mean is linear in what the network gives
    return OF_MEANS[weighting](path, time, deviation) * factor**2
