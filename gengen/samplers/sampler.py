"""What a sampler is: from noise to data by a denoiser, which it knows nothing else about."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gengen.samplers.probability_paths import Path

Denoise = Callable[[jax.Array, jax.Array], jax.Array]
"""`(x_t [n, *E], t [n]) -> E[x_0 | x_t] [n, *E]`, no example of which looks at another."""


class Trajectory(NamedTuple):
    """Where steps lead.

    Attributes:
      end: x after the last step, [n, *E].
      states: x before the first step and after each, [steps + 1, n, *E]; a compiled program that does not look at them
        does not keep them.
    """

    end: jax.Array
    states: jax.Array


Solve = Callable[[jax.Array, Denoise, Path, jax.Array], Trajectory]
"""`(keys [n], denoise, path, x_1 [n, *E]) -> x from there to x_0`; a key may be the one that x_1 was drawn with."""


class Sampler(NamedTuple):
    """A way from noise to data.

    Attributes:
      calls: how often the denoiser is called for one sample; None where that depends on the sample.
      solve: does it.
    """

    calls: int | None
    solve: Solve


def trajectory(first: jax.Array, end: jax.Array, later: jax.Array) -> Trajectory:
    """The trajectory from x before the first step, [n, *E], by those after each step, [steps, n, *E]."""
    return Trajectory(end, jnp.concatenate([first[None], later]))


def start(keys: jax.Array, path: Path, shape: tuple[int, ...]) -> jax.Array:
    """What lies at t = 1, N(0, sigma(1)^2): [n, *shape], each example by its own key of keys [n]."""
    return path.sigma(jnp.ones(())) * drawn(keys, 0, shape)


def drawn(keys: jax.Array, place: jax.Array | int, shape: tuple[int, ...]) -> jax.Array:
    """Noise N(0, I) [n, *shape] of keys [n]: place 0 is the start, place i the i-th step."""

    def of_one(key: jax.Array) -> jax.Array:
        return jax.random.normal(jax.random.fold_in(key, place), shape)

    return jax.vmap(of_one)(keys)
