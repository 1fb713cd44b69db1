"""What a network predicts of x_t = alpha x_0 + sigma eps, and how one prediction becomes every other.

All of them are linear in x_0 and eps, and x_t is known, so each tells the same. They differ in the noise that a network
has to see through, in what the weights of a loss mean, and in where they say nothing: no noise follows from data at
t = 0, and no data follows from noise where alpha = 0.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gengen.samplers.probability_paths import Path, latest, lifted, rates
from gengen.samplers.sampler import Denoise

PREDICTIONS = ("noise", "data", "velocity", "score", "edm")
"""Names of predictions.

- noise: eps, as in DDPM.
- data: x_0.
- velocity: dx_t/dt = alpha'(t) x_0 + sigma'(t) eps at given x_0 and eps, the target of flow matching. On paths with
  alpha^2 + sigma^2 = 1 it is the v of Salimans and Ho 2022 (arXiv:2202.00512), alpha eps - sigma x_0, times the speed
  of the angle atan(sigma / alpha).
- score: -eps / sigma; the mean of it given x_t is grad log p(x_t).
- edm: F of x_0 = c_skip x_t / alpha + c_out F (Karras et al. 2022, equation 7), of unit variance at all times where
  the data has the deviation that it is told. With deviation 1 and alpha^2 + sigma^2 = 1 it is -v.
"""

DEVIATION = 0.5
"""EDM's deviation of data, which pictures in [-1, 1] have about."""

_LEAST = 1e-6
"""What is divided by at least, so that what says nothing is not NaN, which would spread."""


class _Known(NamedTuple):
    """Coefficients at times t, [n, 1, ...]."""

    alpha: jax.Array
    sigma: jax.Array
    alpha_rate: jax.Array
    sigma_rate: jax.Array
    total: jax.Array
    deviation: float


def converted(
    value: jax.Array,
    given: str,
    wanted: str,
    path: Path,
    x: jax.Array,
    t: jax.Array,
    *,
    deviation: float = DEVIATION,
) -> jax.Array:
    """One prediction as another one.

    Args:
      value: what was predicted [n, *E].
      given: what it is, one of PREDICTIONS.
      wanted: what it becomes, one of PREDICTIONS.
      path: of the noise.
      x: x_t [n, *E].
      t: times [n]. At 0 and where alpha = 0 the answer is finite, and means something where it follows from `value`.
      deviation: standard deviation of a number of the data, of which "edm" alone asks.

    Returns:
      The other prediction [n, *E].
    """
    for name in (given, wanted):
        if name not in PREDICTIONS:
            raise ValueError(f"prediction {name!r} is unknown; choose one of {', '.join(PREDICTIONS)}.")
    if given == wanted:
        return value
    alpha, sigma = path.alpha(t), path.sigma(t)
    total = jnp.sqrt(jnp.square(alpha * deviation) + jnp.square(sigma))
    alpha_rate, sigma_rate = rates(path, t)
    known = _Known(
        alpha=lifted(alpha, x),
        sigma=lifted(sigma, x),
        alpha_rate=lifted(alpha_rate, x),
        sigma_rate=lifted(sigma_rate, x),
        total=lifted(total, x),
        deviation=deviation,
    )
    return _WANTED[wanted](*_GIVEN[given](value, x, known), known)


def _of_noise(value: jax.Array, x: jax.Array, known: _Known) -> tuple[jax.Array, jax.Array]:
    return (x - known.sigma * value) / jnp.maximum(known.alpha, _LEAST), value


def _of_data(value: jax.Array, x: jax.Array, known: _Known) -> tuple[jax.Array, jax.Array]:
    return value, (x - known.alpha * value) / jnp.maximum(known.sigma, _LEAST)


def _of_velocity(value: jax.Array, x: jax.Array, known: _Known) -> tuple[jax.Array, jax.Array]:
    """Solves the two equations that x_t and its derivative are."""
    determinant = known.alpha * known.sigma_rate - known.alpha_rate * known.sigma
    data = (known.sigma_rate * x - known.sigma * value) / determinant
    return data, (known.alpha * value - known.alpha_rate * x) / determinant


def _of_score(value: jax.Array, x: jax.Array, known: _Known) -> tuple[jax.Array, jax.Array]:
    return _of_noise(-known.sigma * value, x, known)


def _of_edm(value: jax.Array, x: jax.Array, known: _Known) -> tuple[jax.Array, jax.Array]:
    """EDM's c_skip and c_out, with x_t / alpha and sigma / alpha for its x and sigma, and alpha taken out of both."""
    data = known.alpha * known.deviation**2 / jnp.square(known.total) * x
    noise = known.sigma / jnp.square(known.total) * x
    part = known.deviation / known.total * value
    return data + known.sigma * part, noise - known.alpha * part


_GIVEN: dict[str, Callable[[jax.Array, jax.Array, _Known], tuple[jax.Array, jax.Array]]] = {
    "noise": _of_noise,
    "data": _of_data,
    "velocity": _of_velocity,
    "score": _of_score,
    "edm": _of_edm,
}
"""x_0 and eps of each prediction."""

_WANTED: dict[str, Callable[[jax.Array, jax.Array, _Known], jax.Array]] = {
    "noise": lambda data, noise, known: noise,
    "data": lambda data, noise, known: data,
    "velocity": lambda data, noise, known: known.alpha_rate * data + known.sigma_rate * noise,
    "score": lambda data, noise, known: -noise / jnp.maximum(known.sigma, _LEAST),
    "edm": lambda data, noise, known: (
        (known.sigma / known.deviation * data - known.alpha * known.deviation * noise) / known.total
    ),
}
"""Each prediction of x_0 and eps."""


def input_scale(path: Path, t: jax.Array, *, deviation: float = DEVIATION) -> jax.Array:
    """1 / sqrt(alpha^2 deviation^2 + sigma^2), of t's shape: x_t times it has unit variance (EDM's c_in, table 1)."""
    return jax.lax.rsqrt(jnp.square(path.alpha(t) * deviation) + jnp.square(path.sigma(t)))


def denoiser(
    predict: Callable[[jax.Array, jax.Array], jax.Array], given: str, path: Path, *, deviation: float = DEVIATION
) -> Denoise:
    """E[x_0 | x_t] of a network that predicts anything.

    Where the data does not follow from what is predicted any more, near t = 1, the network is asked about the latest
    time where it does, with the same x_t. That costs less than to begin there: an error of the order of (alpha /
    sigma)^2 instead of alpha / sigma.

    Args:
      predict: `(x_t [n, *E], t [n]) -> prediction [n, *E]`.
      given: what it predicts, one of PREDICTIONS.
      path: of the noise.
      deviation: as in `converted`.

    Returns:
      `(x_t [n, *E], t [n]) -> E[x_0 | x_t] [n, *E]`.
    """
    end = latest(path) if given in ("noise", "score") else jnp.ones(())

    def denoise(x: jax.Array, t: jax.Array) -> jax.Array:
        t = jnp.minimum(t, end)
        return converted(predict(x, t), given, "data", path, x, t, deviation=deviation)

    return denoise
