"""`--dry_run` and `--list`: what would run, and what can be run."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
from ml_collections import ConfigDict

from gengen.build.model import build_model, example_batch
from gengen.build.trace import moved_in_stages
from gengen.core.state import networks_of
from gengen.reports.tables import count, table
from gengen.runs.check import check_config
from gengen.runs.prepare import load_data


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


def dry_run(config: ConfigDict) -> None:
    """Prints the resolved config, a table of the networks and the data's signature.

    Nothing is trained and no run folder is made; data that were never used before are prepared.

    Raises:
      Refusal: the config cannot be run.
    """
    check_config(config)
    data = load_data(config)
    model = build_model(config, data.signature)
    moved_in_stages(config, model, data.signature)
    state = jax.eval_shape(model.init, jax.random.key(0), example_batch(data.signature))
    print("# Config\n", str(config).strip(), sep="")
    for name, collections in networks_of(state.variables).items():
        print(f"\n# Network {name}: {count(collections['params']):,} parameters")
        print(table(_rows(collections), ("array", "shape", "dtype", "numbers")))
    if model.notes:
        print(f"\n# Objective\n{model.notes}")
    print("\n# Data")
    for key, value in data.signature.to_json().items():
        print(f"{key}: {value}")


def list_experiments(folder: Path) -> None:
    """Prints every config of a folder with its line, expected score and minutes, as a table in Markdown."""
    print(table([list(experiment) for experiment in experiments(folder)], ("config", "what", "score", "minutes")))


def experiments(folder: Path) -> Iterator[Experiment]:
    """Reads the docstrings of the configs in a folder; none is imported."""
    for path in sorted(folder.glob("*.py")):
        source = ast.parse(path.read_text(encoding="utf-8"))
        text = ast.get_docstring(source) or ""
        if any(isinstance(node, ast.FunctionDef) and node.name == "get_config" for node in source.body):
            yield Experiment(path.stem, text.splitlines()[0], _entry(text, "Score"), _entry(text, "Minutes"))


def _rows(collections: dict[str, Any]) -> list[list[Any]]:
    return [
        [jax.tree_util.keystr(path, simple=True, separator="/"), list(leaf.shape), leaf.dtype, f"{leaf.size:,}"]
        for path, leaf in jax.tree_util.tree_leaves_with_path(collections)
    ]


def _entry(text: str, name: str) -> str:
    """Reads a paragraph entry such as "Minutes: 2 on 2 cores." that may go on over indented lines."""
    found = re.search(rf"^{name}: (.*(?:\n  .*)*)", text, re.MULTILINE)
    return " ".join(found[1].split()).rstrip(".") if found else "not measured"
