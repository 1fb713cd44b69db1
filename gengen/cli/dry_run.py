"""`--dry_run`: what would run."""

from pathlib import Path
from typing import Any

import jax
from ml_collections import ConfigDict

from gengen.build.model import example_batch
from gengen.core.state import networks_of
from gengen.reports.tables import count, table
from gengen.runs.check import check_config
from gengen.runs.precision import settle
from gengen.runs.prepare import load_data
from gengen.runs.program import member_model, traced


def dry_run(config: ConfigDict, workdir: Path | None = None) -> None:
    """Prints the resolved config, a table of the networks and the data's signature.

    Nothing is trained and no run folder is made; data that were never used before are prepared.

    Args:
      config: the experiment.
      workdir: the folder that its run would have.

    Raises:
      Refusal: the config cannot be run.
    """
    check_config(config)
    data = load_data(config)
    settle(config, workdir)
    model = member_model(config, data.signature)
    traced(config, model, data.signature)
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


def _rows(collections: dict[str, Any]) -> list[list[Any]]:
    return [
        [jax.tree_util.keystr(path, simple=True, separator="/"), list(leaf.shape), leaf.dtype, f"{leaf.size:,}"]
        for path, leaf in jax.tree_util.tree_leaves_with_path(collections)
    ]
