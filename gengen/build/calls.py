"""How config sections become calls of builders, and builders' complaints sentences for the user."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gengen.core.refusal import Refusal


def call(table: Mapping[str, Callable[..., Any]], section: Mapping[str, Any], path: str, **given: Any) -> Any:
    """Calls the builder that `section["name"]` names with the section's other entries and what is given."""
    arguments = {key: value for key, value in section.items() if key != "name"}
    if section["name"] not in table:
        raise Refusal(f"config.{path}.name={section['name']!r} is unknown; choose one of {', '.join(table)}.")
    builder = table[section["name"]]
    taken = [name for name in inspect.signature(builder).parameters if name not in (*given, "parent", "name")]
    for name in arguments:
        if name not in taken:
            raise Refusal(
                f"config.{path}.{name} is not an argument of {section['name']!r}, which takes {', '.join(taken)}."
            )
    with refusing(path):
        return builder(**arguments, **given)


@contextmanager
def refusing(path: str) -> Iterator[None]:
    """Turns a builder's complaint about a value into a sentence for the user."""
    try:
        yield
    except ValueError as error:
        raise Refusal(f"config.{path}: {error}.") from error
