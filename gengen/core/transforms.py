"""Optax transformations that optax does not have."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax


def clip_parameters(limit: float) -> optax.GradientTransformation:
    """Keeps every parameter in [-limit, limit]: Algorithm 1, line 7 of Arjovsky et al. 2017, arXiv:1701.07875.

    It changes an update u of a parameter w into clip(w + u, -limit, limit) - w, so it must be the last link of a
    chain. The sum w + update may miss the limit by one rounding error.

    Args:
      limit: the largest absolute value of a parameter, c in the paper.

    Raises:
      ValueError: `limit` is not positive and finite.
    """
    if not 0 < limit < float("inf"):
        raise ValueError(f"clip={limit} must be positive and finite")
    return optax.stateless_with_tree_map(lambda update, param: jnp.clip(param + update, -limit, limit) - param)


def scale_by_rate(rate: Callable[[jax.Array], Any] | float) -> optax.GradientTransformationExtraArgs:
    """Multiplies updates by minus the learning rate at the run's step.

    `optax.scale_by_schedule` counts its own calls; a player that moves once in five steps would run its schedule five
    times too slowly, so the step comes from the state of the run, as the extra argument `step`.

    Args:
      rate: learning rate, or a function of the step, float32 [], that returns it.
    """

    def update(updates: Any, state: Any, params: Any = None, *, step: jax.Array, **extra: Any) -> tuple[Any, Any]:
        del params, extra
        factor = -(rate(jnp.asarray(step, jnp.float32)) if callable(rate) else rate)
        return jax.tree.map(lambda update: jnp.asarray(factor, update.dtype) * update, updates), state

    return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)
