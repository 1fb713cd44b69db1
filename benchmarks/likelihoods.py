"""Trains one model of each family on pictures whose entropy is known, and says what each thinks that they cost.

    python -m benchmarks.likelihoods --output=docs/likelihoods.json

Pictures are 4 x 4, of 128 levels. The first pixel of a row is a quantised normal number, and each one after it adds
another to the one before, so that the entropy is a sum of those of quantised normal numbers: no model's mean cost can
be less, whatever its likelihood is of. A cost that is less is a wrong unit, such as a wrong width of a level.
"""

import argparse
import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict
from scipy import stats

from configs import base
from gengen.build.model import build_model
from gengen.core.field import Field
from gengen.core.model import GenerativeModel
from gengen.core.parallel import parallel, replicate
from gengen.core.state import Variables
from gengen.data.signature import DataSet, Signature
from gengen.evaluation.judging import Subject
from gengen.evaluation.likelihoods import likelihood
from gengen.reports.tables import table
from gengen.runs.run import Run
from gengen.training.beginning import initialised

SIDE, LEVELS = 4, 128

START, STEP = (4.0, 16), (3.0, 12)
"""Deviations, in levels, of a row's first pixel and of the steps after it, and how far these go: never to an end."""

TRAIN, TEST, BATCH = 20_000, 2_000, 200

SIGNATURE = Signature(
    "walks", "picture", {"data": Field((SIDE, SIDE, 1), "uint8", 0.0, LEVELS - 1.0)}, {"train": TRAIN, "test": TEST}, ""
)


def masses(deviation: float, reach: int) -> np.ndarray:
    """The probabilities [2 reach + 1] of a normal number rounded to a whole one between -reach and reach."""
    edges = np.arange(-reach, reach + 2) - 0.5
    found = np.diff(stats.norm.cdf(edges, scale=deviation))
    return np.asarray(found / found.sum())


def entropy() -> float:
    """The entropy of a picture in bits for each of its pixels, exact."""
    start, step = (float(-(mass * np.log2(mass)).sum()) for mass in (masses(*START), masses(*STEP)))
    return (start + (SIDE - 1) * step) / SIDE


def log_mass(pictures: np.ndarray) -> np.ndarray:
    """log P of pictures [N, 4, 4, 1], in nats, float64 [N]."""
    rows = pictures[..., 0].astype(np.int64)
    first, steps = rows[..., 0] - LEVELS // 2 + START[1], np.diff(rows, axis=-1) + STEP[1]
    found = np.log(masses(*START))[first].sum(-1) + np.log(masses(*STEP))[steps].sum((-2, -1))
    return np.asarray(found)


@cache
def walks(folder: Path = Path()) -> DataSet:
    """The pictures of both splits, uint8 [N, 4, 4, 1]."""
    rng, splits = np.random.default_rng(0), {}
    for name, number in (("train", TRAIN), ("test", TEST)):
        first = rng.choice(2 * START[1] + 1, (number, SIDE, 1), p=masses(*START)) - START[1]
        steps = rng.choice(2 * STEP[1] + 1, (number, SIDE, SIDE - 1), p=masses(*STEP)) - STEP[1]
        rows = LEVELS // 2 + np.concatenate([first, steps], -1).cumsum(-1)
        splits[name] = {"data": rows[..., None].astype(np.uint8)}
    return DataSet(SIGNATURE, splits, folder)


def _flow(noise: str) -> ConfigDict:
    network = {"name": "glow", "width": 32, "steps": 6, "levels": 1, "transform": "affine"}
    config = base.flow(ConfigDict(network))
    if noise == "variational":
        base.learn_noise(config, ConfigDict({**network, "steps": 2, "width": 16}))
    config.evaluation.importance_samples = (1, 100)
    return config


