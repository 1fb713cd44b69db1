"""A run, opened: what every task that looks at one works on."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
from ml_collections import ConfigDict

from gengen.build.model import build_model, example_batch
from gengen.core.average import evaluation_variables
from gengen.core.model import GenerativeModel
from gengen.core.refusal import Refusal
from gengen.core.state import Variables
from gengen.data.listing import say
from gengen.data.signature import DataSet, Signature
from gengen.runs.folder import opened, unchanged
from gengen.runs.prepare import load_again
from gengen.runs.seeds import seeds_in_words, seeds_of, trained_together
from gengen.training.checkpoint import Checkpoints
from gengen.training.members import frozen, member


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
      members: the variables of each seed, where several were trained together and none of them was asked for;
        `variables` are then those of the first.
    """

    folder: Path
    config: ConfigDict
    signature: Signature
    model: GenerativeModel
    step: int
    variables: Variables
    origin: Mapping[str, Any]
    given: ConfigDict
    members: Mapping[int, Variables] = MappingProxyType({})

    @property
    def title(self) -> str:
        """What a picture of it is titled: the run, its step, its data, and which weights these are."""
        best = " · best checkpoint" if self.origin["checkpoint"] == "best" else ""
        seeds = [self.origin["member"]] if "member" in self.origin else []
        member = f" · {'seeds' if self.members else 'seed'} {seeds_in_words(self.members or seeds)}" if seeds else ""
        return f"{titled(self.folder, self.step, self.signature)} · weights {self.origin['weights']}{best}{member}"

    @property
    def settings(self) -> ConfigDict:
        """The section `evaluation`; empty where the folder is older than it."""
        return self.given.get("evaluation", ConfigDict())

    def each(self) -> "list[Run]":
        """The run of each seed, where none was asked for; this one, where there is one."""
        if not self.members:
            return [self]
        return [
            self._replace(variables=variables, origin={**self.origin, "member": seed}, members={})
            for seed, variables in self.members.items()
        ]

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
    every: bool = True,
) -> Run:
    """Opens a run folder.

    Args:
      folder: the run folder.
      best: restore the best checkpoint by the run's own scores instead of the latest.
      raw: take the weights as trained instead of their average.
      given: as in `Run`; None for the run's own config.
      seed: whose member to take, of a run of several seeds; None for the first one.
      every: whether the others lie beside the first, where no seed is asked for; else a line says whose this is.

    Raises:
      Refusal: the folder holds no run or no checkpoint, or was not trained with this seed.
    """
    config, signature = opened(folder)
    with unchanged(folder):
        model, seeds = build_model(config, signature), seeds_of(config.training)
        together, key = trained_together(model, config.training)
        template = jax.eval_shape(together.init, key, example_batch(signature))
    if seed is not None and seed not in seeds:
        several = "s" if len(seeds) > 1 else ""
        raise Refusal(f"{folder} was trained with the seed{several} {seeds_in_words(seeds)}, and not with seed {seed}.")
    there = folder / ("best" if best else "checkpoints")
    checkpoints = Checkpoints(there, read_only=True) if there.is_dir() else None
    restored = checkpoints.restore_latest(template) if checkpoints else None
    if restored is None and best:
        raise Refusal(f"{folder} holds no best checkpoint; it is kept where config.evaluation.every is not 0.")
    if restored is None:
        raise Refusal(f"{folder} holds no checkpoint yet; run its training until the first one.")
    step, state = restored
    origin = {
        "run": str(folder),
        "step": step,
        "checkpoint": "best" if best else "latest",
        "weights": "as trained" if raw or not state.average else "averaged",
    }
    own = config if given is None else given
    if len(seeds) == 1:
        variables = jax.device_put(evaluation_variables(state, raw=raw))  # or every batch would take them there again
        return Run(folder, config, signature, model, step, variables, origin, own)
    state = jax.device_put(state)
    found = {each: evaluation_variables(member(state, index), raw=raw) for index, each in enumerate(seeds)}
    chosen = seeds[0] if seed is None else seeds[seeds.index(seed)]  # a Python int, which JSON can hold
    for each, since in zip(seeds, frozen(state), strict=True):
        if since >= 0 and seed in (None, each):
            say(f"seed {each} of {folder} stopped being finite, and is as it was at step {since:,}")
    origin |= {"member": chosen}
    if seed is None and not every:
        say(f"{folder} has seeds {seeds_in_words(seeds)}; this is of the first, and --member names another")
    members = found if seed is None and every else {}
    return Run(folder, config, signature, model, step, found[chosen], origin, own, members)
