"""Consistency training: all points of a way from noise to data are to be led to its same end, the data.

Song et al. 2023, https://arxiv.org/abs/2303.01469; Song and Dhariwal 2023, https://arxiv.org/abs/2310.14189 (no average
as a teacher, pseudo-Huber errors, times by a log-normal law); Geng et al. 2024, https://arxiv.org/abs/2406.14548, whose
two points of a way begin at its two ends, where this is denoising, and come closer and closer in training.
"""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy.special import ndtri

from gengen.core.mean import Mean, mean_of
from gengen.core.model import Batch
from gengen.models.diffusion.method import Asked, Network, Shown, between, squares
from gengen.samplers.probability_paths import lifted
from gengen.values import Positive, Range


def consistent(
    network: Network,
    x: jax.Array,
    time: jax.Array,
    told: Batch,
    deviation: float,
    dropping: jax.Array | None = None,
) -> jax.Array:
    """The end of the way through x [n, *shape] at times [n]: c_skip(t) x + c_out(t) network(x, t).

    c_skip(0) = 1 and c_out(0) = 0, so that data are their own ends: Song et al. 2023, appendix C, eq. 25, with the
    weights of Karras et al. 2022, https://arxiv.org/abs/2206.00364, table 1, on straight lines.
    """
    variance = jnp.square(1 - time) * deviation**2 + jnp.square(time)
    skip, out = (1 - time) * deviation**2 / variance, time * deviation * lax.rsqrt(variance)
    return lifted(skip, x) * x + lifted(out, x) * network(x, time, None, told, dropping)


class Consistency(NamedTuple):
    """The settings.

    Attributes:
      mean: of log(t / (1 - t)), the logarithm of the ratio of noise and data.
      spread: standard deviation of it.
      doubling: steps in which the distance of two points of a way becomes half as long.
      doublings: how often it does.
      huber: errors far below it count squared, and far above it plainly: Song and Dhariwal 2023, eq. 7, where it is
        0.00054 for pictures.
    """

    mean: Annotated[float, Range(-10, 10)] = -1.1
    spread: Positive = 2.0
    doubling: Annotated[int, Range(1, 10_000_000)] = 500
    doublings: Annotated[int, Range(1, 16)] = 8
    huber: Positive = 0.01

    @property
    def spans(self) -> bool:
        """All of its leaps end at t = 0."""
        return False

    @property
    def most(self) -> int | None:
        """Any number of calls, between which noise is added again."""
        return None

    def loss(self, asked: Asked, shown: Shown, step: jax.Array, deviation: float) -> tuple[jax.Array, dict[str, Mean]]:
        """The pseudo-Huber error between the ends of two points of a way, over the distance of their noise ratios."""
        ratio = jnp.exp(jnp.clip(self.mean + self.spread * ndtri(shown.share), -10, 10))
        apart = self._apart(step, ratio)
        time, earlier = (one / (1 + one) for one in (ratio, ratio * (1 - apart)))
        x, before = (between(shown.data, shown.noise, one) for one in (time, earlier))
        target = lax.stop_gradient(consistent(asked.trained, before, earlier, shown.told, deviation, shown.dropping))
        each = squares(consistent(asked.trained, x, time, shown.told, deviation, shown.dropping) - target)
        errors = jnp.sqrt(each + self.huber**2) - self.huber
        return (errors / (ratio * apart)).mean(), {
            "squared_error": mean_of(each.mean()),
            "apart": mean_of(apart.mean()),
        }

    def _apart(self, step: jax.Array, ratio: jax.Array) -> jax.Array:
        """What share of its ratio of noise and data lies between a point and the one before it: Geng et al., eq. 13."""
        halved = jnp.minimum(step / self.doubling, self.doublings)
        nearer = 1 + 8 * jax.nn.sigmoid(-ratio)  # where there is little noise, ways bend
        return jnp.minimum(2.0**-halved * nearer, 1.0)

    def jump(
        self, network: Network, keys: jax.Array, x: jax.Array, time: jax.Array, earlier: jax.Array,
        told: Batch, deviation: float,
    ) -> jax.Array:  # fmt: skip
        """To the end, and from there back to a time between, with new noise: Song et al. 2023, algorithm 1."""
        data = consistent(network, x, time, told, deviation)
        noise = jax.vmap(lambda key: jax.random.normal(key, x.shape[1:]))(keys)
        return between(data, noise, earlier)
