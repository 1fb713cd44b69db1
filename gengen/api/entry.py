"""Where a program in Python begins: with a run that is opened, or trained."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import absl.logging
from ml_collections import ConfigDict

from gengen.api.trained import TrainedModel
from gengen.core.refusal import Refusal
from gengen.runs import run
from gengen.runs.archived import located


def open_run(
    folder: str | os.PathLike[str],
    *,
    best: bool = False,
    raw: bool = False,
    seed: int | None = None,
    member: int | None = None,
) -> TrainedModel:
    """Opens the run of a folder.

    Args:
      folder: the run folder, or a zip or tar of one, which is unpacked beside it.
      best: take the best checkpoint by the run's own scores instead of the latest.
      raw: take the weights as trained instead of their average.
      seed: which one to open of a run that trained several, `training.seeds`; None for the first.
      member: which one to open of a run that trained a `sweep`: a place in the `members` of what is opened, from 0 on.

    Raises:
      Refusal: the folder holds no run or no checkpoint, was not trained with this seed, or has no such member.

    Examples:
      >>> import gengen
      >>> run = gengen.open_run(folder)
      >>> run.step, run.signature.shape
      (20, (8, 8, 1))
    """
    with _quiet():
        return TrainedModel(
            run.open_run(located(Path(folder).expanduser()), best=best, raw=raw, seed=seed, member=member)
        )


def load_config(experiment: str) -> ConfigDict:
    """The config of an experiment, to be changed and trained.

    Args:
      experiment: what `--config` takes: `configs/NAME.py`, or `configs/NAME.py:VARIANT`.

    Raises:
      Refusal: there is no such file, it has no `get_config`, or no such variant.
    """
    name, _, variant = experiment.partition(":")
    file = Path(name).expanduser().resolve()
    spec = importlib.util.spec_from_file_location(file.stem, file) if file.is_file() else None
    if spec is None or spec.loader is None:
        raise Refusal(f"there is no experiment {name}; name its file, as in configs/NAME.py.")
    module, above = importlib.util.module_from_spec(spec), str(file.parents[1])
    sys.path.insert(0, above)  # experiments import what they share, as `from configs import base`
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(above)
    if not callable(vars(module).get("get_config")):
        raise Refusal(f"{name} is no experiment: it has no function get_config.")
    try:
        config: ConfigDict = module.get_config(variant) if variant else module.get_config()
    except ValueError as error:
        raise Refusal(f"{experiment} is no experiment: {error}.") from error
    return config


def train(config: ConfigDict, workdir: str | os.PathLike[str]) -> TrainedModel:
    """Trains until `training.steps`, from the latest checkpoint if the folder holds one, and opens the run.

    A bar shows how far it is, in a terminal and in a notebook; elsewhere a line is printed now and then.

    Args:
      config: the experiment.
      workdir: the run folder.

    Raises:
      Refusal: the config cannot be run, the folder belongs to another run, or training diverged.
    """
    from gengen.api import train as trainer  # with metrics and writers, which a run that is only opened does not need

    if not isinstance(config, ConfigDict):
        raise Refusal(f"a config is a ConfigDict, as load_config gives it, and this is a {type(config).__name__}.")
    folder = Path(workdir).expanduser()
    with _quiet():
        trainer.run(config, folder)
    return open_run(folder)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leaves out what Orbax tells of its own settings, which a user cannot act on."""
    before = absl.logging.get_verbosity()
    absl.logging.set_verbosity(absl.logging.FATAL)
    try:
        yield
    finally:
        absl.logging.set_verbosity(before)