def _vae(likelihood: str) -> ConfigDict:
    config = base.variational(*base.mlp_coders(128))
    config.model.latents = (SIDE * SIDE,)
    config.model.likelihood = ConfigDict({"name": likelihood})
    config.optimizers.autoencoder.schedule = "cosine"
    config.evaluation.importance_samples = (1, 5_000)
    return config


def _autoregression() -> ConfigDict:
    config = base.defaults()
    config.networks.predictor = ConfigDict({"name": "pixelcnn", "condition": "none", "width": 32})
    config.networks.predictor.update(dilations=(1, 1), reach=1, hidden=64)
    config.model.update(name="autoregressive", head="softmax")
    config.optimizers.predictor = base.optimizer("adam", 3e-3)
    config.optimizers.predictor.update(schedule="cosine", clip_norm=1.0)
    return config


FAMILIES: Mapping[str, Callable[[], ConfigDict]] = {
    "flow, uniform noise": lambda: _flow("uniform"),
    "flow, noise that is learnt": lambda: _flow("variational"),
    "VAE, discretised logistic": lambda: _vae("discretised_logistic"),
    "VAE, Gaussian": lambda: _vae("gaussian_learned"),
    "autoregressive": _autoregression,
}
"""A small experiment of each family."""


def trained(config: ConfigDict, steps: int) -> tuple[GenerativeModel, Variables]:
    """A model of the pictures after so many steps, as trained."""
    config.training.update(steps=steps, precision="float32")
    config.training.average.decay = 0.0
    model, images = build_model(config, SIGNATURE), walks().splits["train"]["data"]
    one, rng = jax.devices()[:1], np.random.default_rng(1)
    state = replicate(jax.device_get(initialised(model, jax.random.key(0), {"data": images[:BATCH]})), one)
    train = parallel(model.train_step, one)
    dispatch = min(steps, 500)
    for first in range(0, steps, dispatch):
        batches = images[rng.integers(0, len(images), (1, dispatch, BATCH))]
        state, _ = train(jax.random.key(1), state, {"data": batches}, first)
    return model, jax.device_get(state.variables)


def cost(model: GenerativeModel, variables: Variables, samples: Sequence[int]) -> dict[str, Any]:
    """The section "likelihood" of a report on a model of the pictures."""
    config = ConfigDict({"evaluation": {"importance_samples": tuple(samples)}})
    run = Run(Path(), config, SIGNATURE, model, 0, variables, {}, config)
    section = likelihood(Subject(run, walks(), None, TEST, 0))
    assert section is not None
    return dict(section.found)


def row_of(family: str, steps: int) -> dict[str, Any]:
    """What a family says that the pictures cost, bits for each pixel with the interval, by the most samples."""
    config = FAMILIES[family]()
    found = cost(*trained(config, steps), config.evaluation.importance_samples)
    last = list(found.values())[-1]
    bits = last["bits_per_dimension"]
    return {"family": family, "is": last["is"], "steps": steps, **bits, "above": bits["value"] - entropy()}


def as_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lays rows out as a Markdown table, the truth first."""
    lines = [["the truth", "the entropy, exact", f"{entropy():.4f}", "0"]]
    for row in rows:
        bits = f"{row['value']:.4f} [{row['low']:.4f}, {row['high']:.4f}]"
        lines.append([row["family"], row["is"], bits, f"{row['above']:+.4f}"])
    return table(lines, ("family", "what it is", "bits per dimension", "above the truth"))


def main() -> None:
    """Trains and judges the families, one after the other, and writes their rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("docs/likelihoods.json"))
    parser.add_argument("--steps", type=int, default=3_000)
    arguments = parser.parse_args()
    rows = []
    for family in FAMILIES:
        rows.append(row_of(family, arguments.steps))
        print(as_table(rows), flush=True)
    floor = -log_mass(walks().splits["test"]["data"]).mean() / SIDE**2 / math.log(2)
    report = {"entropy": entropy(), "cost of these pictures": float(floor), "rows": rows}
    arguments.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
