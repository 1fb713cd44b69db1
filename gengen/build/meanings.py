"""What the keys of a config mean: what the docstrings of their builders say of arguments of the same names."""

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

LISTS = ("Args:", "Attributes:")
"""Headings of a docstring below which arguments stand, one entry each or several that share one."""

ELSEWHERE = re.compile(r"as in `(\w+)`")
"""What an entry begins with that is written in another docstring."""


@cache
def meanings(builder: Callable[..., Any]) -> Mapping[str, str]:
    """What the docstring of a builder says of each of its arguments, by their names, each in one line.

    A class also has the entries of those that it extends. An entry "as in `other`; and more" is that of `other`, a name
    which the builder's module knows, and more.
    """
    found = dict[str, str]()
    for names, meaning in _entries(_docstrings(builder)):
        other = ELSEWHERE.match(meaning)
        known = meanings(vars(sys.modules[builder.__module__])[other[1]]) if other else {}
        more = meaning[other.end() :] if other else ""
        found |= {name: known[name].rstrip(".") + more if name in known else meaning for name in names}
    return found


def _docstrings(builder: Callable[..., Any]) -> str:
    """That of a builder, below those of gengen's classes that it extends."""
    extended = reversed(inspect.getmro(builder)[1:]) if inspect.isclass(builder) else ()
    own = [inspect.cleandoc(one.__doc__ or "") for one in extended if one.__module__.startswith("gengen.")]
    return "\n\n".join([*own, inspect.getdoc(builder) or ""])


def opening(builder: Callable[..., Any]) -> str:
    """The first paragraph of a builder's docstring, in one line."""
    return " ".join((inspect.getdoc(builder) or "").partition("\n\n")[0].split())


def _entries(text: str) -> list[tuple[list[str], str]]:
    """The names and the meaning of each entry in the lists of a docstring."""
    entries, inside = list[tuple[list[str], str]](), False
    for line in text.splitlines():
        if line and not line.startswith(" "):
            inside = line in LISTS
        elif inside and (begun := re.match(r"  (\w+(?:, \w+)*): (.*)", line)):
            entries.append((begun[1].split(", "), begun[2]))
        elif inside and line.strip():
            names, meaning = entries[-1]
            entries[-1] = names, f"{meaning} {line.strip()}"
    return entries
