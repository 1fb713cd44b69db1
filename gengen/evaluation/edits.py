"""Samples moved along directions of the latent space, and what share of them that changes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gengen.evaluation.directions import Directions, decoded
from gengen.inference.latents import Latents
from gengen.metrics.interval import of_share
from gengen.runs.run import Run

STRENGTHS = (1.0, 2.0, 3.0)
"""How far samples are moved to be counted, in standard deviations of the latents."""


def moved(found: Directions, codes: np.ndarray, steps: Sequence[float] | np.ndarray, index: int = 0) -> np.ndarray:
    """Latents [n, ...] moved by so many deviations along a direction, float32 [n, steps, ...]."""
    step = found.deviations[index] * np.asarray(steps)
    along = step.reshape(-1, *[1] * found.vectors[index].ndim) * found.vectors[index]
    return np.asarray(codes[:, None] + along[None], np.float32)


def counted(run: Run, latents: Latents, found: Directions, seed: int) -> list[dict[str, Any]]:
    """What share of samples were changed, by how far they were moved, and by the same way in random directions.

    Each sample has a random direction of its own. It is "near" if it is nearer to what it was than to what the sample
    before it was, by the distance of their values. Shares have Wilson's intervals over samples.

    Args:
      run: the run.
      latents: of its model.
      found: what to move, along the first direction.
      seed: of the random directions.

    Returns:
      For each strength, along the direction and then along random ones: "deviations", "along", and the shares "came",
      "class kept" where the class should stay and something names it, and "near", each an estimate.
    """
    assert found.judge is not None, "something says what the direction is to do"
    codes, judge = found.codes, found.judge
    noise = np.random.default_rng(seed).normal(size=codes.shape)
    lengths = np.sqrt(np.square(noise).reshape(len(noise), -1).sum(1)).reshape(-1, *[1] * (codes.ndim - 1))
    before = decoded(run, latents, codes, found.told)
    rows = []
    for strength in STRENGTHS:
        for along, vectors in (("the direction", found.vectors[:1]), ("random ones", noise / lengths)):
            there = codes + strength * found.deviations[0] * vectors
            after = decoded(run, latents, there.astype(np.float32), found.told)
            shares = {"came": judge.has(after)}
            if judge.stays and judge.kinds is not None:
                shares["class kept"] = judge.kinds(after) == judge.kinds(before)
            shares["near"] = _distances(run, after, before) < _distances(run, after, np.roll(before, 1, axis=0))
            said = {name: of_share(held.sum(), len(held))._asdict() for name, held in shares.items()}
            rows.append({"deviations": strength, "along": along, **said})
    return rows


def _distances(run: Run, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Euclidean distances of examples, pair by pair [n], in the model's units."""
    to_model = run.signature.units.to_model
    apart = np.asarray(to_model(first)) - np.asarray(to_model(second))
    return np.asarray(np.linalg.norm(apart.reshape(len(apart), -1), axis=1))
