"""Members that differ in numbers of their config, trained by one program."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax import lax

from gengen.core.mean import Mean
from gengen.core.model import Batch, GenerativeModel, SampleFn, StepFn
from gengen.core.state import State, Variables
from gengen.training.members import among

COMBINATION = "combination"
"""Carried beside the networks: the place, int32 [], of a member's numbers among all that are trained."""

Models = Callable[[jax.Array | int], GenerativeModel]
"""The model of a combination, by its place: a pure function, called wherever something of a model is traced."""


def varied(models: Models) -> GenerativeModel:
    """The model of one member, which does what the model of its combination does; its state says which that is.

    `init` makes the state of combination 0, and all but training and sampling are those of its model.

    Args:
      models: builds the model of a combination.
    """
    first = models(0)

    def stepping(which: int) -> StepFn:
        def train_step(
            key: jax.Array, state: State, batch: Batch, *, phase: int | None = None
        ) -> tuple[State, dict[str, Mean]]:
            step = _steps(models(_place(state.variables)))[which]
            after, metrics = step(key, state.replace(variables=numberless(state.variables)), batch, phase=phase)
            return _placed(after, _place(state.variables)), metrics

        return train_step

    train_step, *later = (stepping(which) for which in range(len(_steps(first))))
    return first._replace(
        init=lambda key, batch: _placed(first.init(key, batch), jnp.zeros((), jnp.int32)),
        train_step=train_step,
        stages=tuple(stage._replace(train_step=step) for stage, step in zip(first.stages, later, strict=True)),
        sample=_sampling(models) if first.sample else None,
    )


def varied_members(models: Models, places: Sequence[int]) -> GenerativeModel:
    """As `members.seeded`: its `init` makes the state of M members, of which member i has the numbers of `places[i]`.

    Args:
      models: builds the model of a combination.
      places: combinations of the members, [M].
    """

    def begun(each: tuple[jax.Array, jax.Array, Batch]) -> State:
        key, place, batch = each
        return _placed(models(place).init(key, batch), place)

    def init(keys: jax.Array, batches: Batch) -> State:
        return among(lax.map(begun, (keys, jnp.asarray(places, jnp.int32), batches)))

    return varied(models)._replace(init=init)


def numberless(variables: Variables) -> Variables:
    """The variables of the model of a combination alone."""
    return {name: collections for name, collections in variables.items() if name != COMBINATION}


def _sampling(models: Models) -> SampleFn:
    def sample(key: jax.Array, variables: Variables, n: int, condition: Batch | None = None) -> jax.Array:
        draw = models(_place(variables)).sample
        assert draw
        return draw(key, numberless(variables), n, condition)

    return sample


def _steps(model: GenerativeModel) -> list[StepFn]:
    return [model.train_step, *(stage.train_step for stage in model.stages)]


def _place(variables: Variables) -> jax.Array:
    place: jax.Array = variables[COMBINATION]["members"]["place"]
    return place


def _placed(state: State, place: jax.Array) -> State:
    return state.replace(variables={**state.variables, COMBINATION: {"members": {"place": place}}})
