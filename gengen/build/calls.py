"""How config sections become calls of builders: what each may hold is what the builder's signature says."""

import difflib
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from gengen.build.meanings import meanings, opening
from gengen.build.swept import Swept
from gengen.core.refusal import Refusal
from gengen.values import Kind, OneOf, complaint, kind_of

FIXED = ("name", "parent")
"""Parameters that linen modules have, and the key of a section that names its builder."""


class Key(NamedTuple):
    """A value of a config, and what is known of its key.

    Attributes:
      path: of the key, such as "model.latent".
      value: what the config has there.
      default: what a builder takes where the config says nothing; None where it must say something.
      kind: what it may be; None where nothing says so.
      meaning: in words; "" where nothing is said.
    """

    path: str
    value: Any
    default: Any
    kind: Kind | None
    meaning: str


def call(table: Mapping[str, Callable[..., Any]], section: Mapping[str, Any], path: str, **given: Any) -> Any:
    """Calls the builder that `section["name"]` names with the section's other entries, and what it takes of the given.

    Raises:
      Refusal: as `check_call` does, or the builder complains.
    """
    check_call(table, section, path, given=given)
    builder = table[section["name"]]
    taken = {name: given[name] for name in given.keys() & parameters_of(builder).keys()}
    with refusing(path):
        return builder(**{key: value for key, value in section.items() if key != "name"}, **taken)


def check_call(
    table: Mapping[str, Callable[..., Any]],
    section: Mapping[str, Any],
    path: str,
    *,
    given: Collection[str] = (),
    beside: Mapping[str, Any] | None = None,
) -> None:
    """Checks that a section can be the arguments of the builder that it names, without calling it.

    Args:
      table: builders by name.
      section: "name" and arguments.
      path: of the section in the config.
      given: arguments that do not come from the section.
      beside: annotations of keys that are not the builder's.

    Raises:
      Refusal: a name is unknown, an argument is unknown or missing, or a value is out of range.
    """
    check_section(section, path)
    name = section.get("name")
    if not isinstance(name, str) or name not in table:
        raise Refusal(f"config.{path}.name={name!r} is unknown; choose one of {', '.join(table)}.")
    own = {key: value for key, value in section.items() if key != "name"}
    check_arguments(own, path, table[name], repr(name), given=(*given, *FIXED), beside=beside)


def check_arguments(
    section: Mapping[str, Any],
    path: str,
    builder: Callable[..., Any],
    title: str,
    *,
    given: Collection[str] = (),
    beside: Mapping[str, Any] | None = None,
) -> None:
    """Checks that a section can be the arguments of a builder; as `check_call`, whose `title` names it in sentences."""
    check_section(section, path)
    parameters = {key: found for key, found in parameters_of(builder).items() if key not in given}
    known = {key: found.annotation for key, found in parameters.items()} | dict(beside or {})
    for name, value in section.items():
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            takes = f"which takes {', '.join(known) or 'none'}"
            raise Refusal(f"config.{path}.{name} is not an argument of {title}, {takes}{hint}.")
        check_value(value, known[name], f"{path}.{name}")
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in section:
            raise Refusal(f"config.{path}.{name} is missing, which {title} needs.")


def keys_of_call(
    table: Mapping[str, Callable[..., Any]],
    section: Mapping[str, Any],
    path: str,
    *,
    beside: Mapping[str, Any] | None = None,
) -> Iterator[Key]:
    """The keys of a section that `check_call` holds to be fine, the name of its builder first; not those within."""
    name = section["name"]
    yield Key(f"{path}.name", name, None, Kind((str,), choice=OneOf(tuple(table))), f"{name}: {opening(table[name])}")
    own = {key: value for key, value in section.items() if key != "name"}
    yield from keys_of_arguments(own, path, table[name], beside=beside)


def keys_of_arguments(
    section: Mapping[str, Any], path: str, builder: Callable[..., Any], *, beside: Mapping[str, Any] | None = None
) -> Iterator[Key]:
    """The keys of a section that `check_arguments` holds to be fine, but those of the sections within it.

    What a key means is said in one place: beside its type, or else in the docstring of the builder.
    """
    parameters = {key: found for key, found in parameters_of(builder).items() if key not in (beside or {})}
    known = {key: found.annotation for key, found in parameters.items()} | dict(beside or {})
    for name, value in section.items():
        if not isinstance(value, Mapping | ConfigDict):
            kind, found = kind_of(known[name]), parameters.get(name)
            default = None if found is None or found.default is found.empty else found.default
            said = kind.meaning if kind else ""
            yield Key(f"{path}.{name}", value, default, kind, said or meanings(builder).get(name, ""))


def check_value(value: Any, annotation: Any, path: str) -> None:
    """Checks one value of a config by the annotation of what takes it; what is itself a section is checked elsewhere.

    Raises:
      Refusal: it has another type, or lies out of range.
    """
    kind = kind_of(annotation)
    for each in value.values if isinstance(value, Swept) else (value,):
        if kind and (wrong := complaint(each, kind)):
            raise Refusal(f"config.{path}={each!r} {wrong}.")


def check_section(section: Any, path: str) -> None:
    """Checks that what should be a section is one.

    Raises:
      Refusal: it is a value.
    """
    if not isinstance(section, Mapping | ConfigDict):
        raise Refusal(f"config.{path}={section!r} must be a section of keys.")


def parameters_of(builder: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The arguments that a builder takes, by name."""
    return dict(inspect.signature(builder).parameters)


@contextmanager
def refusing(path: str) -> Iterator[None]:
    """Turns a builder's complaint about a value into a sentence for the user."""
    try:
        yield
    except ValueError as error:
        raise Refusal(f"config.{path}: {str(error).rstrip('.')}.") from error
