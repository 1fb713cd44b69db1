"""From noise to data in few calls, by networks that leap over any span of time."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from gengen.samplers.sampler import Trajectory, trajectory
from gengen.values import Range

Jump = Callable[[jax.Array, jax.Array, jax.Array, jax.Array], jax.Array]
"""`(keys [n], x [n, *E] at the times, times [n], earlier times [n]) -> x [n, *E] at the earlier times`."""


class Jumps(NamedTuple):
    """Leaps of one length from t = 1, noise, to t = 0, data.

    Attributes:
      calls: how many, each one call of the network.
    """

    calls: int

    def solve(self, keys: jax.Array, jump: Jump, start: jax.Array) -> Trajectory:
        """Leaps from `start` [n, *E] at t = 1 to data [n, *E].

        Args:
          keys: typed PRNG keys [n], one of each example.
          jump: what leaps.
          start: noise [n, *E].
        """

        def leap(x: jax.Array, number: jax.Array | int) -> tuple[jax.Array, jax.Array]:
            own = jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, number)
            left = jnp.asarray(self.calls - number, jnp.float32)
            times, earlier = (jnp.full(len(x), now / self.calls) for now in (left, left - 1))
            x = jump(own, x, times, earlier)
            return x, x

        if self.calls == 1:
            end, _ = leap(start, 0)
            return trajectory(start, end, end[None])
        return trajectory(start, *lax.scan(leap, start, jnp.arange(self.calls)))


def jumps(*, calls: Annotated[int, Range(1, 1_000)] = 1) -> Jumps:
    """Leaps of one length, of networks that know how: consistency, shortcut, MeanFlow and drifting models.

    Args:
      calls: how many leaps, each one call of the network.
    """
    return Jumps(calls)
