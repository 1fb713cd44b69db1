"""The config section `sweep`: numbers of which each combination is trained."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from gengen.core.refusal import Refusal

SWEPT = ("networks", "model", "optimizers", "training.average")
"""Sections whose numbers can be swept: of these, a model is built."""

FORM = "KEY=NUMBER,NUMBER;KEY=NUMBER,NUMBER"
"""What a sweep looks like."""

MOST = 1000
"""The most members of a run."""


class Axis(NamedTuple):
    """A number that is swept.

    Attributes:
      key: as it is given, such as "optimizers.*.rate".
      paths: of the keys that have its values, all of them the same.
      values: what they are, in order.
    """

    key: str
    paths: tuple[str, ...]
    values: tuple[float, ...]


class Combination(NamedTuple):
    """Numbers that members of all seeds have.

    Attributes:
      numbers: by their paths.
      label: what it is called, such as "rate 0.0003"; "" where nothing is swept.
    """

    numbers: Mapping[str, float]
    label: str


def combinations_of(config: ConfigDict) -> list[Combination]:
    """The combinations of a config, the last key of its sweep varying fastest; one without numbers where it has none.

    Raises:
      Refusal: the sweep cannot be read.
    """
    axes = _axes(config)
    names = _names([axis.key for axis in axes])
    return [
        Combination(
            {path: value for axis, value in zip(axes, values, strict=True) for path in axis.paths},
            ", ".join(f"{name} {_written(value)}" for name, value in zip(names, values, strict=True)),
        )
        for values in itertools.product(*(axis.values for axis in axes))
    ]


def with_numbers(config: ConfigDict, numbers: Mapping[str, Any]) -> ConfigDict:
    """A copy of a config without a sweep, in which some keys have other values.

    Raises:
      Refusal: a section is not there.
    """
    tree = config.to_dict()
    if "sweep" in tree:
        tree["sweep"] = None
    for path, value in numbers.items():
        *sections, name = path.split(".")
        inner = tree
        for section in sections:
            inner = inner.get(section) if isinstance(inner, dict) else None
        if not isinstance(inner, dict):
            raise Refusal(f"config.sweep: there is no section config.{'.'.join(sections)}.")
        inner[name] = value
    return ConfigDict(tree)


def alone(config: ConfigDict, place: int = 0) -> ConfigDict:
    """The config of the run that one combination would be, the first one by default; a config without a sweep is it."""
    return with_numbers(config, combinations_of(config)[place].numbers) if config.get("sweep") else config


def each_alone(config: ConfigDict) -> Iterator[ConfigDict]:
    """The configs of the runs that the combinations would be.

    Raises:
      Refusal: there are too many members.
    """
    if not config.get("sweep"):
        yield config
        return
    made, seeds = combinations_of(config), config.training.get("seeds", 1)
    if len(made) * seeds > MOST:
        raise Refusal(
            f"config.sweep has {len(made):,} combinations, with {seeds} seeds each "
            f"{len(made) * seeds:,} members; a run has at most {MOST:,}."
        )
    yield from (with_numbers(config, each.numbers) for each in made)


def check_no_sweep(config: ConfigDict, task: str) -> None:
    """Checks that a config for a task that knows no members has no sweep.

    Raises:
      Refusal: it has one.
    """
    if config.get("sweep"):
        raise Refusal(f"config.sweep={config.sweep!r} would not be heeded: {task} takes one value of each key.")


def _axes(config: ConfigDict) -> list[Axis]:
    """What `config.sweep` says; runs of older versions have no such key."""
    text = config.get("sweep") or ""
    if not isinstance(text, str):
        raise Refusal(f"config.sweep={text!r} must be text, as in {FORM}.")
    axes = [_axis(config, part) for part in text.split(";") if part.strip()]
    paths = [path for axis in axes for path in axis.paths]
    if twice := [path for path in paths if paths.count(path) > 1]:
        raise Refusal(f"config.sweep={text!r} names config.{twice[0]} twice.")
    return axes


def _axis(config: ConfigDict, part: str) -> Axis:
    """Reads one key with its values."""
    key, equals, listed = (text.strip() for text in part.partition("="))
    key = key.removeprefix("config.")
    if not equals or not key:
        raise Refusal(f"config.sweep={config.sweep!r} must be as in {FORM}.")
    if not any(key.startswith(f"{section}.") for section in SWEPT):
        raise Refusal(
            f"config.sweep: config.{key} is no number of a network, a model, an optimizer or an average, which alone "
            f"can be swept; start a run for each of its values."
        )
    paths = tuple(_paths(config, key))
    if not paths:
        raise Refusal(f"config.sweep: config.{key} stands for no key of this config.")
    values = tuple(_number(key, text.strip()) for text in listed.split(","))
    if any(isinstance(value, float) for value in (*values, _value(config, paths[0]))):
        values = tuple(map(float, values))  # as a flag of its own would make them
    if len(set(values)) < len(values):
        raise Refusal(f"config.sweep: config.{key} has the same value twice in {listed}.")
    return Axis(key, paths, values)


def _paths(config: ConfigDict, key: str) -> Iterator[str]:
    """The paths of a key whose name of a section may be "*": of all sections there that have the rest of it."""
    above, star, rest = key.partition(".*.")
    if not star:
        yield key
        return
    section = _value(config, above)
    if not isinstance(section, ConfigDict):
        return
    for name, inner in section.items():
        if isinstance(inner, ConfigDict) and ("*" in rest or rest.partition(".")[0] in inner):
            yield from _paths(config, f"{above}.{name}.{rest}")


def _value(config: ConfigDict, path: str) -> Any:
    """What a config has at a path; None where it has nothing."""
    found: Any = config
    for name in path.split("."):
        found = found.get(name) if isinstance(found, ConfigDict) else None
    return found


def _number(key: str, text: str) -> float:
    try:
        value: float = int(text) if text.lstrip("+-").isdecimal() else float(text)
    except ValueError as error:
        raise Refusal(f"config.sweep: config.{key} has {text!r} among its values, which is no number.") from error
    if not math.isfinite(value):
        raise Refusal(f"config.sweep: config.{key} has {text!r} among its values, which must be finite.")
    return value


def _names(keys: Sequence[str]) -> list[str]:
    """The ends of keys that tell them apart: "rate" alone, or "critic.rate" beside "generator.rate"."""
    parts = [key.split(".") for key in keys]
    names = []
    for own in parts:
        length = next(n for n in range(1, len(own) + 1) if sum(other[-n:] == own[-n:] for other in parts) == 1)
        names.append(".".join(own[-length:]))
    return names


def _written(value: float) -> str:
    """A number as short as tells it from any other."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)
