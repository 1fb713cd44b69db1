"""`--list`: what can be run. Configs are small programs, so all of them are run; JAX is not needed for it."""

import ast
import difflib
import re
import runpy
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from gengen.core.refusal import Refusal

WIDTH = 100
"""Columns of what people read in a terminal."""

NOTHING = "nothing"
"""What stands for the value of a key that a config does not have."""


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


class Config(NamedTuple):
    """The file of a config, which has been run.

    Attributes:
      path: of the file.
      variants: names that `get` takes, but for "", the experiment itself.
      get: the config of a variant.
    """

    path: Path
    variants: tuple[str, ...]
    get: Callable[[str], ConfigDict]


def list_experiments(folder: Path, word: str = "") -> None:
    """Prints every config of a folder with its data, minutes, line and variants, in `WIDTH` columns.

    Args:
      folder: of configs.
      word: only those that have it, in small letters or capitals, in their file or in what is printed.

    Raises:
      Refusal: none has it.
    """
    rows = []
    for each in experiments(folder):
        data, variants = _data_and_variants(folder / f"{each.name}.py")
        row = (each.name, data, re.split("[,;]", each.minutes)[0], each.line, variants)
        if word.lower() in f"{row} {_docstring(folder / f'{each.name}.py')}".lower():
            rows.append(row)
    if not rows:
        raise Refusal(f"no experiment says {word!r}; --list without --grep names all of them.")
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    widths = [max(width, len(title)) for width, title in zip(widths, ("config", "data", "minutes"), strict=True)]
    for *cells, line, variants in [("config", "data", "minutes", "what, and its :VARIANTs", ""), *rows]:
        head = "".join(f"{cell:{width}}  " for cell, width in zip(cells, widths, strict=True))
        print(_filled(line, head))
        if variants:
            print(_filled(variants, " " * len(head)))
    print("\nIn brackets: data of a variant that are others. --list=NAME has the rest of one: paper, score, what")
    print("each variant changes. --keys=NAME has what each of its keys may be and means.")


def show_experiment(folder: Path, asked: str) -> None:
    """Prints all that a config says of itself, and which keys its variants change from what to what.

    Args:
      folder: of configs.
      asked: the name of one of them, or its path, perhaps with one ":VARIANT", which alone is then shown.

    Raises:
      Refusal: there is no such config, or it cannot be run.
    """
    config, variant = read_config(folder, asked)
    print(f"{_docstring(config.path)}\n")
    if not config.variants:
        print("Variants: none.")
        return
    print(f"Variants, as in --config={config.path.parent.name}/{config.path.name}:VARIANT, and what each changes:")
    before = flat(_of(config, ""))
    for name in [variant] if variant else config.variants:
        print(f"\n:{name}")
        after = flat(_of(config, name))
        changed = [key for key in before | after if before.get(key, NOTHING) != after.get(key, NOTHING)]
        width = max(map(len, changed), default=0)
        for key in changed:
            old, new = (repr(values[key]) if key in values else NOTHING for values in (before, after))
            print(_filled(f"{old} -> {new}", f"  {key:{width}}  "))


def read_config(folder: Path, asked: str) -> tuple[Config, str]:
    """Runs the file of a config.

    Args:
      folder: of configs.
      asked: the name of one of them, or the path of any file, perhaps with ":VARIANT".

    Returns:
      The config, and the name of the variant that is asked for, "" for none.

    Raises:
      Refusal: there is no such config or variant, or it cannot be run.
    """
    name, _, variant = asked.partition(":")
    path = Path(name) if name.endswith(".py") and Path(name).is_file() else folder / f"{Path(name).stem}.py"
    known = [each.name for each in experiments(folder)]
    if not path.is_file() or (path.parent == folder and path.stem not in known):
        raise Refusal(f"there is no experiment {path.stem}{_meant(path.stem, known)}; --list names all of them.")
    config = _run(path)
    if variant not in ("", *config.variants):
        listed = ", ".join(config.variants) or "none"
        meant = _meant(variant, config.variants)
        raise Refusal(f"{path.stem} has no variant {variant!r}{meant}; its variants are {listed}.")
    return config, variant


def config_of(folder: Path, asked: str) -> ConfigDict:
    """The config that is asked for, as in `read_config`.

    Raises:
      Refusal: there is none, or it cannot be run.
    """
    return _of(*read_config(folder, asked))


def experiments(folder: Path) -> Iterator[Experiment]:
    """Reads the docstrings of the configs in a folder; none is run."""
    for path in sorted(folder.glob("*.py")):
        source = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "get_config" for node in source.body):
            text = ast.get_docstring(source) or ""
            yield Experiment(path.stem, text.partition("\n")[0], _entry(text, "Score"), _entry(text, "Minutes"))


def flat(config: ConfigDict, prefix: str = "") -> dict[str, Any]:
    """The values of a config that are no sections, by the whole paths of their keys."""
    found: dict[str, Any] = {}
    for name, value in config.items():
        inside = isinstance(value, ConfigDict)
        found |= flat(value, f"{prefix}{name}.") if inside else {f"{prefix}{name}": value}
    return found


def _run(path: Path) -> Config:
    try:
        defined = runpy.run_path(str(path))
        return Config(path, tuple(defined.get("VARIANTS", ())), defined["get_config"])
    except Exception as error:  # a config is a program, and may be a user's own
        raise Refusal(f"{path} fails ({type(error).__name__}: {error}).") from error


def _of(config: Config, variant: str) -> ConfigDict:
    try:
        return config.get(variant)
    except Exception as error:  # as in `_run`
        raise Refusal(f"{config.path}:{variant} fails ({type(error).__name__}: {error}).") from error


def _data_and_variants(path: Path) -> tuple[str, str]:
    """Names of the data of a config, and its variants, in brackets the data of those whose names do not say them."""
    try:
        config = _run(path)
        own = _data(_of(config, ""))
        others = {name: _data(_of(config, name)) for name in config.variants}
    except Refusal:
        return "it fails", ""  # of which --list=NAME says why
    return own, " ".join(f":{name}{'' if data in (own, name) else f' ({data})'}" for name, data in others.items())


def _data(config: ConfigDict) -> str:
    second = config.data.get("second")
    return f"{config.data.name}{f', {second.name}' if second else ''}"


def _docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def _entry(text: str, name: str) -> str:
    """Reads a paragraph entry such as "Minutes: 2 on 2 cores." that may go on over indented lines."""
    found = re.search(rf"^{name}: (.*(?:\n  .*)*)", text, re.MULTILINE)
    return " ".join(found[1].split()).rstrip(".") if found else "not measured"


def _meant(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _filled(text: str, head: str) -> str:
    """Text after a head, in lines of `WIDTH` that begin below where it begins."""
    indent = " " * min(len(head), WIDTH // 2)
    return textwrap.fill(text, WIDTH, initial_indent=head, subsequent_indent=indent, break_on_hyphens=False) or head
