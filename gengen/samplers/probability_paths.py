"""Probability paths from data to noise: x_t = alpha(t) x_0 + sigma(t) eps, eps ~ N(0, I), with t in [0, 1].

At t = 0 lies the data, at t = 1 the noise. A path is two functions of time, whatever the data: DDPM (Ho et al. 2020,
arXiv:2006.11239), EDM (Karras et al. 2022, arXiv:2206.00364) and flow matching (Lipman et al. 2023, arXiv:2210.02747)
differ in nothing else here.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

LARGEST = 80.0
"""sigma/alpha beyond which data is not told from noise any more: EDM's largest noise level, table 1."""

LEAST = 0.002
"""sigma/alpha below which noise is not seen any more: EDM's smallest noise level, table 1."""

POWER = 7.0
"""EDM's rho: noise levels are spaced evenly in their seventh root."""

_EARLIEST = 1e-6
"""Where derivatives at earlier times are taken: on some paths sigma' has no limit at t = 0."""


class Path(NamedTuple):
    """How much of data and of noise is left at each time.

    Attributes:
      name: of the path.
      alpha: factor of the data, t of any shape -> of the same shape; alpha(0) = 1, and it never grows with t.
      sigma: standard deviation of the noise, t of any shape -> of the same shape; sigma(0) = 0, and it grows with t.
      steps: where a number, only the times k / steps are on the path, k = 0, ..., steps; None: all of [0, 1].
    """

    name: str
    alpha: Callable[[jax.Array], jax.Array]
    sigma: Callable[[jax.Array], jax.Array]
    steps: int | None = None


def _variance_preserving_log_alpha(t: jax.Array) -> jax.Array:
    return -(0.1 * t + (20.0 - 0.1) * jnp.square(t) / 2) / 2


VARIANCE_PRESERVING = Path(
    "variance_preserving",
    lambda t: jnp.exp(_variance_preserving_log_alpha(t)),
    lambda t: jnp.sqrt(-jnp.expm1(2 * _variance_preserving_log_alpha(t))),
)
"""DDPM's linear beta in continuous time, from 0.1 to 20: Song et al. 2021, arXiv:2011.13456, equation 33.

alpha(1)^2 is 4e-5, not 0: who begins with N(0, I) at t = 1 moves the mean of the data by 0.6 % of its deviation.
"""

_OFFSET = 0.008
_COSINE_SCALE = math.cos(math.pi / 2 * _OFFSET / (1 + _OFFSET))

COSINE = Path(
    "cosine",
    lambda t: jnp.sin(math.pi / 2 / (1 + _OFFSET) * (1 - t)) / _COSINE_SCALE,
    lambda t: (
        jnp.sqrt(jnp.sin(math.pi / 2 / (1 + _OFFSET) * t) * jnp.sin(math.pi / 2 / (1 + _OFFSET) * (t + 2 * _OFFSET)))
        / _COSINE_SCALE
    ),
)
"""alpha(t)^2 = f(t) / f(0), f(t) = cos^2((t + 0.008) / 1.008 pi/2): Nichol and Dhariwal 2021, arXiv:2102.09672, eq. 17.

alpha(1) is 0 exactly. Written as sines, so that neither end is a difference of near numbers.
"""

_GROWTH = (LARGEST / LEAST) ** (1 / POWER) - 1

VARIANCE_EXPLODING = Path(
    "variance_exploding",
    jnp.ones_like,
    lambda t: LARGEST * jnp.expm1(POWER * jnp.log1p(_GROWTH * t)) / math.expm1(POWER * math.log1p(_GROWTH)),
)
"""EDM's noise levels: alpha = 1, and (sigma + 0.002)^(1/7) is linear in t, up to sigma(1) = 80 (EDM, equation 5).

EDM itself calls sigma the time. Here noise levels that matter have times of their own, so that a network can tell them
apart and times drawn evenly are of use: half of them are noise levels below 2.5.
"""

LINEAR = Path("linear", lambda t: 1 - t, lambda t: t)
"""The straight line of flow matching and of rectified flow (Liu et al. 2023, arXiv:2209.03003)."""

PATHS: Mapping[str, Path] = {path.name: path for path in (VARIANCE_PRESERVING, COSINE, VARIANCE_EXPLODING, LINEAR)}
"""Paths by name."""


def in_steps(path: Path, steps: int) -> Path:
    """The same path, walked in `steps` steps: it begins and ends where it did, however few these are."""
    if steps < 1:
        raise ValueError(f"A path has at least one step, not {steps}.")
    return path._replace(steps=steps)


