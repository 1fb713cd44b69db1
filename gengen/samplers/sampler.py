"""What a sampler is: from noise to data by a denoiser, which it knows nothing else about."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gengen.samplers.probability_paths import Path

Denoise = Callable[[jax.Array, jax.Array], jax.Array]
"""`(x_t [n, *E], t [n]) -> E[x_0 | x_t] [n, *E]`, no example of which looks at another."""

Solve = Callable[[jax.Array, Denoise, Path, jax.Array], jax.Array]
"""`(keys [n], denoise, path, x_1 [n, *E]) -> x_0 [n, *E]`; a key may be the one that x_1 was drawn with."""


class Sampler(NamedTuple):
    """A way from noise to data.

    Attributes:
      calls: how often the denoiser is called for one sample; None where that depends on the sample.
      solve: does it.
    """

    calls: int | None
    solve: Solve


def start(keys: jax.Array, path: Path, shape: tuple[int, ...]) -> jax.Array:
    """What lies at t = 1, N(0, sigma(1)^2): [n, *shape], each example by its own key of keys [n]."""
    return path.sigma(jnp.ones(())) * drawn(keys, 0, shape)


def drawn(keys: jax.Array, place: jax.Array | int, shape: tuple[int, ...]) -> jax.Array:
    """Noise N(0, I) [n, *shape] of keys [n]: place 0 is the start, place i the i-th step."""

    def of_one(key: jax.Array) -> jax.Array:
        return jax.random.normal(jax.random.fold_in(key, place), shape)

    return jax.vmap(of_one)(keys)
