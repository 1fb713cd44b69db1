"""Parts of the config section `model`: what is an object, or several, where the section has another one of settings."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ml_collections import ConfigDict

from gengen.build.calls import Key, call, check_call, check_section, keys_of_arguments, keys_of_call
from gengen.build.meanings import opening
from gengen.losses.likelihood import LIKELIHOODS
from gengen.models.autoencoders.corruption import CORRUPTIONS
from gengen.models.autoencoders.objective import Objective
from gengen.models.autoencoders.priors import PRIORS
from gengen.models.diffusion.one_step_methods import METHODS
from gengen.models.gans.terms import TERMS, Term
from gengen.models.gans.views import VIEWS, View
from gengen.models.translation.affine import Affine
from gengen.models.translation.pairings import PAIRINGS
from gengen.models.translation.recognition import Consistency

PARTS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "views": VIEWS,
    "terms": TERMS,
    "likelihood": LIKELIHOODS,
    "corruption": CORRUPTIONS,
    "prior": PRIORS,
    "objective": {"objective": Objective},
    "pairing": PAIRINGS,
    "affine": {"affine": Affine},
    "consistency": {"consistency": Consistency},
    "method": METHODS,
}
"""Builders of each part, by its name in the section `model`."""

GIVEN = ("rank", "bounded", "levels")
"""Arguments of parts that follow from the data."""

SEVERAL = ("views", "terms")
"""Parts whose section has one of arguments for each of their builders; those of others name one builder."""


def check_part(name: str, section: Any, path: str) -> None:
    """Checks every value of the section of a part.

    Args:
      name: one of `PARTS`.
      section: of the part.
      path: where it stands in the config, for messages.

    Raises:
      Refusal: a name or an argument is unknown, or a value is out of range.
    """
    check_section(section, path)
    if name not in SEVERAL:
        check_call(PARTS[name], _named(name, section), path, given=GIVEN)
        return
    for entry, arguments in section.items():
        check_section(arguments, f"{path}.{entry}")
        check_call(PARTS[name], {"name": entry, **arguments}, f"{path}.{entry}")


def keys_of_part(name: str, section: Mapping[str, Any], path: str) -> Iterator[Key]:
    """The keys of a section that `check_part` holds to be fine; the first of each of several says what it is of."""
    if name in SEVERAL:
        for entry, arguments in section.items():
            builder = PARTS[name][entry]
            first, *others = keys_of_arguments(arguments, f"{path}.{entry}", builder)
            yield from (first._replace(meaning=f"{opening(builder)} Here: {first.meaning}"), *others)
    elif set(PARTS[name]) == {name}:
        yield from keys_of_arguments(section, path, PARTS[name][name])
    else:
        yield from keys_of_call(PARTS[name], section, path)


def build_part(name: str, section: Mapping[str, Any], **given: Any) -> Any:
    """Builds the part of one of `PARTS` from its section.

    Args:
      name: one of `PARTS`.
      section: of the part.
      **given: those of `GIVEN` that it may take.

    Raises:
      Refusal: a name or an argument is unknown or out of range.
    """
    if name == "views":
        return build_views(section)
    if name == "terms":
        return build_terms(section)
    return call(PARTS[name], _named(name, section), f"model.{name}", **given)


def build_views(sections: Mapping[str, ConfigDict]) -> list[View]:
    """Builds the views that are switched on, in the order of `VIEWS`.

    Args:
      sections: the arguments of each view, by its name.

    Raises:
      Refusal: a view or an argument is unknown or out of range.
    """
    path = "model.views"
    made = {name: call(VIEWS, {"name": name, **section}, f"{path}.{name}") for name, section in sections.items()}
    return [made[name] for name in VIEWS if made.get(name)]


def build_terms(sections: Mapping[str, ConfigDict]) -> list[Term]:
    """Builds the terms whose weight is not 0.

    Raises:
      Refusal: a term or an argument is unknown or out of range.
    """
    terms: list[Term] = []
    for name, section in sections.items():
        made = call(TERMS, {"name": name, **section}, f"model.terms.{name}")
        terms += made if section["weight"] else ()
    return terms


def _named(name: str, section: Mapping[str, Any]) -> dict[str, Any]:
    """A section with the name of its builder, which goes without saying where there is one builder."""
    return {"name": name, **section} if set(PARTS[name]) == {name} else dict(section)
