"""What a run has been healed of: the illnesses that it went back from, and what was changed in its config."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
from ml_collections import ConfigDict

from gengen.core.refusal import Refusal
from gengen.files.whole import write_whole
from gengen.runs.folder import CURES, damaged

PLAYERS = ("critic", "generator")
"""Who must be in a game that can be healed: networks, each with an optimizer of its own."""


class Change(NamedTuple):
    """A value of a config that was changed.

    Attributes:
      key: its path, such as "optimizers.critic.rate".
      old: what it was.
      new: what it is from then on.
    """

    key: str
    old: float
    new: float


class Healed(NamedTuple):
    """An illness that a run went back from.

    Attributes:
      told: step at which it was found.
      illness: its name.
      sentence: what was seen.
      back: step that the run went back to, 0 for its beginning.
      changes: what was changed of the config.
      gone_back: whether all that was trained after the step `back` is gone; until then, it is no part of the run.
    """

    told: int
    illness: str
    sentence: str
    back: int
    changes: tuple[Change, ...]
    gone_back: bool

    @property
    def line(self) -> str:
        """What was seen, to which step the run went back, and what was changed."""
        changed = " and ".join(f"{change.key} from {change.old:g} to {change.new:g}" for change in self.changes)
        return f"healed at step {self.told:,}: {self.sentence}; back to step {self.back:,} with {changed}"


def read_healed(folder: Path) -> tuple[Healed, ...]:
    """Reads what the run of a folder has been healed of, the first illness first; () if of nothing.

    Raises:
      Refusal: the file is damaged.
    """
    path = folder / CURES
    if not path.exists():
        return ()
    try:
        entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        read = [Healed(**entry) for entry in entries]
        return tuple(one._replace(changes=tuple(Change(**change) for change in one.changes)) for one in read)  # type: ignore[arg-type]
    except (ValueError, TypeError) as error:
        raise damaged(path, str(error)) from error


def write_healed(folder: Path, healed: Sequence[Healed]) -> None:
    """Writes what the run of a folder has been healed of, whole or not at all."""
    entries = [{**one._asdict(), "changes": [change._asdict() for change in one.changes]} for one in healed]
    write_whole(folder / CURES, json.dumps(entries, indent=2) + "\n")


def as_cured(config: ConfigDict, healed: Sequence[Healed]) -> ConfigDict:
    """A copy of a config with all that was changed of it."""
    cured = config.copy_and_resolve_references()
    for change in (change for one in healed for change in one.changes):
        *path, name = change.key.split(".")
        section = cured
        for part in path:
            section = section[part]
        with section.unlocked(), section.ignore_type():
            section[name] = change.new
    return cured


def check_healing(config: ConfigDict) -> None:
    """Checks that a run that is to be healed can be.

    Raises:
      Refusal: nobody looks at it, nothing in it has a cure, or it could not go back and go on as if it had never been
        killed.
    """
    training = config.training
    if not training.get("heal", False):
        return
    if not all(player in config[section] for section in ("networks", "optimizers") for player in PLAYERS):
        raise Refusal(
            "config.training.heal=True is of no use to this model: what has a cure is a game of a generator and a "
            "critic; set it to False."
        )
    if config.get("sweep"):
        raise Refusal(
            f"config.training.heal=True goes with one run, and config.sweep={config.sweep!r} asks for several; leave "
            f"one of them out."
        )
    if training.get("seeds", 1) > 1:
        raise Refusal(
            f"config.training.heal=True goes with one seed, because all of config.training.seeds={training.seeds} "
            f"would have to go back with the one that is ill; set one of them to its default."
        )
    if jax.process_count() > 1:
        raise Refusal("config.training.heal=True goes with one process, because only the first one looks at the run.")
    looks, saved, lines = (training.get(f"{name}_every", 0) for name in ("diagnose", "checkpoint", "log"))
    if not looks:
        raise Refusal(
            "config.training.heal=True needs looks that find what is to be healed: set config.training.diagnose_every "
            "above 0."
        )
    for name, every in (("diagnose", looks), ("log", lines)):
        if not saved or (every and saved % every):
            raise Refusal(
                f"config.training.checkpoint_every={saved} must be a multiple of config.training.{name}_every={every} "
                f"for config.training.heal=True, which judges by whole spans between checkpoints."
            )
