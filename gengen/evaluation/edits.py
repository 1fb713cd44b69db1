"""Samples moved along directions of the latent space, and what share of them that changes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gengen.evaluation.directions import Directions, decoded_samples
from gengen.inference.latents import Latents
from gengen.metrics.interval import of_share
from gengen.metrics.neighbours import nearest
from gengen.runs.run import Run

STRENGTHS = (1.0, 2.0, 3.0)
"""How far samples are moved to be counted, in standard deviations of the latents."""


def moved_along(
    found: Directions, codes: np.ndarray, steps: Sequence[float] | np.ndarray, index: int = 0
) -> np.ndarray:
    """Latents [n, ...] moved by so many deviations along a direction, float32 [n, steps, ...]."""
    step = found.deviations[index] * np.asarray(steps)
    along = step.reshape(-1, *[1] * found.vectors[index].ndim) * found.vectors[index]
    return np.asarray(codes[:, None] + along[None], np.float32)


def counted_edits(run: Run, latents: Latents, found: Directions, seed: int) -> list[dict[str, Any]]:
    """What share of samples were changed, by how far they were moved, and by the same way in random directions.

    Each sample has a random direction of its own, in which a number of latents that varies little changes little. It
    has "stayed" if of all samples, as they were, none is nearer to it than its own, by the distance of their values.
    Shares have Wilson's intervals over samples.

    Args:
      run: the run.
      latents: of its model.
      found: what to move, along the first direction.
      seed: of the random directions.

    Returns:
      For each strength, along the direction and then along random ones: "deviations", "along", and the shares "came",
      "class kept" where the class should stay and something names it, and "stayed", each an estimate.
    """
    assert found.verifier is not None, "something says what the direction is to do"
    codes, verifier = found.codes, found.verifier
    noise = np.random.default_rng(seed).normal(size=codes.shape) * found.spread
    lengths = np.sqrt(np.square(noise).reshape(len(noise), -1).sum(1)).reshape(-1, *[1] * (codes.ndim - 1))
    before = decoded_samples(run, latents, codes, found.told)
    rows = []
    for strength in STRENGTHS:
        for along, vectors in (("the direction", found.vectors[:1]), ("random ones", noise / lengths)):
            there = codes + strength * found.deviations[0] * vectors
            after = decoded_samples(run, latents, there.astype(np.float32), found.told)
            shares = {"came": verifier.has(after)}
            if verifier.stays and verifier.kinds is not None:
                shares["class kept"] = verifier.kinds(after) == verifier.kinds(before)
            shares["stayed"] = nearest(_points(run, after), _points(run, before))[1][:, 0] == np.arange(len(after))
            said = {name: of_share(held.sum(), len(held))._asdict() for name, held in shares.items()}
            rows.append({"deviations": strength, "along": along, **said})
    return rows


def _points(run: Run, examples: np.ndarray) -> np.ndarray:
    """Examples in the model's units as points [n, P]."""
    return np.asarray(run.signature.units.to_model(examples)).reshape(len(examples), -1)
