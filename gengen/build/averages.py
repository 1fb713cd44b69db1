"""Averages of networks, of the config section `training.average`: exponential, or of a width that is chosen afterwards.

Karras et al. 2024, https://arxiv.org/abs/2312.02696, section 3.1 and appendix C: the average after t steps weighs what
was at a time s <= t by s^gamma, and its width is the standard deviation of these weights, as a share of t.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gengen.core.average import Taken, averaged
from gengen.core.model import GenerativeModel
from gengen.core.refusal import Refusal
from gengen.core.state import Variables


def exponential(decay: float) -> Taken:
    """1 - d^p of an exponential average, d = min(decay, (1 + t) / (10 + t)) at step t: the first steps do not linger.

    Raises:
      ValueError: `decay`, d in the long run, is out of [0, 1).
    """
    if not 0 <= decay < 1:
        raise ValueError(f"decay={decay} must lie in [0, 1)")
    return lambda step, period: 1 - jnp.minimum(decay, (1 + step) / (10 + step)) ** period


def exponent(width: float) -> float:
    """gamma of an average of some width in (0, 0.28]: the largest root of a cubic, appendix C.

    The width is sqrt(gamma + 1) / ((gamma + 2) sqrt(gamma + 3)).
    """
    ratio = width**-2
    return float(np.roots([1, 7, 16 - ratio, 12 - ratio]).real.max())


def of_width(width: float) -> Taken:
    """What an average of some width takes of the present: 1 - (1 - 1 / t)^(gamma + 1), of several steps at a time."""
    power = exponent(width) + 1

    def taken(step: jax.Array, period: int) -> jax.Array:
        # In float32 1 - 1 / t is rounded, after a million steps by a share of what is taken that can be seen.
        return -jnp.expm1(power * jnp.log1p(-jnp.minimum(period / (step + 1), 1.0)))

    return taken


def taken_of(average: Mapping[str, Any]) -> dict[str, Taken]:
    """What each average of the section `training.average` takes, by the ending of its networks' names in a state.

    The first one, that of the decay if there is one, is what samples are drawn with.
    """
    decay, widths = average["decay"], average.get("widths", ())
    taken = [*([exponential(decay)] if decay else []), *map(of_width, widths)]
    return {_ending(index): one for index, one in enumerate(taken)}


def _ending(index: int) -> str:
    return f"_{index}" if index else ""


def with_averages(model: GenerativeModel, average: Mapping[str, Any]) -> GenerativeModel:
    """A model that keeps the averages of the section `training.average`."""
    taken = taken_of(average)
    return averaged(model, taken=taken, networks=average["networks"]) if taken else model


def decay_of(average: Mapping[str, Any], model: GenerativeModel) -> Callable[[int], float | None]:
    """What a step of a run, counted from 0, keeps of the first average; None where there is none.

    Args:
      average: the section `training.average`.
      model: whose stages begin to count anew.
    """
    first = taken_of(average).get("")
    starts = [0, *(stage.start for stage in model.stages)]

    def decay(step: int) -> float | None:
        start = max(begun for begun in starts if begun <= step)
        return None if first is None else float(1 - first(jnp.float32(step - start), 1))

    return decay


def _product(one: float, other: float) -> float:
    """The integral over [0, 1] of the product of two profiles, (gamma + 1) s^gamma each."""
    return (one + 1) * (other + 1) / (one + other + 1)


def shares(widths: Sequence[float], width: float) -> list[float]:
    """How much of averages of some widths makes the one of another width, a sum of 1: appendix C, by least squares.

    The profile of the mixture is the nearest to that of the width. It is the same where the width is one of the others;
    between 0.05 and 0.1 it is no more than 5.1 % of its norm away.
    """
    exponents, wanted = [exponent(one) for one in widths], exponent(width)
    n = len(widths)
    system, right = np.ones((n + 1, n + 1)), np.ones(n + 1)  # the last row is the sum, with its multiplier
    system[:n, :n] = [[_product(one, other) for other in exponents] for one in exponents]
    right[:n], system[n, n] = [_product(one, wanted) for one in exponents], 0
    return [float(share) for share in np.linalg.solve(system, right)[:n]]


def of_chosen_width(average: Variables, section: Mapping[str, Any]) -> Variables:
    """The averages of a state, the first of which are of the width that the section `training.average` asks for.

    Args:
      average: of a state.
      section: `training.average`; its `width` of 0 leaves them as they are.

    Raises:
      Refusal: the width is not between those that were kept.
    """
    widths, width = section.get("widths", ()), section.get("width", 0.0)
    if not width:
        return average
    if not widths or not min(widths) <= width <= max(widths):
        kept = f"between {min(widths)} and {max(widths)}, which were kept" if widths else "0: this run kept none"
        raise Refusal(f"config.training.average.width={width} must be {kept} (training.average.widths).")
    weights = shares(widths, width)
    ends = [_ending(index + (1 if section["decay"] else 0)) for index in range(len(widths))]

    def mixed(*tracks: jax.Array) -> jax.Array:
        if not jnp.issubdtype(tracks[0].dtype, jnp.floating):
            return tracks[0]
        return sum((weight * one for weight, one in zip(weights, tracks, strict=True)), jnp.zeros((), tracks[0].dtype))

    return average | {name: jax.tree.map(mixed, *(average[name + end] for end in ends)) for name in section["networks"]}
