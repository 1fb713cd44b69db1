"""Time series that are drawn: sines, each feature with a frequency and a phase of its own."""

import numpy as np

from gengen.data.random_numbers import uniform

COUNTS = {"train": 10_000, "test": 2_000}
"""Series of each split."""

LENGTH, FEATURES = 24, 5
"""Points in time, and values at each."""

HIGHEST = 0.1
"""The least upper bound of frequencies, in radians from one point in time to the next, and of phases, in radians."""


def read_sines(split: str, count: int | None = None) -> np.ndarray:
    """Draws the series of a split: they follow from their places alone, and a smaller count has the first ones.

    x_i(t) = (1 + sin(f_i t + p_i)) / 2 for t = 0, ..., 23, with f_i and p_i evenly from [0, 0.1), as the code draws
    them that was published with Yoon et al. 2019, "Time-series generative adversarial networks" (NeurIPS 32); the text
    names other ranges.

    Args:
      split: "train" or "test".
      count: how many to draw; `COUNTS[split]` by default.

    Returns:
      float32 [N, 24, 5] in [0, 1].
    """
    count = COUNTS[split] if count is None else count
    frequency, phase = HIGHEST * np.moveaxis(uniform(f"sines {split}", count, FEATURES, 2), -1, 0)[:, :, None]
    time = np.arange(LENGTH)[:, None]
    drawn: np.ndarray = ((1 + np.sin(frequency * time + phase)) / 2).astype(np.float32)
    return drawn
