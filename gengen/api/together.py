"""What a run trains: one model, or a member for each of several seeds."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
from ml_collections import ConfigDict

from gengen.core.average import evaluation_variables
from gengen.core.model import GenerativeModel, Stage
from gengen.core.parallel import parallel
from gengen.core.state import State, Variables
from gengen.runs.seeds import seeds_of, trained_together
from gengen.training.living import Living
from gengen.training.loop import Dispatch
from gengen.training.members import frozen, member, together
from gengen.training.screen import wrapped


class Together:
    """The seeds of a run, and what differs where there are several.

    Attributes:
      seeds: of the members; one of a run that has none.
      model: as it is trained.
      key: its root key, or one a member.
      order: what `batches` takes as the seed.

    Args:
      model: of the config, as it is for one seed.
      training: the section.
    """

    def __init__(self, model: GenerativeModel, training: ConfigDict) -> None:
        self.seeds = seeds_of(training)
        self.model, self.key = trained_together(model, training)
        self._several = len(self.seeds) > 1
        self.order: int | Sequence[int] = self.seeds if self._several else training.seed

    def first(self, state: State) -> State:
        """What the first seed trained."""
        return member(state, 0) if self._several else state

    def shown(self, state: State) -> list[Variables]:
        """The variables that each seed is shown and judged by, on the host."""
        if not self._several:
            return [jax.device_get(evaluation_variables(state))]
        there = jax.device_get(state.replace(opt={}))
        return [evaluation_variables(member(there, index)) for index in range(len(self.seeds))]

    def dispatch(self, stage: Stage) -> Dispatch:
        """Steps of a stage on all devices; members that stop being finite are frozen after each dispatch."""
        return (together if self._several else parallel)(stage.train_step, period=stage.period)

    def checking(self, state: State, say: Callable[[int, Sequence[str]], None], *, aloud: bool) -> dict[str, Any]:
        """What `train` is told of members.

        Args:
          state: to start from.
          say: `(step, sentences)`, where a member stops.
          aloud: whether to print which have stopped before.
        """
        if not self._several:
            return {}
        since = frozen(state)
        for seed, step in zip(self.seeds, since, strict=True):
            if step >= 0 and aloud:
                print(wrapped(f"seed {seed} stopped being finite, and stays as it was at step {step:,}"))
        return {"check": Living(self.seeds, since, say)}
