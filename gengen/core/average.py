"""Averaged variables: a run's networks, smoothed over its steps."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import jax
import jax.numpy as jnp

from gengen.core.game import every
from gengen.core.mean import Mean
from gengen.core.model import Batch, GenerativeModel, StepFn
from gengen.core.state import State, Variables

Taken = Callable[[jax.Array, int], jax.Array]
"""`(step [], period) -> share []`: what an average takes of the present when that many steps end with this one."""


def averaged(model: GenerativeModel, *, taken: Mapping[str, Taken], networks: Sequence[str]) -> GenerativeModel:
    """Wraps a model so that its state also holds averages of some networks.

    After every period of the model, average <- average + taken (variables - average) for each float leaf of the
    networks named, statistics too; other leaves are copied. Steps are counted from the start of their stage. Averaged
    generators are common since Yazici et al. 2019, https://arxiv.org/abs/1806.04498. (Once a step would give nearly
    the same, and reads and writes a generator that moves once in five steps five times as often.)

    Args:
      model: the model to wrap.
      taken: of each average, by the ending of its networks' names in `State.average`; samples are drawn with "".
      networks: names of the networks to average.
    """

    def init(key: jax.Array, batch: Batch) -> State:
        state = model.init(key, batch)
        unknown = set(networks) - set(state.variables)
        if unknown:
            raise ValueError(f"networks={tuple(networks)} must be among {tuple(state.variables)}")
        return state.replace(average={name + end: state.variables[name] for end in taken for name in networks})

    def blended(state: State, period: int, start: int) -> Variables:
        step = jnp.asarray(state.step - start, jnp.float32)
        shares = {end: of(step, period) for end, of in taken.items()}

        def blend(share: jax.Array, old: jax.Array, new: jax.Array) -> jax.Array:
            if not jnp.issubdtype(new.dtype, jnp.floating):
                return new
            # `optax.incremental_update` (0.2.8) has two products in the place of one, and differs by up to 5e-7.
            return old + (new - old) * share.astype(new.dtype)

        return {
            name + end: jax.tree.map(partial(blend, share), state.average[name + end], state.variables[name])
            for end, share in shares.items()
            for name in networks
        }

    def averaging(step: StepFn, period: int, start: int = 0) -> StepFn:
        last = every(period, offset=period - 1)

        def train_step(
            key: jax.Array, state: State, batch: Batch, *, phase: int | None = None
        ) -> tuple[State, dict[str, Mean]]:
            after, metrics = step(key, state, batch, phase=phase)
            after = after.replace(step=state.step)
            average = last.choose(after, phase, lambda now: blended(now, period, start), lambda now: now.average)
            return after.replace(step=state.step + 1, average=average), metrics

        return train_step

    stages = tuple(one._replace(train_step=averaging(one.train_step, one.period, one.start)) for one in model.stages)
    return model._replace(init=init, train_step=averaging(model.train_step, model.period), stages=stages)


def evaluation_variables(state: State, *, raw: bool = False) -> Variables:
    """Chooses what a run is judged and sampled by: averaged variables where there are any, raw ones otherwise.

    Args:
      state: the state of the run.
      raw: take the raw variables in any case.
    """
    return state.variables if raw else {name: state.average.get(name, own) for name, own in state.variables.items()}
