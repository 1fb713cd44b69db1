"""The probability-flow ODE, solved to a tolerance: data of latents, latents of data, and exact log densities.

With D = E[x_0 | x_t], dx/dt = alpha'(t) D + sigma'(t) (x - alpha(t) D) / sigma(t) has the marginals of the path: Song
et al. 2021, arXiv:2011.13456, section 4.3. It is solved from or to a small time, for sigma' may be infinite at 0.
"""

import math

import jax
import jax.numpy as jnp

from gengen.samplers.dormand_prince import Field, Solution, integrated
from gengen.samplers.predictions import converted
from gengen.samplers.probability_paths import Path
from gengen.samplers.sampler import Denoise, drawn

EARLIEST = 1e-5
"""Time at which data is taken to be: the density that is meant has the noise of this time in it."""

_PROBES = 0
"""Place of the noise that probes are made of."""


def flow_field(denoise: Denoise, path: Path) -> Field:
    """dx/dt of the probability-flow ODE, `(x [n, *E], t [n]) -> [n, *E]`."""
    return lambda x, t: converted(denoise(x, t), "data", "velocity", path, x, t)


def to_data(
    denoise: Denoise, path: Path, latents: jax.Array, *, tolerance: float = 1e-4, earliest: float | jax.Array = EARLIEST
) -> Solution:
    """From x_1 to x at the earliest time; `to_latents` undoes it.

    Args:
      denoise: of the data.
      path: of the noise.
      latents: x_1 [n, *E].
      tolerance: of a step; see `integrated`.
      earliest: time to stop at.

    Returns:
      x [n, *E], and calls [n].
    """
    return integrated(flow_field(denoise, path), latents, 1.0, earliest, tolerance=tolerance)


def to_latents(
    denoise: Denoise, path: Path, data: jax.Array, *, tolerance: float = 1e-4, earliest: float | jax.Array = EARLIEST
) -> Solution:
    """From data [n, *E], as x at the earliest time, to x_1; the arguments are those of `to_data`."""
    return integrated(flow_field(denoise, path), data, earliest, 1.0, tolerance=tolerance)


def log_density(
    keys: jax.Array,
    denoise: Denoise,
    path: Path,
    data: jax.Array,
    *,
    probes: int | None = None,
    tolerance: float = 1e-5,
    earliest: float | jax.Array = EARLIEST,
) -> Solution:
    """log p of data in nats: that of x_1 under N(0, sigma(1)^2), and the divergence of the field on the way there.

    It is the density of what `to_data` makes of N(0, sigma(1)^2), whatever the denoiser is.

    Args:
      keys: [n], for the probes.
      denoise: of the data; it is differentiated in x.
      path: of the noise.
      data: x at the earliest time [n, *E].
      probes: vectors of random signs for Hutchinson's estimate of the divergence, which is free of bias (Grathwohl et
        al. 2019, arXiv:1810.01367); None: the exact divergence, which costs as many as an example has numbers.
      tolerance: of a step; see `integrated`.
      earliest: time that the data is at.

    Returns:
      Nats [n], and calls [n] of the field and its derivatives together.
    """
    shape = data.shape[1:]
    numbers = math.prod(shape)
    if probes is None:
        units = jnp.eye(numbers, dtype=data.dtype).reshape(numbers, 1, *shape)
        directions = jnp.broadcast_to(units, (numbers, *data.shape))
    else:
        noise = drawn(keys, _PROBES, (probes, *shape))
        directions = jnp.where(jnp.moveaxis(noise, 1, 0) > 0, 1.0, -1.0).astype(data.dtype)
    field = flow_field(denoise, path)

    def both(state: tuple[jax.Array, jax.Array], t: jax.Array) -> tuple[jax.Array, jax.Array]:
        x, _ = state
        slope, derivative = jax.linearize(lambda x: field(x, t), x)
        along = jax.lax.map(lambda direction: jnp.sum(_rows(direction * derivative(direction)), 1), directions)
        return slope, along.sum(0) / (1 if probes is None else probes)

    start = data, jnp.zeros(len(data), data.dtype)
    solution = integrated(both, start, earliest, 1.0, tolerance=tolerance)
    latents, divergence = solution.state
    deviation = path.sigma(jnp.ones(()))
    squares = jnp.sum(jnp.square(_rows(latents) / deviation), 1)
    constant = numbers * (math.log(2 * math.pi) / 2 + jnp.log(deviation))
    return Solution(divergence - squares / 2 - constant, solution.calls)


def _rows(x: jax.Array) -> jax.Array:
    return x.reshape(len(x), -1)
