"""Latents of which a generator makes what was seen: a descent from several starts, the best of which is kept.

Creswell and Bharath 2018, https://arxiv.org/abs/1611.05644; with an operator, Bora et al. 2017,
https://arxiv.org/abs/1703.03208.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax

from gengen.restoration.methods import Seen
from gengen.samplers.probability_paths import lifted

OFF = 0.05
"""By how much a number of a picture is off what a generator can make at best, as a standard deviation in [-1, 1]."""

Decode = Callable[[jax.Array], jax.Array]
"""`latents [k, ...] -> pictures [k, H, W, C]`."""


class Prior(NamedTuple):
    """What latents are taken to be: a Gaussian of independent numbers.

    Attributes:
      mean: of each number, [...].
      deviation: of each number, [...], positive.
      weight: of its term; 0 where nothing is known.
    """

    mean: jax.Array
    deviation: jax.Array
    weight: float = 1.0


def inverted(
    decode: Decode, starts: jax.Array, seen: Seen, prior: Prior, *, steps: int, rate: float = 0.1
) -> tuple[jax.Array, jax.Array]:
    """Latents z that minimise |A G(z) - y|^2 / (2 s^2) + weight |(z - mean) / deviation|^2 / 2, by Adam.

    s^2 is the variance of the noise on y and that of `OFF`. Latents go by `rate` deviations a step, and less and less:
    along half a cosine.

    Args:
      decode: G.
      starts: latents to start from, [k, ...].
      seen: what was seen of one picture, y [1, *shape].
      prior: of latents.
      steps: of the descent.
      rate: of Adam, in deviations of the prior.

    Returns:
      The latents [k, ...] where the starts ended, and the loss of each [k], divided by the numbers of y.
    """
    optimizer = optax.adam(optax.cosine_decay_schedule(rate, steps))
    variance, numbers = seen.noise**2 + OFF**2, seen.y.size

    def latents(place: jax.Array) -> jax.Array:
        return prior.mean[None] + prior.deviation[None] * place

    def losses(place: jax.Array) -> jax.Array:
        left = seen.operator.forward(decode(latents(place))) - seen.y
        far = jnp.square(place).reshape(len(place), -1).sum(-1)
        each: jax.Array = jnp.square(left).reshape(len(place), -1).sum(-1) / variance + prior.weight * far
        return each / (2 * numbers)

    def step(
        carry: tuple[jax.Array, optax.OptState, jax.Array, jax.Array], _: None
    ) -> tuple[tuple[jax.Array, optax.OptState, jax.Array, jax.Array], None]:
        place, state, best, least = carry
        now, back = jax.vjp(losses, place)
        (gradient,) = back(jnp.ones_like(now))
        better = now < least
        best, least = jnp.where(lifted(better, place), place, best), jnp.where(better, now, least)
        with jax.numpy_dtype_promotion("standard"):  # Optax raises floats to integer powers
            change, state = optimizer.update(gradient, state)
        return (place + change, state, best, least), None

    first = (starts - prior.mean[None]) / prior.deviation[None]
    carry = (first, optimizer.init(first), first, jnp.full(len(first), jnp.inf))
    (last, _, best, least), _ = lax.scan(step, carry, length=steps)
    now = losses(last)
    return latents(jnp.where(lifted(now < least, last), last, best)), jnp.minimum(now, least)
