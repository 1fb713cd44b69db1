"""What a run trains: one model, or a member for each of several seeds and combinations of a sweep."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
from ml_collections import ConfigDict

from gengen.build.averages import decay_of
from gengen.build.optimizers import learning_rates
from gengen.build.sweep import alone, each_alone
from gengen.core.average import evaluation_variables
from gengen.core.model import GenerativeModel, Stage
from gengen.core.parallel import parallel
from gengen.core.state import State, Variables
from gengen.data.signature import Signature
from gengen.runs.program import members_of, trained_together
from gengen.training.living import Living
from gengen.training.loop import Dispatch
from gengen.training.members import frozen, member, together
from gengen.training.screen import wrapped


def _rates(config: ConfigDict, model: GenerativeModel) -> Callable[[int], dict[str, float]]:
    """The rates of one member by the names of their metrics: a function of the step, counted from 0."""
    of_players = learning_rates(config.optimizers, config.training.steps)
    decay = decay_of(config.training.average, model)

    def rates(step: int) -> dict[str, float]:
        kept = decay(step)
        moves = {f"{player}/learning_rate": rate for player, rate in of_players(step).items()}
        return moves if kept is None else moves | {"average/decay": kept}

    return rates


class Together:
    """The members of a run, and what differs where there are several.

    Attributes:
      seeds: of the members; one of a run that has none.
      names: what they are called; "" of a run that has none.
      alone: the config of the first one.
      model: as it is trained.
      key: its root key, or one a member.
      order: what `batches` takes as the seed.

    Args:
      model: of the config, as it is for one member.
      config: the experiment.
      signature: of the data.
    """

    def __init__(self, model: GenerativeModel, config: ConfigDict, signature: Signature) -> None:
        members = members_of(config)
        self.seeds, self.names = [member.seed for member in members], [member.label for member in members]
        self.model, self.key = trained_together(model, config, signature)
        self._several, self.alone = len(members) > 1, alone(config)
        self.order: int | Sequence[int] = self.seeds if self._several else self.seeds[0]
        self._places = [member.place for member in members]
        self._rates = [_rates(own, model) for own in each_alone(config)]

    def rates(self, step: int) -> dict[str, float | list[float]]:
        """The learning rate of each player at a step, "critic/learning_rate", and what the step keeps of the average.

        The latter is "average/decay". One for each member where they differ.
        """
        first, *others = each = [rates(step) for rates in self._rates]
        return {
            name: [each[place][name] for place in self._places] if any(own[name] != rate for own in others) else rate
            for name, rate in first.items()
        }

    def first(self, state: State) -> State:
        """What the first member trained."""
        return member(state, 0) if self._several else state

    def shown(self, state: State) -> list[Variables]:
        """The variables that each member is shown and judged by, on the host."""
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
        for name, step in zip(self.names, since, strict=True):
            if step >= 0 and aloud:
                print(wrapped(f"{name} stopped being finite, and stays as it was at step {step:,}"))
        return {"check": Living(self.names, since, say)}
