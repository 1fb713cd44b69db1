"""`--dry_run` and `--keys`: what would run, and what can be changed of it."""

import textwrap
from pathlib import Path
from typing import Any

import jax
from ml_collections import ConfigDict

from gengen.build.model import build_model, example_batch
from gengen.build.trace import moved_in_stages
from gengen.cli.experiments import WIDTH, config_of
from gengen.core.refusal import Refusal
from gengen.core.state import networks_of
from gengen.reports.tables import count, table
from gengen.runs.check import check_config, check_values
from gengen.runs.keys import keys_of
from gengen.runs.prepare import load_data
from gengen.values import described


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
    for name, field in data.signature.fields.items():
        print(f"{name}: {field.dtype} {list(field.shape)}{f', {len(field.classes)} classes' if field.classes else ''}")
    for key, value in data.signature.to_json().items():
        if key != "fields":
            print(f"{key}: {value}")


def show_keys(folder: Path, asked: str, word: str = "") -> None:
    """Prints every key of a config with its value, its type and range, and its meaning, in `WIDTH` columns.

    Args:
      folder: of configs.
      asked: which one, as in `read_config`.
      word: only keys that have it, in small letters or capitals, in their path, value or meaning.

    Raises:
      Refusal: there is no such config, it cannot be run, or none of its keys has the word.
    """
    config = config_of(folder, asked)
    check_values(config)
    keys = [key for key in keys_of(config) if word.lower() in f"{key.path} {key.value!r} {key.meaning}".lower()]
    if not keys:
        raise Refusal(f"no key of {asked} says {word!r}; leave --grep out for all of them.")
    for key in keys:
        head, kind = f"config.{key.path} = {key.value!r}", described(key.kind) if key.kind else "not said"
        beside = f"{head}{' ' * max(WIDTH - len(head) - len(kind), 2)}{kind}"
        lines = [beside, key.meaning] if len(beside) <= WIDTH else [head, kind, key.meaning]
        print(lines[0])
        for line in lines[1:]:
            print(textwrap.fill(line, WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False))
    several = f"{len(keys)} keys" if len(keys) > 1 else "1 key"
    print(f"\n{several} of {asked}, each set as in --config.{keys[0].path}={keys[0].value}")


def _rows(collections: dict[str, Any]) -> list[list[Any]]:
    return [
        [jax.tree_util.keystr(path, simple=True, separator="/"), list(leaf.shape), leaf.dtype, f"{leaf.size:,}"]
        for path, leaf in jax.tree_util.tree_leaves_with_path(collections)
    ]
