"""Sums of pictures as one writes them down: `0,1,2-3,4,5+6,7,8`, or by class `label:7-label:1+label:4`."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from gengen.core.refusal import Refusal

CLASS = "label:"
"""What stands before a class."""

GRAMMAR = (
    "write numbers of pictures, as in 0,1,2-3,4,5+6,7,8, or classes by name or number, as in label:7-label:1+label:4"
)


class Term(NamedTuple):
    """A part of a sum: the mean of some pictures.

    Attributes:
      sign: 1 or -1.
      numbers: of the pictures; () where a class is meant.
      label: the class, or None.
    """

    sign: int
    numbers: tuple[int, ...] = ()
    label: int | None = None

    def said(self, names: Sequence[str]) -> str:
        """The term in words, without its sign."""
        return names[self.label] if self.label is not None else ", ".join(map(str, self.numbers))


def parsed(formula: str, names: Sequence[str]) -> list[Term]:
    """Reads a sum.

        sum  = term, then + or - and a term, as often as one likes
        term = number, number, ...  |  label: and the name of a class, or its number where no class has that name

    Names may hold any letters, + and - too: the longest name that fits is meant. Blanks between parts do not matter.

    Args:
      formula: the sum.
      names: of the classes of the data [K].

    Raises:
      Refusal: it is no such sum, or there is no such class; the sentence says where.
    """
    terms, rest, sign = list[Term](), formula.strip(), 1
    while True:
        term, rest = _term(formula, rest, sign, names)
        terms.append(term)
        if not rest:
            return terms
        if rest[0] not in "+-":
            raise Refusal(f"--formula={formula}: there should be + or - before {rest!r}; {GRAMMAR}.")
        sign, rest = (1 if rest[0] == "+" else -1), rest[1:].lstrip()


def _term(formula: str, rest: str, sign: int, names: Sequence[str]) -> tuple[Term, str]:
    """The term that a text begins with, and what comes after it."""
    if rest.startswith(CLASS):
        rest = rest.removeprefix(CLASS)
        fits = [name for name in names if rest.startswith(name) and re.match(r"\s*([+-]|$)", rest[len(name) :])]
        if fits:
            name = max(fits, key=len)
            return Term(sign, label=list(names).index(name)), rest[len(name) :].lstrip()
        number = re.match(r"[0-9]+(?=\s*([+-]|$))", rest)
        if number and int(number[0]) < len(names):
            return Term(sign, label=int(number[0])), rest[number.end() :].lstrip()
        known = (
            f"the classes are {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}" if names else "it has none"
        )
        raise Refusal(f"--formula={formula}: {rest!r} does not begin with a class of the data; {known}.")
    found = re.match(r"[0-9]+(\s*,\s*[0-9]+)*", rest)
    if not found:
        what = f"{rest!r} begins with neither a number nor {CLASS}" if rest else "a part is missing"
        raise Refusal(f"--formula={formula}: {what}; {GRAMMAR}.")
    numbers = tuple(int(part) for part in found[0].split(","))
    return Term(sign, numbers), rest[found.end() :].lstrip()
