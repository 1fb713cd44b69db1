"""Dormand and Prince's 5(4) method for ordinary differential equations, with error control of each example by itself.

Dormand and Prince 1980, "A family of embedded Runge-Kutta formulae", RK5(4)7M: seven stages, of which the last is the
first of the next step.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Field = Callable[[Any, jax.Array], Any]
"""`(state, t [n]) -> its derivative`; both are the same tree of arrays [n, ...], no example looks at another."""

STAGES = 7

_NODES = np.array([0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1])

_WEIGHTS = np.zeros((STAGES, STAGES))
_WEIGHTS[1, :1] = [1 / 5]
_WEIGHTS[2, :2] = [3 / 40, 9 / 40]
_WEIGHTS[3, :3] = [44 / 45, -56 / 15, 32 / 9]
_WEIGHTS[4, :4] = [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729]
_WEIGHTS[5, :5] = [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656]
_WEIGHTS[6, :6] = [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84]

_FOURTH = np.array([5179 / 57600, 0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40])
_ERROR = _WEIGHTS[6] - _FOURTH
"""What the step of fifth order, whose weights are the last row, differs from that of fourth order by."""


class Solution(NamedTuple):
    """Where an equation leads.

    Attributes:
      state: at the last time, a tree of arrays [n, ...]; NaN for examples that did not get there.
      calls: of the field for each example, int32 [n].
    """

    state: Any
    calls: jax.Array


class _Walk(NamedTuple):
    """Where each example is: t and the length of its next step [n], signed; its state, derivative and calls."""

    t: jax.Array
    length: jax.Array
    state: Any
    slope: Any
    calls: jax.Array
    steps: jax.Array


def integrated(
    field: Field,
    state: Any,
    first: jax.Array | float,
    last: jax.Array | float,
    *,
    tolerance: float,
    most: int = 1000,
) -> Solution:
    """Solves dx/dt = field(x, t) from t = first to t = last, which may be earlier.

    Every example takes steps of its own lengths, so that none depends on those it is solved with. All wait for the one
    that takes the most. The field is traced twice.

    Args:
      field: the derivative.
      state: x at the first time, a tree of float arrays [n, ...].
      first: time [].
      last: time [].
      tolerance: of a step's error in each leaf, root mean square over an example's numbers, each of them relative to
        1 + |x|.
      most: steps at the most, those that were tried in vain among them.

    Returns:
      x at the last time, and how often the field was called.
    """
    size = len(jax.tree.leaves(state)[0])
    begin, end = jnp.full(size, first, jnp.float32), jnp.full(size, last, jnp.float32)
    way = end - begin

    def open_(walk: _Walk) -> jax.Array:
        return walk.t != end

    def step(walk: _Walk) -> _Walk:
        final = jnp.abs(walk.length) >= jnp.abs(end - walk.t) * (1 - 1e-6)
        length = jnp.where(final, end - walk.t, walk.length)
        slopes, after = _stages(field, walk, length)
        error = _error(slopes, walk.state, after, length) / tolerance
        error = jnp.where(jnp.isfinite(error), error, 1e9)
        accepted = open_(walk) & (error <= 1)
        factor = jnp.clip(0.9 * jnp.maximum(error, 1e-9) ** -0.2, 0.2, 5.0)

        def chosen(new: jax.Array, old: jax.Array) -> jax.Array:
            return jnp.where(_along(accepted, new), new, old)

        t = jnp.where(final, end, walk.t + length)
        return _Walk(
            chosen(t, walk.t),
            jnp.where(open_(walk), length * factor, walk.length),
            jax.tree.map(chosen, after, walk.state),
            jax.tree.map(lambda slope, old: chosen(slope[-1], old), slopes, walk.slope),
            walk.calls + jnp.where(open_(walk), STAGES - 1, 0),
            walk.steps + 1,
        )

    walk = _Walk(begin, way / 100, state, field(state, begin), jnp.ones(size, jnp.int32), jnp.zeros((), jnp.int32))
    walk = lax.while_loop(lambda walk: open_(walk).any() & (walk.steps < most), step, walk)
    arrived = ~open_(walk)
    reached = jax.tree.map(lambda leaf: jnp.where(_along(arrived, leaf), leaf, jnp.nan), walk.state)
    return Solution(reached, walk.calls)


def _stages(field: Field, walk: _Walk, length: jax.Array) -> tuple[Any, Any]:
    """The derivatives of all stages, leaves [STAGES, n, ...], and the state after the step."""

    def moved(slopes: Any, weights: jax.Array) -> Any:
        def leaf(x: jax.Array, of_stages: jax.Array) -> jax.Array:
            return x + _along(length, x) * jnp.tensordot(weights, of_stages, 1)

        return jax.tree.map(leaf, walk.state, slopes)

    def stage(slopes: Any, now: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[Any, Any]:
        place, weights, node = now
        state = moved(slopes, weights)
        slope = field(state, walk.t + node * length)
        return jax.tree.map(lambda leaf, new: leaf.at[place].set(new), slopes, slope), None

    slopes = jax.tree.map(lambda leaf: jnp.zeros((STAGES, *leaf.shape), leaf.dtype).at[0].set(leaf), walk.slope)
    weights, nodes = jnp.asarray(_WEIGHTS, jnp.float32), jnp.asarray(_NODES, jnp.float32)
    slopes, _ = lax.scan(stage, slopes, (jnp.arange(1, STAGES), weights[1:], nodes[1:]))
    return slopes, moved(slopes, weights[-1])


def _error(slopes: Any, before: Any, after: Any, length: jax.Array) -> jax.Array:
    """Root mean square of a step's relative error [n], of the leaf where it is largest."""

    def leaf(of_stages: jax.Array, old: jax.Array, new: jax.Array) -> jax.Array:
        difference = _along(length, old) * jnp.tensordot(jnp.asarray(_ERROR, jnp.float32), of_stages, 1)
        relative = difference / (1 + jnp.maximum(jnp.abs(old), jnp.abs(new)))
        return jnp.sqrt(jnp.mean(jnp.square(relative.reshape(len(old), -1)), 1))

    errors: jax.Array = jnp.stack(jax.tree.leaves(jax.tree.map(leaf, slopes, before, after)))
    return errors.max(0)


def _along(values: jax.Array, x: jax.Array) -> jax.Array:
    return values.reshape(-1, *([1] * (x.ndim - 1)))
