"""The fixed point of a map that settles number by number: how autoregressive layers are inverted all at once.

Where number t of what a step gives depends on the numbers before t alone, the first k are exact after k steps, whatever
one starts from, and most are far earlier: Jacobi's iteration, Song et al. 2021, https://arxiv.org/abs/2002.03629,
section 3 and proposition 1.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

_Carry = tuple[jax.Array, Any, jax.Array, jax.Array]
"""x, what was said of it, which examples are not settled, steps made."""


def solve(
    step: Callable[[jax.Array], tuple[jax.Array, Any]], start: jax.Array, most: int, tolerance: float = 0.0
) -> tuple[jax.Array, Any, jax.Array]:
    """The x with step(x) = x, for each example, and what the last step said beside it.

    An example that has settled stays as it is while others go on, so that none depends on those it is solved with.
    Derivatives go forward alone (`jax.jvp`): the number of steps is not known beforehand.

    Args:
      step: `x [B, ...] -> (x, said [B, ...])`, no example of which looks at another.
      start: [B, ...]; what one starts from changes how many steps it takes, and nothing else.
      most: steps at the most, at least 1: as many as suffice for the last number, whatever the others are.
      tolerance: an example has settled where a step moves none of its numbers by more than this share of 1 and the
        number.

    Returns:
      x [B, ...], what the step that led to it said, a tree of arrays [B, ...], and how many steps were made, int32 [].
    """

    def again(carry: _Carry) -> _Carry:
        x, said, open_, steps = carry
        after, says = step(x)
        moved = (jnp.abs(after - x) > tolerance * (1 + jnp.abs(x))).reshape(len(x), -1).any(-1)
        kept = jax.tree.map(lambda new, old: jnp.where(_along(open_, new), new, old), (after, says), (x, said))
        return *kept, open_ & moved, steps + 1

    nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(step, start)[1])
    first = start, nothing, jnp.ones(len(start), bool), jnp.zeros((), jnp.int32)
    x, said, _, steps = lax.while_loop(lambda carry: carry[2].any() & (carry[3] < most), again, first)
    return x, said, steps


def _along(flags: jax.Array, x: jax.Array) -> jax.Array:
    return flags.reshape(-1, *([1] * (x.ndim - 1)))
