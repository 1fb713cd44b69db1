"""Autoregressive layers: every number is moved by a transform whose parameters follow from the numbers before it.

Papamakarios et al. 2017, https://arxiv.org/abs/1705.07057, section 3.1; their inverse is a layer of Kingma et al. 2016,
https://arxiv.org/abs/1606.04934.
"""

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gengen.networks.bijectors.bijector import Bijector, Mapped, summed
from gengen.networks.bijectors.fixed_point import solve
from gengen.networks.bijectors.monotone import Transform
from gengen.values import OneOf

SAMPLINGS = ("parallel", "sequential")

Sampling = Annotated[str, OneOf(SAMPLINGS)]
"""How numbers that depend on each other are found: each after those before it, or all again until none changes."""

FARTHEST = 1e6
"""Beyond it, numbers that are still being found are cut: a mask takes 0 times them, which must be 0."""

TOLERANCE = 1e-6
"""A change of a number, as a share of 1 and the number, that counts as none."""

Update = Callable[[Any, jax.Array], jax.Array]
"""`(given, x) -> x`: of which number i depends on `given` and on the numbers before it."""


class Autoregressive(Bijector):
    """z_i = f(x_i; parameters of the x before it): one pass to encode; the way back is looked for.

    Attributes:
      conditioner: `(x [B, *shape], context) -> parameters [B, *shape, transform.numbers]`, which depend on the numbers
        before theirs alone.
      transform: f.
      order: places in the flat example, the first one first; () for 0, 1, 2, ...; what is found one by one needs it.
      sampling: one of `SAMPLINGS`, which find the same numbers. In parallel is by the fixed-point iteration of Jacobi,
        which has the first k numbers exactly after k passes, and mostly all of them after far fewer than D: Song et al.
        2021, https://arxiv.org/abs/2002.03629, algorithm 1.
    """

    conditioner: nn.Module
    transform: Transform
    order: Sequence[int] = ()
    sampling: str = "parallel"

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        z, slope = self.transform.forward(self.conditioner(x, context), x)
        return z, summed(slope)

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`; derivatives are those of the solution."""
        variables = {"params": self.conditioner.variables["params"]}
        conditioner: Any = self.conditioner.clone(parent=None)  # modules that are bound do not go into loops

        def update(given: Any, x: jax.Array) -> jax.Array:
            variables, z, context = given
            parameters: jax.Array = conditioner.apply(variables, x, context)
            return self.transform.inverse(parameters, z)[0]

        order = tuple(self.order) or tuple(range(math.prod(z.shape[1:])))
        found = solved(update, order, self.sampling, (variables, z, context))
        x, slope = self.transform.inverse(self.conditioner(found, context), z)
        return x, summed(slope)


def solved(update: Update, order: Sequence[int], sampling: str, given: tuple[Any, jax.Array, Any]) -> jax.Array:
    """The one solution of x = update(given, x), [B, *shape].

    Args:
      update: as `Update`.
      order: of the places of the flat example.
      sampling: one of `SAMPLINGS`.
      given: arrays on which the solution depends; it has derivatives by them (implicit function theorem). The second
        one is as large as the solution.
    """

    @jax.custom_vjp
    def solution(given: Any) -> jax.Array:
        if sampling == "sequential":
            return _one_by_one(lambda x: update(given, x), order, given[1])
        return _fixed_point(lambda x: update(given, x), len(order), given[1])

    def forwards(given: Any) -> tuple[jax.Array, Any]:
        x = solution(given)
        return x, (given, x)

    def backwards(kept: Any, slope: jax.Array) -> tuple[Any]:
        given, x = kept
        _, pulled = jax.vjp(update, given, x)
        # dx = J dx + K dgiven, where J is strictly triangular: v = slope + J^T v is solved as x is.
        return (pulled(_fixed_point(lambda v: slope + pulled(v)[1], len(order), slope))[0],)

    solution.defvjp(forwards, backwards)
    return solution(given)


def _one_by_one(update: Callable[[jax.Array], jax.Array], order: Sequence[int], start: jax.Array) -> jax.Array:
    places = jnp.asarray(np.array(order, np.int32))
    size = len(order)

    def step(index: jax.Array, x: jax.Array) -> jax.Array:
        here = (jnp.arange(size) == places[index]).reshape(1, *x.shape[1:])
        return jnp.where(here, update(x), x)

    found: jax.Array = lax.fori_loop(0, size, step, jnp.zeros_like(start))
    return found


def _fixed_point(update: Callable[[jax.Array], jax.Array], most: int, start: jax.Array) -> jax.Array:
    """Where an update changes nothing any more; what is not finite on the way there is cut."""

    def step(x: jax.Array) -> tuple[jax.Array, tuple[()]]:
        return jnp.clip(jnp.nan_to_num(update(x)), -FARTHEST, FARTHEST), ()

    return solve(step, start, most, TOLERANCE)[0]
