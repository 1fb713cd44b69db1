"""A child that measures gengen's training step, this checkout's or another one's.

Run as `python -m benchmarks.gengen_worker NAME PRECISION CHECKOUT IMAGES DISPATCH`: a name of `CASES`, an arithmetic,
the folder that gengen is imported from, the .npy file that gets the training images for a peer to read, and how many
steps are one dispatch, 0 for as many as the config has.
"""

import importlib
import itertools
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import CASES
from benchmarks.worker import Stepper, serve

POOL = 4
"""Dispatches whose batches lie in the host's memory before the clock starts: what is measured has no loader."""


def config_of(name: str, precision: str) -> Any:
    """The config of a case in an arithmetic.

    A checkout without the key `training.precision` has the dtype of each network in its place.

    Args:
      name: one of `CASES`.
      precision: "float32" or "bfloat16".
    """
    from ml_collections import ConfigDict

    case = CASES[name]
    file, variant = case.config
    config = importlib.import_module(f"configs.{file}").get_config(variant)
    for path, value in case.changes.items():
        section, _, key = path.rpartition(".")
        holder = config
        for part in section.split("."):
            holder = holder[part]
        holder[key] = ConfigDict(value) if isinstance(value, dict) else value
    if "precision" in config.training:
        config.training.precision = precision
    else:
        for network in config.networks.values():
            network.dtype = precision
    return config


def prepare(name: str, precision: str, images: Path, length: int) -> Stepper:
    """Makes gengen's dispatch of fused steps ready, as `gengen.api.train` and `--mode=benchmark` have it.

    Args:
      name: one of `CASES`.
      precision: "float32" or "bfloat16".
      images: the file that gets the training images.
      length: steps of a dispatch; 0 for as many as the config has.
    """
    import jax

    from gengen.build.model import build_model
    from gengen.core.parallel import parallel, replicate
    from gengen.data.pipeline import batches, first_batch
    from gengen.data.selection import streams
    from gengen.inference.conditions import shown_to
    from gengen.runs.check import check_config
    from gengen.runs.prepare import load_data
    from gengen.training.beginning import initialised
    from gengen.training.loop import windows

    jax.config.update("jax_enable_compilation_cache", False)
    config = config_of(name, precision)
    check_config(config)
    data = load_data(config)
    if not images.exists():
        np.save(images, data.splits["train"]["data"])
    model, settings = build_model(config, data.signature), config.training
    length = length or settings.steps_per_dispatch
    shown = streams(shown_to(model, data))
    fed = batches(
        shown,
        seed=settings.seed,
        batch_size=settings.batch_size,
        windows=windows(0, POOL * length, length),
        devices=1,
    )
    pool, key = itertools.cycle(list(fed)), jax.random.key(settings.seed)
    first = first_batch(shown, seed=settings.seed, batch_size=settings.batch_size)
    state = replicate(initialised(model, key, first), jax.local_devices())
    dispatch, firsts = parallel(model.train_step, period=model.period), itertools.count(0, length)

    def take() -> Any:
        nonlocal state
        state, metrics = dispatch(key, state, next(pool), next(firsts))
        return metrics

    versions = {module: metadata.version(module) for module in ("jax", "jaxlib", "flax")}
    return Stepper(length, take, jax.block_until_ready, versions)


if __name__ == "__main__":
    name, precision, checkout, images, length = sys.argv[1:]
    sys.path.insert(0, checkout)  # before this checkout, whose package `benchmarks` is imported already
    serve(lambda: prepare(name, precision, Path(images), int(length)))
