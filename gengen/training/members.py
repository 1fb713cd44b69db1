"""Members: runs of one experiment that differ in their seed, or also in numbers, trained as one program."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gengen.core.mean import Mean
from gengen.core.model import Batch, GenerativeModel, StepFn
from gengen.core.parallel import Steps, parallel
from gengen.core.state import State, Variables
from gengen.training.loop import Dispatch

Result = TypeVar("Result")

AXES = State(step=None, variables=0, opt=0, average=0)  # type: ignore[arg-type]
"""Where the leaves of a state have their member axis.

All members are at one step, so that it is known of all at once which turn is due: a branch on it stays a branch, where
`vmap` would take both sides of one that differs among members.
"""

FROZEN = "frozen"
"""Carried beside the networks: the step, int32 [M], that a member was frozen at, and -1 while it trains."""


def seeded(model: GenerativeModel) -> GenerativeModel:
    """Wraps a model so that its `init` makes the state of M members, of keys [M] and batches [M, B, ...].

    Member i is as the run whose root key is key i would begin with batch i; leaves are [M, ...], but for `step`. All
    else the model does with the state, or with the variables, of one member; see `together` and `member`.

    Args:
      model: the model to wrap.
    """

    def init(keys: jax.Array, batches: Batch) -> State:
        return among(lax.map(lambda own: model.init(*own), (keys, batches)))  # one by one, as each would be alone

    return model._replace(init=init)


def among(states: State) -> State:
    """The first state of M members that all train, of their states laid beside each other, leaves [M, ...]."""
    training = {"members": {"step": jnp.full(len(states.step), -1, jnp.int32)}}
    first: State = states.replace(step=states.step[0], variables={**states.variables, FROZEN: training})
    return first


def together(
    step: StepFn, devices: Sequence[jax.Device] | None = None, *, period: int = 1, at_once: bool | None = None
) -> Dispatch:
    """Fuses steps of M members into one dispatch, as `parallel` does of one; those that stop being finite are frozen.

    `AXIS` stays that of replicas; the member axis lies within. Member i is given key i and its own batches, and does
    what a run of that key does with them.

    On CPU each member takes the steps of a dispatch by the program of a run that is alone, bit for bit what that does;
    as many at a time as there are cores, which the products of small networks do not fill. (GANs of two layers of 400
    units: under `vmap` the processor is 10 to 20 % longer at work, and after 100 steps of Adam parameters differ by up
    to 1e-3.) Elsewhere they take each step at the same time.

    Args:
      step: of one member.
      devices, period: as in `parallel`.
      at_once: whether members take each step at the same time; None for what suits the platform.

    Returns:
      `(keys [M], state, batches, first=0) -> (state, metrics)`, with a state as that of `seeded`, leaves of `batches`
      [local devices, steps, M, per device, ...], and leaves of the metrics [steps, M].
    """
    if jax.default_backend() != "cpu" if at_once is None else at_once:
        return parallel(step, devices, period=period, around=_at_once)
    alone, beside = parallel(step, devices, period=period), _beside(jax.devices() if devices is None else devices)
    compiled: set[tuple[int, int]] = set()

    def dispatch(keys: jax.Array, state: State, batches: Batch, first: int = 0) -> tuple[State, dict[str, Mean]]:
        states = _apart(state)

        def taken(index: int) -> tuple[State, dict[str, Mean]]:
            own = jax.tree.map(lambda leaf: leaf[:, :, index], batches)
            done: tuple[State, dict[str, Mean]] = jax.block_until_ready(alone(keys[index], states[index], own, first))
            return done

        program = jax.tree.leaves(batches)[0].shape[1], first % period
        begun = [] if program in compiled else [taken(0)]  # the others would compile it again
        compiled.add(program)
        with ThreadPoolExecutor(beside) as threads:
            ended = threads.map(_as_here(taken), range(len(begun), len(states)))
            after: tuple[State, dict[str, Mean]] = _joined(state, *zip(*begun, *ended, strict=True))
        return after

    return dispatch


def _as_here(function: Callable[[int], Result]) -> Callable[[int], Result]:
    """A function that any thread calls as this one would: contexts of JAX are of the thread that entered them."""
    promotion = jax.config.jax_numpy_dtype_promotion  # type: ignore[attr-defined]
    precision = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]

    def there(index: int) -> Result:
        with jax.numpy_dtype_promotion(promotion), jax.default_matmul_precision(precision):
            return function(index)

    return there


def _beside(devices: Sequence[jax.Device]) -> int:
    """How many members step at a time: on several devices, which wait for each other, one after the other."""
    return os.cpu_count() or 1 if len(devices) == 1 else 1


def _at_once(steps: Steps) -> Steps:
    def of_all(keys: jax.Array, state: State, batches: Batch) -> tuple[State, dict[str, Mean]]:
        own = state.replace(variables=_networks(state.variables))
        return settled(state, *jax.vmap(steps, in_axes=(0, AXES, 1), out_axes=(AXES, 1))(keys, own, batches))

    return of_all


@jax.jit
def _apart(state: State) -> list[State]:
    """The state of each member; none shares memory with another, because each is given away."""
    members = range(state.variables[FROZEN]["members"]["step"].shape[0])
    return [member(state, index).replace(step=jnp.copy(state.step)) for index in members]


@jax.jit
def _joined(
    before: State, states: Sequence[State], metrics: Sequence[dict[str, Mean]]
) -> tuple[State, dict[str, Mean]]:
    """Lays what the members have done beside each other."""
    after: State = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
    together: dict[str, Mean] = jax.tree.map(lambda *leaves: jnp.stack(leaves, 1), *metrics)
    return settled(before, after.replace(step=states[0].step), together)


def keys_of(seeds: Iterable[int]) -> jax.Array:
    """The root keys [M] of runs with these seeds."""
    return jnp.stack([jax.random.key(seed) for seed in seeds])


def member(state: State, index: int) -> State:
    """The state of one member, as its own run would have it."""
    own = state.replace(step=None, variables=_networks(state.variables))
    one: State = jax.tree.map(lambda leaf: leaf[index], own)
    return one.replace(step=state.step)


def frozen(state: State) -> np.ndarray:
    """The step that each member was frozen at, -1 of those that train, [M]."""
    return np.asarray(state.variables[FROZEN]["members"]["step"])


def settled(before: State, after: State, metrics: dict[str, Mean]) -> tuple[State, dict[str, Mean]]:
    """Freezes the members that stopped being finite within a window of steps, as they were before it.

    Where all of their metrics were finite, and something in their state is not, all metrics of the last step become
    NaN, so that whoever reads these knows. Of members that were frozen before, metrics count nothing.

    Args:
      before: the state before the window.
      after: the state after it, of networks alone.
      metrics: of the window, leaves [steps, M].
    """
    since = before.variables[FROZEN]["members"]["step"]
    silent = jnp.all(jnp.stack([jnp.isfinite(mean.total).all(0) for mean in metrics.values()]), axis=0)
    finite = silent & _finite(after.variables) & _finite(after.opt) & _finite(after.average)
    running = since < 0

    def kept(old: jax.Array, new: jax.Array) -> jax.Array:
        return jnp.where((running & finite).reshape(-1, *(1,) * (new.ndim - 1)), new, old)

    def told(mean: Mean) -> Mean:
        last = jnp.where(running & silent & ~finite, jnp.nan, mean.total[-1])
        total = mean.total.at[-1].set(last)
        return Mean(jnp.where(running, total, 0.0), jnp.where(running, mean.count, 0.0))

    old = before.replace(step=None, variables=_networks(before.variables))
    state: State = jax.tree.map(kept, old, after.replace(step=None)).replace(step=after.step)
    since = jnp.where(running & ~finite, before.step, since)
    state = state.replace(variables={**state.variables, FROZEN: {"members": {"step": since}}})
    return state, {name: told(mean) for name, mean in metrics.items()}


def _finite(tree: Any) -> jax.Array:
    """Whether all that a member has in a tree of leaves [M, ...] is finite, bool [M]."""
    floats = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.inexact)]
    each = [jnp.isfinite(leaf).reshape(len(leaf), -1).all(1) for leaf in floats]
    return jnp.all(jnp.stack(each), axis=0) if each else jnp.asarray(True)


def _networks(variables: Variables) -> Variables:
    return {name: collections for name, collections in variables.items() if name != FROZEN}
