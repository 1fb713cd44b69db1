"""Rules that go from one time to an earlier one, and loops that follow them over any decreasing times.

The probability-flow ODE (Song et al. 2021, arXiv:2011.13456, equation 13) of D(x, t) = E[x_0 | x_t] is, in x / sigma
over alpha / sigma, simply d(x / sigma) / d(alpha / sigma) = D. A step on it is x_s = sigma_s / sigma_t x_t + (alpha_s -
alpha_t sigma_s / sigma_t) D: exact where D does not change, whatever the path, and defined at both ends. That is DDIM;
solvers of higher order put a better mean of D there.

Loops are scans with one call in them: compiling takes as long for 1,000 calls as for one.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gengen.samplers.probability_paths import Path, noise_ratio, on_path, posterior, rates, shrinking, time_at
from gengen.samplers.sampler import Denoise, Trajectory, drawn, trajectory

Rule = Callable[[Path, jax.Array, jax.Array, jax.Array, jax.Array, jax.Array], jax.Array]
"""`(path, x_t [n, *E], D [n, *E], t [], s [], noise [n, *E]) -> x_s [n, *E]`."""


def ddim_step(path: Path, x: jax.Array, data: jax.Array, t: jax.Array, s: jax.Array) -> jax.Array:
    """x_s [n, *E] with the noise that x_t has beside `data`: Song et al. 2021, arXiv:2010.02502, equation 12."""
    return path.sigma(s) / path.sigma(t) * x + path.alpha(s) * (1 - shrinking(path, s, t)) * data


def noisy_ddim_step(eta: float) -> Rule:
    """DDIM with a share eta of the noise that an ancestral step adds (equation 16): 0 adds none, 1 is ancestral."""

    def rule(path: Path, x: jax.Array, data: jax.Array, t: jax.Array, s: jax.Array, noise: jax.Array) -> jax.Array:
        added = eta**2 * (1 - jnp.square(shrinking(path, s, t)))
        kept = jnp.sqrt(1 - added) * (x - path.alpha(t) * data) / path.sigma(t)
        return path.alpha(s) * data + path.sigma(s) * (kept + jnp.sqrt(added) * noise)

    return rule


def ancestral_step(forward: bool) -> Rule:
    """A draw of q(x_s | x_t, x_0 = D), as in DDPM, algorithm 2; at s = 0 it is D.

    Args:
      forward: the variance is that of q(x_t | x_s), DDPM's beta; else the one of q(x_s | x_t, x_0).
    """

    def rule(path: Path, x: jax.Array, data: jax.Array, t: jax.Array, s: jax.Array, noise: jax.Array) -> jax.Array:
        mean, variance = posterior(path, x, data, s, t)
        if forward:
            beta = jnp.square(path.sigma(t)) * (1 - jnp.square(shrinking(path, s, t)))
            variance = jnp.where(path.sigma(s) > 0, beta, 0.0)
        return mean + jnp.sqrt(variance) * noise

    return rule


def euler_step(path: Path, x: jax.Array, data: jax.Array, t: jax.Array, s: jax.Array, noise: jax.Array) -> jax.Array:
    """x_t + (s - t) dx/dt, Euler's step in time; the one to s = 0 is DDIM's, since dx/dt may have no limit there.

    Where x_t is linear in t at given x_0 and eps (flow matching), each step is DDIM's. On curved paths it is another
    method, and mostly a worse one.
    """
    alpha_rate, sigma_rate = rates(path, t)
    velocity = alpha_rate * data + sigma_rate * (x - path.alpha(t) * data) / path.sigma(t)
    return jnp.where(s > 0, x + (s - t) * velocity, ddim_step(path, x, data, t, s))


def followed(
    rule: Rule, keys: jax.Array, denoise: Denoise, path: Path, start: jax.Array, times: jax.Array, *, noisy: bool
) -> Trajectory:
    """Where a rule of one call leads over all times.

    Args:
      rule: of one step.
      keys: [n].
      denoise: of the data.
      path: of the noise.
      start: x at the first time, [n, *E].
      times: [steps + 1], not increasing; only the last may be 0.
      noisy: the rule looks at the noise.

    Returns:
      From the first time to the last.
    """

    def step(x: jax.Array, now: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        t, s, place = now
        noise = drawn(keys, place, x.shape[1:]) if noisy else jnp.zeros_like(x)
        x = rule(path, x, denoise(x, jnp.full(len(x), t)), t, s, noise)
        return x, x

    return trajectory(start, *lax.scan(step, start, (times[:-1], times[1:], jnp.arange(1, len(times)))))


class Churn(NamedTuple):
    """Noise that is added before each step of `heun_solver`: EDM, algorithm 2.

    Attributes:
      amount: S_churn; over all steps, the noise level is raised by about this factor in all.
      low: S_tmin; no noise is added where sigma / alpha is smaller.
      high: S_tmax; or larger.
      noise: S_noise, deviation of what is added.
    """

    amount: float
    low: float
    high: float
    noise: float


def heun_solver(
    keys: jax.Array,
    denoise: Denoise,
    path: Path,
    start: jax.Array,
    times: jax.Array,
    *,
    plain: Collection[int],
    churn: Churn | None = None,
) -> Trajectory:
    """Heun's method, of second order: a DDIM step, and the same step again with the mean of D at both of its ends.

    It is that of EDM, algorithm 1, but for the mean: D is weighed as if it were linear in (sigma / alpha)^2, as that of
    smooth data is at last, where EDM takes the plain mean of the noise. Both are of second order. On normal laws and
    mixtures of them this one errs a third as much with 10 to 50 steps, and it is defined where alpha = 0.

    Args:
      keys: [n].
      denoise: of the data.
      path: of the noise.
      start: x at the first time, [n, *E].
      times: [steps + 1], decreasing.
      plain: places of steps that are DDIM's, with one call instead of two; a step to 0 has to be.
      churn: noise to be added; None: none.

    Returns:
      From the first time to the last.
    """
    steps = len(times) - 1
    calls = [(i, again) for i in range(steps) for again in ((False,) if i in plain else (False, True))]
    places, again = (np.asarray(column) for column in zip(*calls, strict=True))
    raised = _raised(path, times[:-1], churn) if churn else times[:-1]

    def call(
        carry: tuple[jax.Array, jax.Array], now: tuple[jax.Array, ...]
    ) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        x, before = carry
        low, t, s, place, corrects = now
        if churn:
            left = path.alpha(t) / jnp.maximum(path.alpha(low), 1e-20)  # nothing is raised where nothing is left
            width = jnp.sqrt(jnp.maximum(jnp.square(path.sigma(t)) - jnp.square(left * path.sigma(low)), 0.0))
            noisier = left * x + width * churn.noise * drawn(keys, place + 1, x.shape[1:])
            x = jnp.where(corrects | (t <= low), x, noisier)
        data = denoise(x, jnp.full(len(x), jnp.where(corrects, s, t)))
        ahead = ddim_step(path, x, data, t, s)
        shrunk = shrinking(path, s, t)
        better = x + path.alpha(s) * (1 - shrunk) / (1 + shrunk) * (data - before)
        x = jnp.where(corrects, better, ahead)
        return (x, data), x

    scanned = (times[places], raised[places], times[places + 1], jnp.asarray(places), jnp.asarray(again))
    (x, _), states = lax.scan(call, (start, jnp.zeros_like(start)), scanned)
    last = np.flatnonzero(np.diff(places, append=steps))  # calls of each step
    return trajectory(start, x, states[last])


def _raised(path: Path, times: jax.Array, churn: Churn) -> jax.Array:
    """The times [steps] that noise is added up to, at most 1."""
    ratio = noise_ratio(path, times)
    factor = 1 + min(churn.amount / len(times), 2**0.5 - 1)
    later = on_path(path, time_at(path, jnp.where(jnp.isfinite(ratio), ratio, 0.0) * factor))
    return jnp.where((ratio >= churn.low) & (ratio <= churn.high), jnp.maximum(later, times), times)


def multistep_solver(denoise: Denoise, path: Path, start: jax.Array, times: jax.Array) -> Trajectory:
    """DPM-Solver++ 2M, of second order with one call a step: Lu et al. 2022, arXiv:2211.01095, algorithm 2.

    D is continued on a line through its last two values, over log(alpha / sigma); in the step to 0, where that is
    infinite, over (sigma / alpha)^2, in which D is linear at last. The first step is DDIM's, and so is the second
    where alpha was 0 before.

    Args:
      denoise: of the data.
      path: of the noise.
      start: x at the first time, [n, *E].
      times: [steps + 1], decreasing.

    Returns:
      From the first time to the last.
    """

    def step(
        carry: tuple[jax.Array, jax.Array], now: tuple[jax.Array, ...]
    ) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        x, before = carry
        t, s, weight = now
        data = denoise(x, jnp.full(len(x), t))
        x = ddim_step(path, x, data + weight * (data - before), t, s)
        return (x, data), x

    earlier = shrinking(path, times[1:], times[:-1])
    lengths = -jnp.log(earlier)  # in log(alpha / sigma); infinite where a step begins or ends at an end
    squares = jnp.square(earlier[:-1])
    after = jnp.where(earlier[1:] > 0, lengths[1:] / (2 * lengths[:-1]), squares / (1 - squares))
    weights = jnp.concatenate([jnp.zeros(1), after])
    (x, _), states = lax.scan(step, (start, jnp.zeros_like(start)), (times[:-1], times[1:], weights))
    return trajectory(start, x, states)
