"""A monotone map of single numbers by the distribution function of a mixture of Gaussians.

The conditionals of Papamakarios et al. 2017, https://arxiv.org/abs/1705.07057, section 4.1 (MADE MoG, MAF MoG), as a
layer; with logistics in place of Gaussians, Ho et al. 2019, https://arxiv.org/abs/1902.00275, section 3.2.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.nn import logsumexp
from jax.scipy.special import log_ndtr, ndtri
from jax.scipy.stats import norm

from gengen.networks.bijectors.monotone import Moved, Transform

WIDTH = 0.8
"""Deviation of each component at first; together they then make one normal number, see `gaussian_mixture`."""

FEWEST = 12
"""Components of which the grid is fine enough for that."""

_HALVINGS = 40


def gaussian_mixture(components: int, narrowest: float = 1e-3) -> Transform:
    """z with Phi(z) = sum_k w_k Phi((x - m_k) / s_k): x that follow that mixture become normal numbers.

    Parameters of a number are, in this order, K logits of weights, K shifts of the means m and K logarithms of s. Where
    all are 0, the means lie on a grid, weighted as by a normal density of deviation 0.6, and s is 0.8: the sum of such
    Gaussians is nearly a normal density (Poisson's summation formula), and the map the identity to 3e-5 between -4 and
    4; the grid ends at 3, and further out z falls behind x. Components that start alike would stay so.

    The inverse halves an interval that is known to hold x; what it loses is what single precision does, divided by the
    slope, which between narrow components is almost 0.

    Args:
      components: K, `FEWEST` at least.
      narrowest: the least s.

    Returns:
      A transform of 3 K parameters.

    Raises:
      ValueError: so few make no normal number.
    """
    if components < FEWEST:
        raise ValueError(f"components={components} make no normal number; {FEWEST} are the fewest that do")
    mixture = _Mixture(components, narrowest)
    return Transform(3 * components, mixture.forward, mixture.inverse)


class _Mixture(NamedTuple):
    """What `gaussian_mixture` is told."""

    components: int
    narrowest: float

    def forward(self, parameters: jax.Array, x: jax.Array) -> Moved:
        read = self._read(parameters)
        below, above = _tails(read, x)
        z = jnp.where(below < above, 1, -1) * _quantile(jnp.minimum(below, above))
        log_weights, means, log_scales = read
        each = norm.logpdf((x[..., None] - means) * jnp.exp(-log_scales)) - log_scales
        return z, logsumexp(log_weights + each, axis=-1) - norm.logpdf(z)

    def inverse(self, parameters: jax.Array, z: jax.Array) -> Moved:
        _, means, log_scales = read = lax.stop_gradient(self._read(parameters))
        target = lax.stop_gradient(log_ndtr(-jnp.abs(z)))
        ends = means + jnp.exp(log_scales) * lax.stop_gradient(z)[..., None]  # each has as much below its end as z has

        def halved(_: int, ends: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            low, high = ends
            middle = 0.5 * (low + high)
            below, above = _tails(read, middle)
            beyond = jnp.where(z < 0, below > target, above < target)
            return jnp.where(beyond, low, middle), jnp.where(beyond, middle, high)

        low, high = lax.fori_loop(0, _HALVINGS, halved, (ends.min(-1), ends.max(-1)))
        x = 0.5 * (low + high)
        reached, slope = self.forward(parameters, x)
        difference = (z - lax.stop_gradient(z)) - (reached - lax.stop_gradient(reached))  # 0, with derivatives
        x += difference * lax.stop_gradient(jnp.exp(-slope))
        return x, -self.forward(parameters, x)[1]

    def _read(self, parameters: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Logarithms of weights, means, and logarithms of deviations, all [..., K]."""
        spread = math.sqrt(1 - WIDTH**2)
        grid = np.linspace(-5 * spread, 5 * spread, self.components)
        weights, shifts, scales = jnp.split(parameters, 3, -1)

        def at_first(values: np.ndarray) -> jax.Array:
            return jnp.asarray(values, jnp.float32).reshape((1,) * (shifts.ndim - 1) + (-1,))

        log_weights = jax.nn.log_softmax(weights + at_first(-0.5 * (grid / spread) ** 2))
        log_scales = jnp.logaddexp(scales + math.log(WIDTH - self.narrowest), math.log(self.narrowest))
        return log_weights, shifts + at_first(grid), log_scales


def _tails(read: tuple[jax.Array, jax.Array, jax.Array], x: jax.Array) -> jax.Array:
    """Logarithms of how much of a mixture lies below x and above it, [2, ...]."""
    log_weights, means, log_scales = read
    away = (x[..., None] - means) * jnp.exp(-log_scales)
    return logsumexp(log_weights[None] + log_ndtr(jnp.stack([away, -away])), axis=-1)


def _quantile(log_share: jax.Array) -> jax.Array:
    """The z <= 0 with log Phi(z) as given, far out, too, where Phi is 0 in single precision."""
    held = lax.stop_gradient(log_share)
    far = -jnp.sqrt(jnp.maximum(-2 * held - jnp.log(2 * math.pi * jnp.maximum(-2 * held, 1)), 1))
    start = jnp.where(held > -10, ndtri(jnp.exp(jnp.maximum(held, -10))), far)

    def newton(z: jax.Array, log_share: jax.Array) -> jax.Array:
        reached = lax.stop_gradient(log_ndtr(z))
        return z + (log_share - reached) * jnp.exp(reached - norm.logpdf(z))

    z = lax.fori_loop(0, 2, lambda _, z: newton(z, held), start)
    return newton(z, log_share)  # with its derivative
