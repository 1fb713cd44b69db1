"""Samplers by name; the number of network calls is what they are told and compared by."""

from collections.abc import Callable, Mapping
from typing import Annotated

import jax
import jax.numpy as jnp

from gengen.samplers.grids import SPACINGS, grid
from gengen.samplers.ode import EARLIEST, to_data
from gengen.samplers.probability_paths import Path
from gengen.samplers.sampler import Denoise, Sampler, Trajectory, trajectory
from gengen.samplers.solvers import (
    Churn,
    Rule,
    ancestral_step,
    euler_step,
    followed,
    heun_solver,
    multistep_solver,
    noisy_ddim_step,
)
from gengen.values import MOST, OneOf, Positive, Range, Share, Weight

Calls = Annotated[int, Range(1, 10_000), "how often the network is called for one sample"]

Spacing = Annotated[str, OneOf(tuple(SPACINGS)), "in what the times that a sampler stops at are even"]

Level = Annotated[float, Range(0, MOST)]
"""Of noise: sigma / alpha."""

VARIANCES = ("posterior", "forward")
"""Of an ancestral step: that of q(x_s | x_t, x_0), or that of q(x_t | x_s), DDPM's beta, its upper bound."""


def _of_rule(rule: Rule, calls: int, spacing: str, *, noisy: bool) -> Sampler:
    def solve(keys: jax.Array, denoise: Denoise, path: Path, start: jax.Array) -> Trajectory:
        return followed(rule, keys, denoise, path, start, grid(path, calls, spacing), noisy=noisy)

    return Sampler(calls, solve)


def ancestral(
    *,
    calls: Calls = 1000,
    spacing: Spacing = "time",
    variance: Annotated[str, OneOf(VARIANCES)] = "posterior",
) -> Sampler:
    """DDPM's sampling, which adds noise at every step: Ho et al. 2020, algorithm 2."""
    return _of_rule(ancestral_step(variance == "forward"), calls, spacing, noisy=True)


def ddim(*, calls: Calls = 50, spacing: Spacing = "time", eta: Share = 0.0) -> Sampler:
    """DDIM, of first order on the probability-flow ODE; eta is the share of noise added, 1 is ancestral."""
    return _of_rule(noisy_ddim_step(eta), calls, spacing, noisy=eta > 0)


def euler(*, calls: Calls = 50, spacing: Spacing = "time") -> Sampler:
    """Euler's method in time, as in flow matching; on the path "linear" it is `ddim`."""
    return _of_rule(euler_step, calls, spacing, noisy=False)


def heun(
    *,
    calls: Calls = 35,
    spacing: Spacing = "power",
    churn: Weight = 0.0,
    churn_from: Level = 0.05,
    churn_to: Level = 50.0,
    churn_noise: Positive = 1.003,
) -> Sampler:
    """EDM's method of second order (see `heun_solver`), with two calls a step but for the last, which has one.

    An even number of calls leaves one over; then the first step has one call, too, for at that end D hardly changes.
    `churn` is EDM's S_churn, for which `churn_from`, `churn_to` (noise levels) and `churn_noise` are the others.
    """
    steps = calls // 2 + 1
    plain = {steps - 1} if calls % 2 else {0, steps - 1}
    noise = Churn(churn, churn_from, churn_to, churn_noise) if churn else None

    def solve(keys: jax.Array, denoise: Denoise, path: Path, start: jax.Array) -> Trajectory:
        times = grid(path, steps, spacing)
        return heun_solver(keys, denoise, path, start, times, plain=plain, churn=noise)

    return Sampler(calls, solve)


def dpm_solver(*, calls: Calls = 20, spacing: Spacing = "log_snr") -> Sampler:
    """DPM-Solver++ 2M, of second order with one call a step."""

    def solve(keys: jax.Array, denoise: Denoise, path: Path, start: jax.Array) -> Trajectory:
        return multistep_solver(denoise, path, start, grid(path, calls, spacing))

    return Sampler(calls, solve)


def ode(
    *, tolerance: Annotated[float, Range(1e-6, 1)] = 1e-4, earliest: Annotated[float, Range(1e-6, 0.1)] = EARLIEST
) -> Sampler:
    """The probability-flow ODE with error control, as many calls as each sample needs; the denoiser ends it.

    Samples have no common steps: the trajectory is its two ends.
    """

    def solve(keys: jax.Array, denoise: Denoise, path: Path, start: jax.Array) -> Trajectory:
        x = to_data(denoise, path, start, tolerance=tolerance, earliest=earliest).state
        x = denoise(x, jnp.full(len(x), earliest))
        return trajectory(start, x, x[None])

    return Sampler(None, solve)


SAMPLERS: Mapping[str, Callable[..., Sampler]] = {
    "ancestral": ancestral,
    "ddim": ddim,
    "euler": euler,
    "heun": heun,
    "dpm_solver": dpm_solver,
    "ode": ode,
}
"""Samplers by name."""
