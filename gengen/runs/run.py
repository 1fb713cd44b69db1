"""A run, opened: what every task that looks at one works on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
from ml_collections import ConfigDict

from gengen.build.averages import of_chosen_width
from gengen.build.drawings import with_worse
from gengen.build.model import build_model
from gengen.build.sweep import alone, combinations_of
from gengen.core.average import evaluation_variables
from gengen.core.model import GenerativeModel
from gengen.core.refusal import Refusal
from gengen.core.state import State, Variables
from gengen.data.listing import say
from gengen.data.signature import DataSet, Signature
from gengen.runs.folder import WEIGHTS, opened, unchanged
from gengen.runs.prepare import load_again
from gengen.runs.program import (
    chosen_member,
    members_in_words,
    members_of,
    seeds_in_words,
    template,
    trained_together,
)
from gengen.runs.weights_alone import read_weights
from gengen.training.members import frozen
from gengen.training.members import member as one_member
from gengen.training.varied import numberless


class Run(NamedTuple):
    """A run folder with one of its checkpoints restored.

    Attributes:
      folder: the run folder.
      config: the experiment.
      signature: of the data.
      model: of the config.
      step: number of steps that the model was trained for.
      variables: of the model, averaged or as trained.
      origin: how every report begins: the run, its step, and which checkpoint and weights were taken.
      given: where the section `evaluation` and the places of the data come from; `config` unless one is named.
      members: the run of each member, where several were trained together and none of them was asked for; all else
        is then that of the first.
      member: what the member is called whose run this is, such as "seed 3"; "" where a run has no others.
      numbers: what a sweep gave it, by their keys.
    """

    folder: Path
    config: ConfigDict
    signature: Signature
    model: GenerativeModel
    step: int
    variables: Variables
    origin: Mapping[str, Any]
    given: ConfigDict
    members: "tuple[Run, ...]" = ()
    member: str = ""
    numbers: Mapping[str, float] = MappingProxyType({})

    @property
    def title(self) -> str:
        """What a picture of it is titled: the run, its step, its data, and which weights these are."""
        best = " · best checkpoint" if self.origin["checkpoint"] == "best" else ""
        member = self.member
        if self.members:
            seeds = dict.fromkeys(one.origin["member"] for one in self.members)
            member = f"{len(self.members)} members" if self.numbers else f"seeds {seeds_in_words(seeds)}"
        whose = f" · {member}" if member else ""
        return f"{titled(self.folder, self.step, self.signature)} · weights {self.origin['weights']}{best}{whose}"

    @property
    def settings(self) -> ConfigDict:
        """The section `evaluation`; empty where the folder is older than it."""
        return self.given.get("evaluation", ConfigDict())

    def each(self) -> "list[Run]":
        """The run of each member, where none was asked for; this one, where there is one."""
        return list(self.members) or [self]

    def data(self) -> DataSet:
        """Loads the data that the run was trained on.

        Raises:
          Refusal: the data are gone or other ones.
        """
        return load_again(self.folder, self.config, self.signature, self.given)


def titled(folder: Path, step: int, signature: Signature) -> str:
    """What a picture of a run at some step is titled."""
    return f"{folder.absolute().name} · step {step:,} · {signature.title}"


def open_run(
    folder: Path,
    *,
    best: bool = False,
    raw: bool = False,
    given: ConfigDict | None = None,
    seed: int | None = None,
    member: int | None = None,
    every: bool = True,
) -> Run:
    """Opens a run folder.

    Args:
      folder: the run folder.
      best: restore the best checkpoint by the run's own scores instead of the latest.
      raw: take the weights as trained instead of their average.
      given: as in `Run`; None for the run's own config. Its section `sampling` says how samples are drawn, and so does
        its `model.truncation` where the run has that key.
      seed: whose member to take, of a run of several seeds and no sweep; None for the first one.
      member: which member to take, counted from 0: all seeds of the first combination of a sweep first.
      every: whether the others lie beside the first, where none is asked for; else a line says whose this is.

    Raises:
      Refusal: the folder holds no run or no checkpoint, or was not trained with this seed, or has no such member; or
        the one that is to be worse does not go with it.
    """
    config, signature = opened(folder)
    if given is not None:
        _draw_as(config, given)
    worse = _worse(config, signature)
    with unchanged(folder):
        members, chosen = members_of(config), chosen_member(folder, config, seed, member)
        first = build_model(alone(config, members[chosen or 0].place), signature, worse and worse.model.denoise)
        together, key = trained_together(first, config, signature)
        shapes = template(together, key, signature)
    step, state = _restored(folder, shapes, best=best)
    state = state.replace(average=of_chosen_width(state.average, config.training.average))
    origin = {
        "run": str(folder),
        "step": step,
        "checkpoint": "best" if best else "latest",
        "weights": "as trained" if raw or not state.average else "averaged",
    }
    own = alone(config, members[chosen or 0].place)
    run = Run(folder, own, signature, first, step, {}, origin, own if given is None else given)
    if len(members) == 1:  # on the device, or every batch would take them there again
        variables = _settled(first, evaluation_variables(state, raw=raw))
        return run._replace(variables=jax.device_put(with_worse(variables, worse.variables) if worse else variables))
    if worse:
        raise Refusal(f"{folder} has {members_in_words(config)}, of which none can be guided away from a worse run.")
    for index, since in enumerate(frozen(state)):
        if since >= 0 and chosen in (None, index):
            say(f"{members[index].label} of {folder} stopped being finite, and is as it was at step {since:,}")
    if chosen is None and not every:
        say(f"{folder} has {members_in_words(config)}; this is of the first, and --member names another")
    wanted = range(len(members)) if chosen is None and every else [chosen or 0]
    found = _of_members(run, config, jax.device_put(state), wanted, raw=raw)
    return found[0]._replace(members=found) if len(wanted) > 1 else found[0]


def _draw_as(config: ConfigDict, given: ConfigDict) -> None:
    """Gives the config of a run the keys of another one that say how samples are drawn."""
    if "sampling" in given and "sampling" in config:
        config.sampling = given.sampling
    config.training.average.width = given.training.average.get("width", 0.0)
    if "truncation" in config.model:
        config.model.truncation = given.model.get("truncation")


ALIKE = ("name", "path", "steps")
"""Keys of the section `model` in which a run and the one that its samples are guided away from do not differ."""


def _worse(config: ConfigDict, signature: Signature) -> Run | None:
    """The run of the folder `sampling.worse`, from which samples of a better one are guided away; None for none.

    Raises:
      Refusal: it is no diffusion of the same data on the same path, or its network was always told the class.
    """
    folder = config.get("sampling", ConfigDict()).get("worse")
    if folder is None:
        return None
    worse = open_run(Path(folder).expanduser(), every=False)
    same = all(config.model.get(key) == worse.config.model.get(key) for key in ALIKE)
    if config.model.name != "diffusion" or not same or signature != worse.signature or not worse.model.denoise:
        raise Refusal(
            f"config.sampling.worse={folder} must be a run of model.name='diffusion', as the better one is, on the "
            "same data, of the same model.path and model.steps, and where it is told classes, of model.dropped above 0."
        )
    return worse


def _of_members(run: Run, config: ConfigDict, state: State, wanted: Sequence[int], *, raw: bool) -> tuple[Run, ...]:
    """The runs of some members of a run, of which `run` is one without its variables; by the members' numbers."""
    members, made, found = members_of(config), combinations_of(config), list[Run]()
    models, since = {members[wanted[0]].place: run.model}, frozen(state)
    for index in wanted:
        place, seed, label = members[index]
        own = alone(config, place)
        if place not in models:
            models[place] = build_model(own, run.signature)
        numbers = dict(made[place].numbers)
        whose = {"member": seed, **({"combination": made[place].label, "numbers": numbers} if numbers else {})}
        whose |= {"stopped": int(since[index])} if since[index] >= 0 else {}
        found.append(
            run._replace(
                config=own,
                model=models[place],
                variables=_settled(models[place], numberless(evaluation_variables(one_member(state, index), raw=raw))),
                origin={**run.origin, **whose},
                given=own if run.given is run.config else run.given,
                member=label,
                numbers=numbers,
            )
        )
    return tuple(found)


def _settled(model: GenerativeModel, variables: Variables) -> Variables:
    """The variables of a run with what its model does to them before samples are drawn."""
    return jax.jit(model.settle)(variables) if model.settle else variables


def _restored(folder: Path, template: State, *, best: bool) -> tuple[int, State]:
    """The latest or the best state of a run folder, and its step.

    Raises:
      Refusal: there is none.
    """
    if not best and not (folder / "checkpoints").is_dir() and (folder / WEIGHTS).is_file():
        return read_weights(folder, template)
    from gengen.training.checkpoint import Checkpoints  # Orbax, whose import takes as long as drawing samples

    there = folder / ("best" if best else "checkpoints")
    checkpoints = Checkpoints(there, read_only=True) if there.is_dir() else None
    restored: tuple[int, State] | None = checkpoints.restore_latest(template) if checkpoints else None
    if restored is None and best:
        raise Refusal(f"{folder} holds no best checkpoint; it is kept where config.evaluation.every is not 0.")
    if restored is None:
        raise Refusal(f"{folder} holds no checkpoint yet; run its training until the first one.")
    return restored
