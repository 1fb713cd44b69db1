"""Shortcut models: a leap over a span is two leaps over its halves, down to spans so short that they are a velocity.

Frans et al. 2024, https://arxiv.org/abs/2410.12557. Most examples of a batch are those of flow matching, of span 0.
For the others, the mean of what the network says of the two halves is the target of what it says of the whole, eq. 4.
"""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from gengen.core.mean import Mean, mean_of
from gengen.core.model import Batch
from gengen.models.diffusion.method import Asked, Network, Shown, between, joined, leapt, parted, squares
from gengen.samplers.probability_paths import lifted
from gengen.values import Range


def halves(
    network: Callable[[jax.Array, jax.Array, jax.Array], jax.Array],
    x: jax.Array,
    time: jax.Array,
    span: jax.Array,
    said: jax.Array,
) -> jax.Array:
    """The mean velocity over two halves of a span, one after the other, [n, *shape]: eq. 4.

    Args:
      network: `(x, times, spans)` -> mean velocities.
      x: what lies at the times, [n, *shape].
      time: where spans end, [n].
      span: their lengths [n].
      said: which lengths the network is told that the halves have, [n].
    """
    first = network(x, time, said)
    middle = x - lifted(span / 2, x) * first
    return (first + network(middle, time - span / 2, said)) / 2


class Shortcut(NamedTuple):
    """The settings: section 3.2 and table 4 of the paper.

    Attributes:
      every: one of how many examples is of a leap, all others of the velocity.
      halvings: how often a span of 1 is halved; after that it is 0.
      guidance: how far velocities of a class are exaggerated in targets of the shortest leaps, of which all longer ones
        are made, so that one call does it; 1 for not at all.
    """

    every: Annotated[int, Range(1, 1_000)] = 4
    halvings: Annotated[int, Range(1, 12)] = 7
    guidance: Annotated[float, Range(0, 100)] = 1.0

    @property
    def spans(self) -> bool:
        """It is told them."""
        return True

    @property
    def most(self) -> int | None:
        """Any number of calls; it has learnt those that are powers of 2."""
        return None

    def loss(self, asked: Asked, shown: Shown, step: jax.Array, deviation: float) -> tuple[jax.Array, dict[str, Mean]]:
        """Eq. 5; the two parts of it are `velocity` and `leap`."""
        del step, deviation
        leaping, still = parted(shown, self.every)
        time, span = self._drawn(leaping)
        x = between(leaping.data, leaping.noise, time)

        def network(x: jax.Array, time: jax.Array, span: jax.Array) -> jax.Array:
            return self._guided(asked.steady, leaping, x, time, span)

        target = halves(network, x, time, span, jnp.where(span > 2.0 ** (1 - self.halvings), span / 2, 0.0))
        others = between(still.data, still.noise, still.share)
        all_of_them = joined(
            (x, time, span, leaping.told, leaping.dropping, lax.stop_gradient(target)),
            (others, still.share, jnp.zeros_like(still.share), still.told, still.dropping, still.noise - still.data),
        )
        *given, wanted = all_of_them
        each = squares(asked.trained(*given) - wanted)
        n = len(time)
        return each.mean(), {"leap": mean_of(each[:n].mean()), "velocity": mean_of(each[n:].mean())}

    def _drawn(self, shown: Shown) -> tuple[jax.Array, jax.Array]:
        """Times [n] and spans [n]: a whole number of spans, from 1 to as many as there are, before t = 0."""
        spans = 2.0 ** -jnp.arange(self.halvings, dtype=jnp.float32)
        place = jax.vmap(lambda key: jax.random.randint(key, (), 0, self.halvings))(shown.keys)
        span = spans[place]
        return (jnp.floor(shown.share / span) + 1) * span, span

    def _guided(self, network: Network, shown: Shown, x: jax.Array, time: jax.Array, span: jax.Array) -> jax.Array:
        said = network(x, time, span, shown.told)
        if self.guidance == 1 or not shown.told:
            return said
        free = network(x, time, span, shown.nothing)
        guided = free + self.guidance * (said - free)
        return jnp.where(lifted(shown.silent | (span > 0), x), said, guided)  # longer spans have learnt it: section 4

    def jump(
        self, network: Network, keys: jax.Array, x: jax.Array, time: jax.Array, earlier: jax.Array,
        told: Batch, deviation: float,
    ) -> jax.Array:  # fmt: skip
        """Algorithm 2: x - d s."""
        del keys, deviation
        return leapt(network, x, time, earlier, told)