def on_path(path: Path, t: jax.Array) -> jax.Array:
    """The times that are on the path, nearest to t; those after 0 stay after 0, where there would be no noise."""
    if path.steps is None:
        return t
    nearest = jnp.maximum(jnp.round(t * path.steps), jnp.where(t > 0, 1.0, 0.0))
    return nearest / path.steps


def lifted(values: jax.Array, x: jax.Array) -> jax.Array:
    """Values [n] with axes of length 1 behind them, [n, 1, ...], as many as x [n, *E] has."""
    return values.reshape(values.shape[0], *([1] * (x.ndim - 1)))


def noised(path: Path, data: jax.Array, noise: jax.Array, t: jax.Array) -> jax.Array:
    """x_t = alpha(t) x_0 + sigma(t) eps.

    Args:
      path: of the noise.
      data: x_0 [n, *E].
      noise: eps [n, *E].
      t: times [n].

    Returns:
      x_t [n, *E].
    """
    return lifted(path.alpha(t), data) * data + lifted(path.sigma(t), data) * noise


def rates(path: Path, t: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The derivatives alpha'(t) and sigma'(t), of t's shape; before t = 1e-6 those of 1e-6, so that they are finite."""
    t = jnp.maximum(t, _EARLIEST)
    ones = jnp.ones_like(t)
    return jax.jvp(path.alpha, (t,), (ones,))[1], jax.jvp(path.sigma, (t,), (ones,))[1]


def log_snr(path: Path, t: jax.Array) -> jax.Array:
    """log(alpha^2 / sigma^2), of t's shape; infinite where one of them is 0."""
    return 2 * (jnp.log(path.alpha(t)) - jnp.log(path.sigma(t)))


def noise_ratio(path: Path, t: jax.Array) -> jax.Array:
    """sigma/alpha, the noise level of x_t / alpha(t), of t's shape; infinite where nothing is left of the data."""
    return path.sigma(t) / path.alpha(t)


def time_at(path: Path, ratio: jax.Array) -> jax.Array:
    """The time at which sigma/alpha is a number, of its shape, found by bisection; 1 where it never is so large."""

    def halved(_: int, ends: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        low, high = ends
        middle = (low + high) / 2
        later = path.sigma(middle) < ratio * path.alpha(middle)
        return jnp.where(later, middle, low), jnp.where(later, high, middle)

    ends: tuple[jax.Array, jax.Array] = jnp.zeros_like(ratio), jnp.ones_like(ratio)
    ends = lax.fori_loop(0, 48, halved, ends)
    return (ends[0] + ends[1]) / 2


def latest(path: Path) -> jax.Array:
    """The last time [] at which what was predicted of the noise still tells of the data: sigma/alpha is 80 there, or 1.

    Where alpha(t) = 0, x_t = eps, and no data follows from a perfect prediction of it.
    """
    end = jnp.ones(())
    last: jax.Array = jnp.where(path.sigma(end) <= LARGEST * path.alpha(end), end, time_at(path, jnp.asarray(LARGEST)))
    return last


def posterior(path: Path, x: jax.Array, data: jax.Array, s: jax.Array, t: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Mean and variance of q(x_s | x_t, x_0), s < t: DDPM, equations 6 and 7, on any path and for any two times.

    With alpha_{t|s} = alpha_t / alpha_s and sigma_{t|s}^2 = sigma_t^2 - alpha_{t|s}^2 sigma_s^2, it is N(alpha_{t|s}
    sigma_s^2 / sigma_t^2 x_t + alpha_s sigma_{t|s}^2 / sigma_t^2 x_0, sigma_s^2 sigma_{t|s}^2 / sigma_t^2).

    Args:
      path: of the noise.
      x: x_t [n, *E].
      data: x_0 [n, *E].
      s: earlier times [n] or [].
      t: later times, of the same shape, after 0; they may be 1.

    Returns:
      Mean [n, *E] and variance, [n, 1, ...] or [].
    """
    if t.ndim:
        s, t = lifted(s, x), lifted(t, x)
    alpha, sigma = path.alpha(s), path.sigma(s)
    shrunk = shrinking(path, s, t)
    fresh = 1 - jnp.square(shrunk)
    return shrunk * sigma / path.sigma(t) * x + alpha * fresh * data, jnp.square(sigma) * fresh


def shrinking(path: Path, s: jax.Array, t: jax.Array) -> jax.Array:
    """What sigma/alpha at s is of the one at t, in [0, 1], where s <= t and t > 0; of their shape.

    It is 0 where alpha(t) is, and 1 where alpha(s) is, too: then both are noise alone.
    """
    left = path.alpha(s)
    shrunk = path.sigma(s) * path.alpha(t) / (jnp.where(left > 0, left, 1.0) * path.sigma(t))
    return jnp.where(left > 0, shrunk, 1.0)
