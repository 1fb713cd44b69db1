"""Averaged variables: a run's networks, smoothed over its steps."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from gengen.core.game import every
from gengen.core.mean import Mean
from gengen.core.model import Batch, GenerativeModel, StepFn
from gengen.core.state import State, Variables


def averaged(model: GenerativeModel, *, decay: float, networks: Sequence[str]) -> GenerativeModel:
    """Wraps a model so that its state also holds an exponential moving average of some networks.

    After every period p of the model, average <- d^p average + (1 - d^p) variables for each float leaf of the networks
    named, statistics too; other leaves are copied. d = min(decay, (1 + t) / (10 + t)) with t the step, counted from the
    start of the stage, so that the first steps do not linger, of who begins to play later neither. Averaged generators
    are common since Yazici et al. 2019, https://arxiv.org/abs/1806.04498. (Once a step would give nearly the same, and
    reads and writes a generator that moves once in five steps five times as often.)

    Args:
      model: the model to wrap.
      decay: d in the long run, in [0, 1).
      networks: names of the networks to average.

    Raises:
      ValueError: `decay` is out of range.
    """
    if not 0 <= decay < 1:
        raise ValueError(f"decay={decay} must lie in [0, 1)")

    def init(key: jax.Array, batch: Batch) -> State:
        state = model.init(key, batch)
        unknown = set(networks) - set(state.variables)
        if unknown:
            raise ValueError(f"networks={tuple(networks)} must be among {tuple(state.variables)}")
        return state.replace(average={name: state.variables[name] for name in networks})

    def blended(state: State, period: int, start: int) -> Variables:
        step = jnp.asarray(state.step - start, jnp.float32)
        keep = jnp.minimum(decay, (1 + step) / (10 + step)) ** period

        def blend(old: jax.Array, new: jax.Array) -> jax.Array:
            if not jnp.issubdtype(new.dtype, jnp.floating):
                return new
            # `optax.incremental_update` (0.2.8) has two products in the place of one, and differs by up to 5e-7.
            return old + (new - old) * (1 - keep).astype(new.dtype)

        average: Variables = jax.tree.map(blend, state.average, {name: state.variables[name] for name in networks})
        return average

    def averaging(step: StepFn, period: int, start: int = 0) -> StepFn:
        last = every(period, offset=period - 1)

        def train_step(
            key: jax.Array, state: State, batch: Batch, *, phase: int | None = None
        ) -> tuple[State, dict[str, Mean]]:
            after, metrics = step(key, state, batch, phase=phase)
            after = after.replace(step=state.step)
            average = last.choose(
                after, phase, lambda state: blended(state, period, start), lambda state: state.average
            )
            return after.replace(step=state.step + 1, average=average), metrics

        return train_step

    stages = tuple(
        stage._replace(train_step=averaging(stage.train_step, stage.period, stage.start)) for stage in model.stages
    )
    return model._replace(init=init, train_step=averaging(model.train_step, model.period), stages=stages)


def evaluation_variables(state: State, *, raw: bool = False) -> Variables:
    """Chooses what a run is judged and sampled by: averaged variables where there are any, raw ones otherwise.

    Args:
      state: the state of the run.
      raw: take the raw variables in any case.
    """
    return state.variables if raw else {**state.variables, **state.average}
