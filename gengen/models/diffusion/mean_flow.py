"""MeanFlow: a network learns the mean velocity over any span of time from an identity, and leaps over all of it.

Geng et al. 2025, https://arxiv.org/abs/2505.13447. The mean velocity u(x_t, r, t) from t back to r obeys, eq. 6,

    u = v - (t - r) du/dt,   du/dt = v . grad u + the derivative of u by t,

of which the right side is a target: one product with a Jacobian, forwards. Where r = t, that is flow matching.
"""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy.special import ndtri

from gengen.core.mean import Mean, mean_of
from gengen.core.model import Batch
from gengen.models.diffusion.method import Asked, Network, Shown, between, joined, leapt, parted, squares
from gengen.samplers.probability_paths import lifted
from gengen.values import Positive, Range, Share


def identity(
    network: Callable[[jax.Array, jax.Array, jax.Array], jax.Array],
    x: jax.Array,
    time: jax.Array,
    earlier: jax.Array,
    velocity: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Both sides of eq. 6, [n, *shape] each, which are equal where the network says the mean velocity.

    Args:
      network: `(x, times, spans)` -> mean velocities.
      x: what lies at the times, [n, *shape].
      time: where spans end, [n].
      earlier: where they begin, [n].
      velocity: of x at the times, [n, *shape].
    """
    said, pace = jax.jvp(lambda x, time: network(x, time, time - earlier), (x, time), (velocity, jnp.ones_like(time)))
    return said, velocity - lifted(time - earlier, x) * pace


class MeanFlow(NamedTuple):
    """The settings, of which table 1 and section 4 of the paper say more.

    Attributes:
      every: one of how many examples has a span, all others have r = t.
      mean: of the logits of times.
      spread: standard deviation of the logits of times.
      power: p of weights 1 / (squared error + c)^p, which count all errors alike at p = 1: section 4.3.
      guidance: how far velocities of a class are exaggerated in training, so that one call does it: section 4.2; 1 for
        not at all.
      mixed: kappa in [0, 1), how much of the network's own velocity under the class the exaggerated one holds.
    """

    every: Annotated[int, Range(1, 1_000)] = 4
    mean: Annotated[float, Range(-10, 10)] = -0.4
    spread: Positive = 1.0
    power: Annotated[float, Range(0, 2)] = 1.0
    guidance: Annotated[float, Range(0, 100)] = 1.0
    mixed: Annotated[Share, Range(0, 1, below=True)] = 0.0

    @property
    def spans(self) -> bool:
        """It is told them."""
        return True

    @property
    def most(self) -> int | None:
        """Any number of calls."""
        return None

    def loss(self, asked: Asked, shown: Shown, step: jax.Array, deviation: float) -> tuple[jax.Array, dict[str, Mean]]:
        """Eq. 9 to 11, weighted by eq. 22; `squared_error` is without weights."""
        del step, deviation
        logits = self.mean + self.spread * jnp.stack([ndtri(shown.share), jax.vmap(jax.random.normal)(shown.keys)])
        one, other = jax.nn.sigmoid(logits)
        spanning, still = parted((shown, one, other), self.every)
        with_spans = self._error(asked, spanning[0], jnp.maximum(*spanning[1:]), jnp.minimum(*spanning[1:]))
        error = joined(with_spans, self._error(asked, still[0], still[1], None))
        each = squares(error)
        weight = lax.stop_gradient(jnp.power(each + 1e-3, -self.power))
        return (weight * each).mean(), {"squared_error": mean_of(each.mean())}

    def _error(self, asked: Asked, shown: Shown, time: jax.Array, earlier: jax.Array | None) -> jax.Array:
        """What the network says beside its target, [n, *shape]; where there is no earlier time, r = t."""
        x = between(shown.data, shown.noise, time)
        velocity = lax.stop_gradient(self._velocity(asked, shown, x, time))
        if earlier is None:
            return asked.trained(x, time, jnp.zeros_like(time), shown.told, shown.dropping) - velocity
        said, target = identity(
            lambda x, time, span: asked.trained(x, time, span, shown.told, shown.dropping), x, time, earlier, velocity
        )
        return said - lax.stop_gradient(target)

    def _velocity(self, asked: Asked, shown: Shown, x: jax.Array, time: jax.Array) -> jax.Array:
        """Of each example [n, *shape], exaggerated where a class is told: eq. 19 and 21, with omega of the paper."""
        own = shown.noise - shown.data
        if self.guidance == 1 or not shown.told:
            return own
        still = jnp.zeros_like(time)
        omega = self.guidance * (1 - self.mixed)
        classed, free = (asked.steady(x, time, still, told) for told in (shown.told, shown.nothing))
        guided = omega * own + self.mixed * classed + (1 - omega - self.mixed) * free
        return jnp.where(lifted(shown.silent, x), own, guided)

    def jump(
        self, network: Network, keys: jax.Array, x: jax.Array, time: jax.Array, earlier: jax.Array,
        told: Batch, deviation: float,
    ) -> jax.Array:  # fmt: skip
        """Algorithm 2: x - (t - r) u."""
        del keys, deviation
        return leapt(network, x, time, earlier, told)
