"""Every key of a config with its type, its range and its meaning, found where the checks of `gengen.runs.check` do."""

from collections.abc import Iterator
from typing import Any

from ml_collections import ConfigDict

from gengen.build.calls import Key, keys_of_arguments
from gengen.build.model import keys_of_model
from gengen.runs.check import SECTIONS, WITHIN
from gengen.runs.sections import Sweep
from gengen.values import kind_of


def keys_of(config: ConfigDict) -> Iterator[Key]:
    """The keys of a config that `check_values` holds to be fine, section by section, data and the model first."""
    yield from _declared("data", config)
    yield from keys_of_model(config)
    for name in SECTIONS:
        if name != "data":
            yield from _declared(name, config)
    if "sweep" in config:
        kind = kind_of(Sweep)
        yield Key("sweep", config.sweep, None, kind, kind.meaning if kind else "")


def defaults_of(config: ConfigDict) -> dict[str, Any]:
    """What each key of a config would be by its path if the config did not have it."""
    return {key.path: key.default for key in keys_of(config)}


def _declared(name: str, config: ConfigDict) -> Iterator[Key]:
    """The keys of a section that no builder takes, and of the section within it."""
    if name not in config:
        return
    yield from keys_of_arguments(config[name], name, SECTIONS[name][0])
    within = WITHIN.get(name, "")
    if within and (inner := config[name].get(within)):
        yield from keys_of_arguments(inner, f"{name}.{within}", SECTIONS[name][1])
        if name == "adaptation":
            yield from keys_of_model(inner, f"{name}.{within}.")
