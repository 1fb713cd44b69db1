"""Parts of the config section `model`: what is an object, or several, where the section has another one of settings."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from ml_collections import ConfigDict

from gengen.build.calls import call
from gengen.core.refusal import Refusal
from gengen.losses.likelihood import LIKELIHOODS
from gengen.models.autoencoders.corruption import CORRUPTIONS
from gengen.models.autoencoders.objective import Objective
from gengen.models.autoencoders.priors import PRIORS
from gengen.models.gans.terms import TERMS, Term
from gengen.models.gans.views import VIEWS, View
from gengen.models.translation.affine import Affine
from gengen.models.translation.pairings import PAIRINGS
from gengen.models.translation.recognition import Consistency


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
        if not 0 <= section["weight"] < math.inf:
            raise Refusal(f"config.model.terms.{name}.weight={section['weight']} must be a number of at least 0.")
        made = call(TERMS, {"name": name, **section}, f"model.terms.{name}")
        terms += made if section["weight"] else ()
    return terms


def _named(table: Mapping[str, Callable[..., Any]], path: str) -> Callable[[ConfigDict], Any]:
    """What builds a part whose section names one entry of a table, with its arguments."""
    return lambda section: call(table, section, path)


def _settings(builder: Callable[..., Any], path: str) -> Callable[[ConfigDict], Any]:
    """What builds a part of which there is one kind."""
    name = builder.__name__
    return lambda section: call({name: builder}, {"name": name, **section}, path)


PARTS: Mapping[str, Callable[[ConfigDict], Any]] = {
    "views": build_views,
    "terms": build_terms,
    "likelihood": _named(LIKELIHOODS, "model.likelihood"),
    "corruption": _named(CORRUPTIONS, "model.corruption"),
    "prior": _named(PRIORS, "model.prior"),
    "objective": _settings(Objective, "model.objective"),
    "pairing": _named(PAIRINGS, "model.pairing"),
    "affine": _settings(Affine, "model.affine"),
    "consistency": _settings(Consistency, "model.consistency"),
}
"""What builds each part, by its name in the section `model`."""
