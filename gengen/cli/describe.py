"""`--list`: what can be run, read from the sources of the experiments."""

import ast
import difflib
import re
import runpy
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gengen.core.refusal import Refusal

WIDTH = 100
"""Columns of a list that people read in a terminal."""


class Experiment(NamedTuple):
    """What the docstring of a config says.

    Attributes:
      name: of its file.
      line: one line on what it is.
      score: what it is expected to reach.
      minutes: how long that takes, and where.
    """

    name: str
    line: str
    score: str
    minutes: str


def list_experiments(folder: Path) -> None:
    """Prints every config of a folder with its minutes and its line, in `WIDTH` columns."""
    rows = [(each.name, re.split("[,;]", each.minutes)[0], each.line) for each in experiments(folder)]
    name, minutes = (max((len(row[column]) for row in rows), default=0) for column in (0, 1))
    for row in [("config", "minutes", "what"), *rows]:
        head = f"{row[0]:{name}}  {row[1]:{minutes}}  "
        print(textwrap.fill(row[2], WIDTH, initial_indent=head, subsequent_indent=" " * len(head)))
    print("\n--list=NAME has the rest of one: its paper, variants and score.")


def show_experiment(folder: Path, name: str) -> None:
    """Prints all that a config says of itself, and its variants.

    Args:
      folder: of configs.
      name: of one of them, or its path.

    Raises:
      Refusal: there is no such config, or it cannot be run.
    """
    texts, name = _docstrings(folder), Path(name).stem
    if name not in texts:
        close = difflib.get_close_matches(name, texts, n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise Refusal(f"there is no experiment {name}{hint}; --list names all of them.")
    path = folder / f"{name}.py"
    try:
        variants = runpy.run_path(str(path)).get("VARIANTS", ())
    except Exception as error:  # a config is a program, and may be a user's own
        raise Refusal(f"{path} fails ({type(error).__name__}: {error}).") from error
    listed = f"Variants, as in --config=configs/{name}.py:VARIANT: {', '.join(variants) or 'none'}."
    print(f"{texts[name]}\n\n{textwrap.fill(listed, WIDTH, subsequent_indent='  ', break_on_hyphens=False)}")


def experiments(folder: Path) -> Iterator[Experiment]:
    """Reads the docstrings of the configs in a folder; none is imported."""
    for name, text in _docstrings(folder).items():
        yield Experiment(name, text.partition("\n")[0], _entry(text, "Score"), _entry(text, "Minutes"))


def _docstrings(folder: Path) -> dict[str, str]:
    """Docstrings of the configs in a folder, by their names in order."""
    sources = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.py"))}
    return {
        name: ast.get_docstring(source) or ""
        for name, source in sources.items()
        if any(isinstance(node, ast.FunctionDef) and node.name == "get_config" for node in source.body)
    }


def _entry(text: str, name: str) -> str:
    """Reads a paragraph entry such as "Minutes: 2 on 2 cores." that may go on over indented lines."""
    found = re.search(rf"^{name}: (.*(?:\n  .*)*)", text, re.MULTILINE)
    return " ".join(found[1].split()).rstrip(".") if found else "not measured"
