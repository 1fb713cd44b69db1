"""Denoisers that know what was seen: the mean of data behind noise, and behind an observation y = A x + noise.

Each makes of a denoiser E[x_0 | x_t] another one, near to E[x_0 | x_t, y], which any sampler takes. By Tweedie that is
E[x_0 | x_t] + sigma^2 / alpha times the gradient of log p(y | x_t), for which p(x_0 | x_t) is taken for Gaussian. Its
covariance is C = sigma^2 / alpha J with the denoiser's derivative J, and methods differ in what they put for it.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from gengen.restoration.operators import Operator
from gengen.samplers.probability_paths import Path, lifted
from gengen.samplers.sampler import Denoise

FARTHEST = 20.0
"""sigma / alpha from which on guidance fades: sigma^2 / alpha would enlarge the errors of a network's derivative."""

TINY = 1e-12


def null_space(denoise: Denoise, operator: Operator, y: jax.Array) -> Denoise:
    """What is seen, and the rest by the denoiser: A+ y + (I - A+ A) E[x_0 | x_t].

    DDNM: Wang et al. 2022, https://arxiv.org/abs/2212.00490, equation 13. Nothing is differentiated. The observation
    has no noise, and known pixels come back exactly.

    Args:
      denoise: of the data, unconditional.
      operator: A.
      y: what was seen, [n, *shape].
    """
    return lambda x, t: operator.project(denoise(x, t), y)


def pseudo_inverse(
    denoise: Denoise, path: Path, operator: Operator, y: jax.Array, *, noise: float, variance: float
) -> Denoise:
    """E[x_0 | x_t] + sigma^2 / alpha J* A* (r^2 A A* + noise^2)^-1 (y - A E[x_0 | x_t]).

    PiGDM: Song et al. 2023, https://openreview.net/forum?id=9_gsMA8MRKQ, equation 7. For p(y | x_t) the covariance is
    r^2 I, that of data N(0, variance I): for such data it is exact.

    Args:
      denoise: of the data, unconditional.
      path: of the noise in x_t.
      operator: A.
      y: what was seen, [n, *shape].
      noise: standard deviation of the noise on y.
      variance: of a number of the data.
    """

    def guided(x: jax.Array, t: jax.Array) -> jax.Array:
        mean, back = jax.vjp(lambda x: denoise(x, t), x)
        spread = variance / (1 + variance * jnp.square(path.alpha(t) / path.sigma(t)))
        solved = operator.solve(y - operator.forward(mean), noise**2 / spread) / lifted(spread, y)
        (gradient,) = back(operator.adjoint(solved))
        found: jax.Array = mean + lifted(_gain(path, t), x) * gradient
        return found

    return guided


def moment_matching(
    denoise: Denoise, path: Path, operator: Operator, y: jax.Array, *, noise: float, iterations: int
) -> Denoise:
    """E[x_0 | x_t] + C A* (A C A* + noise^2)^-1 (y - A E[x_0 | x_t]), C = sigma^2 / alpha J.

    MMPS: Rozet et al. 2024, https://arxiv.org/abs/2405.13712, section 4.2. The inverse is that of conjugate gradients,
    each iteration of which differentiates the denoiser once; for Gaussian data, enough of them make it exact.

    Args:
      denoise: of the data, unconditional.
      path: of the noise in x_t.
      operator: A.
      y: what was seen, [n, *shape].
      noise: standard deviation of the noise on y.
      iterations: of conjugate gradients.
    """

    def guided(x: jax.Array, t: jax.Array) -> jax.Array:
        mean, back = jax.vjp(lambda x: denoise(x, t), x)
        gain = lifted(_gain(path, t), x)

        def to_data(v: jax.Array) -> jax.Array:
            (gradient,) = back(operator.adjoint(v))
            return jnp.asarray(gain * gradient)

        def covariance(v: jax.Array) -> jax.Array:
            return operator.forward(to_data(v)) + noise**2 * v

        return mean + to_data(_conjugate_gradients(covariance, y - operator.forward(mean), iterations))

    return guided


def _gain(path: Path, t: jax.Array) -> jax.Array:
    """sigma^2 / alpha at times [n], but less where there is more noise than `FARTHEST`, and 0 where alpha is."""
    alpha, sigma = path.alpha(t), path.sigma(t)
    near = sigma < FARTHEST * alpha
    return alpha * jnp.square(jnp.where(near, sigma / jnp.where(near, alpha, 1), FARTHEST))


def _conjugate_gradients(apply: Callable[[jax.Array], jax.Array], right: jax.Array, iterations: int) -> jax.Array:
    """v [n, ...] with apply(v) = right, each example by itself: Hestenes and Stiefel 1952.

    What is left is never divided by less than rounding makes of it: where nothing is to be solved, v stays as it is.
    """

    def dot(a: jax.Array, b: jax.Array) -> jax.Array:
        return lifted((a * b).reshape(len(a), -1).sum(-1), a)

    first = dot(right, right)

    def step(_: int, carry: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        v, left, way, before = carry
        applied = apply(way)
        below = dot(way, applied)
        goes = (before > TINY * first) & (below > TINY * before)
        length = jnp.where(goes, before / jnp.where(goes, below, 1), 0)
        v, left = v + length * way, left - length * applied
        after = dot(left, left)
        turn = jnp.where(goes, after / jnp.where(goes, before, 1), 0)
        return v, left, left + turn * way, jnp.where(goes, after, 0)

    found: jax.Array = lax.fori_loop(0, iterations, step, (jnp.zeros_like(right), right, right, first))[0]
    return found
