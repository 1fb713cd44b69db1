"""The training loop: dispatches of fused steps, one of them in flight, and actions between them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from gengen.core.mean import Mean
from gengen.core.model import Batch
from gengen.core.state import State
from gengen.training.background import Background

Dispatch = Callable[[jax.Array, State, Batch, int], tuple[State, dict[str, Mean]]]
"""`(key, state, batches, first step) -> (state, metrics)`, several steps in one call, as `parallel` makes it."""


LAYERS = "/finite_layers"
"""How the metric ends that says which layers of a network were finite; see `NonFiniteError`."""


class NonFiniteError(Exception):
    """Something stopped being a number: training has diverged.

    Attributes:
      name: the metric, such as "critic/loss", or the array.
      step: the step at which it happened, counted from 0.
      value: what it was.
      finite_layers: the share of the layers of a network before the first one that gave something which is no finite
        number; 1 where all were fine, or nobody counted.
    """

    def __init__(self, name: str, step: int, value: float, finite_layers: float = 1.0) -> None:
        super().__init__(f"{name} became {value} at step {step}")
        self.name, self.step, self.value, self.finite_layers = name, step, value, finite_layers


class Action(NamedTuple):
    """Something done to the state whenever a multiple of `every` steps was crossed; 0 is never.

    Attributes:
      every: how many steps.
      act: `(state, step)`: what is done.
      until: windows that start at this step or later are none of its business.
    """

    every: int
    act: Callable[[State, int], None]
    until: float = float("inf")


def crossed(every: int, first: int, last: int) -> bool:
    """Tells whether (first, last] holds a multiple of `every`; never if `every` is 0."""
    return every > 0 and last // every > first // every


def windows(first: int, last: int, length: int) -> Iterator[tuple[int, int]]:
    """Cuts steps [first, last) at every multiple of `length`.

    The cuts do not depend on where a run was resumed, so that a resumed run dispatches, and hence rounds, as a
    straight one does.
    """
    while first < last:
        end = min((first // length + 1) * length, last)
        yield first, end
        first = end


def train(
    dispatch: Dispatch,
    key: jax.Array,
    state: State,
    batches: Iterable[tuple[tuple[int, int], Batch]],
    *,
    report: Callable[[int, int, dict[str, Mean]], None],
    actions: Sequence[Action],
    stop: Callable[[], bool],
    background: Background | None = None,
    check: Callable[[int, int, dict[str, Mean]], tuple[int, int, dict[str, Mean]]] | None = None,
) -> tuple[State, int | None]:
    """Runs dispatches until the batches end or `stop` says so.

    The host looks at the metrics of one dispatch while the device works on the next. Actions are given states whose
    metrics have been checked: a copy, beside the steps; without a background, or room in it, the next dispatch waits.

    Args:
      dispatch: what `parallel` returns; the state it is given is gone after the call.
      key: the root key.
      state: to start from, placed by `replicate`.
      batches: ((first step, last step), batches [local devices, steps, per device, ...]) of each window.
      report: called with (first step, last step, metrics) of each window in order; leaves are finite arrays [steps].
      actions: done in order when they are due.
      stop: asked once after every window.
      background: where actions go on; all of them are done on return.
      check: fetches the metrics of a window and raises where training has diverged; `checked` by default.

    Returns:
      The state, and the step at which `stop` ended the run; None if the batches ended.

    Raises:
      NonFiniteError: a metric is not finite.
    """

    def finish(first: int, last: int, metrics: Any, due: Sequence[Action], kept: State | None) -> None:
        report(*(check or checked)(first, last, metrics))
        act = partial(_act, due, state if kept is None else kept, last)
        background.begin(act) if background and kept is not None else act()

    pending, stopped = None, None
    for (first, last), batch in batches:
        state, metrics = dispatch(key, state, batch, first)
        if pending:
            finish(*pending)
        if background:
            background.check()
        due = [action for action in actions if first < action.until and crossed(action.every, first, last)]
        kept = background.aside(state) if background and due else None
        pending = (first, last, metrics, due, kept)
        if due and kept is None:
            finish(*pending)
            pending = None
        if stopped := last if stop() else None:
            break
    if pending:
        finish(*pending)
    if background:
        background.wait()
    return state, stopped


def _act(due: Sequence[Action], state: State, step: int) -> None:
    for action in due:
        action.act(state, step)


def checked(first: int, last: int, metrics: dict[str, Mean]) -> tuple[int, int, dict[str, Mean]]:
    """Fetches the metrics of a window and refuses any that is not finite, the earliest first."""
    metrics = jax.device_get(metrics)
    bad = [(int(np.argmin(np.isfinite(mean.total))), name) for name, mean in metrics.items() if not _finite(mean)]
    if bad:
        index, name = min(bad)
        counted = [mean.total[index] / mean.count[index] for key, mean in metrics.items() if key.endswith(LAYERS)]
        raise NonFiniteError(name, first + index, float(metrics[name].total[index]), float(min(counted, default=1.0)))
    return first, last, metrics


def _finite(mean: Mean) -> bool:
    return bool(np.isfinite(mean.total).all())
