"""Times that a sampler stops at: from 1, where all is noise, to 0, where the data is."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from jax import lax

from gengen.samplers.probability_paths import LARGEST, LEAST, POWER, Path, time_at


def _evenly(path: Path, shares: jax.Array) -> jax.Array:
    return shares


def _by_log_snr(path: Path, shares: jax.Array) -> jax.Array:
    return time_at(path, LEAST * (LARGEST / LEAST) ** shares)


def _by_power(path: Path, shares: jax.Array) -> jax.Array:
    low, high = LEAST ** (1 / POWER), LARGEST ** (1 / POWER)
    return time_at(path, (low + (high - low) * shares) ** POWER)


SPACINGS: Mapping[str, Callable[[Path, jax.Array], jax.Array]] = {
    "time": _evenly,
    "log_snr": _by_log_snr,
    "power": _by_power,
}
"""Times by the share in [0, 1] of the way that is still to go.

- time: evenly in t.
- log_snr: evenly in log(alpha / sigma), DPM-Solver's (Lu et al. 2022, arXiv:2206.00927).
- power: evenly in (sigma / alpha)^(1/7), EDM's equation 5.
"""


def grid(path: Path, steps: int, spacing: str) -> jax.Array:
    """Decreasing times [steps + 1], of which the first is 1 and the last is 0 exactly.

    Both ends of a spacing by noise are replaced: the smallest noise level is not a stop of its own before 0, as it is
    in EDM, where two steps are as good as one. On a path with steps (`in_steps`) all times are of these.

    Args:
      path: of the noise.
      steps: from 1 on; not more than the path has, where it has steps.
      spacing: one of SPACINGS.

    Raises:
      ValueError: there is no such grid.
    """
    if spacing not in SPACINGS:
        raise ValueError(f"spacing {spacing!r} is unknown; choose one of {', '.join(SPACINGS)}.")
    if steps < 1 or (path.steps is not None and steps > path.steps):
        most = "1 or more" if path.steps is None else f"1 to {path.steps}, which is what the path has"
        raise ValueError(f"a sampler cannot take {steps} steps here; choose {most}.")
    places = jnp.arange(steps + 1)
    shares = (steps - places) / steps
    times = SPACINGS[spacing](path, shares)
    times = jnp.where(places == 0, 1.0, jnp.where(places == steps, 0.0, times))
    if path.steps is None:
        return times
    nearest = jnp.round(times * path.steps).astype(jnp.int32)
    apart = lax.cummin(nearest + places) - places  # at least one step less than the time before
    return jnp.maximum(apart, steps - places) / path.steps
