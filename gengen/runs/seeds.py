"""The seeds of a run."""

from collections.abc import Collection

from ml_collections import ConfigDict

from gengen.core.refusal import Refusal
from gengen.runs.sections import SEEDS


def seeds_of(training: ConfigDict) -> tuple[int, ...]:
    """The seeds of a section `training`; runs of older versions have one."""
    return tuple(range(training.seed, training.seed + training.get("seeds", 1)))


def seeds_in_words(seeds: Collection[int]) -> str:
    """Seeds that follow each other, as in "3" or "0 to 7"."""
    return f"{min(seeds)} to {max(seeds)}" if len(seeds) > 1 else str(*seeds)


def check_seeds(training: ConfigDict) -> None:
    """Checks that JAX can tell all seeds of a section `training` apart.

    Raises:
      Refusal: it cannot.
    """
    if seeds_of(training)[-1] >= SEEDS:
        raise Refusal(
            f"config.training.seed={training.seed} and config.training.seeds={training.seeds} go beyond {SEEDS - 1}, "
            f"the last seed that there is; lower one of them."
        )
