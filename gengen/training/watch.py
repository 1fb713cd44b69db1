"""A guard against training that trains nothing: kernels that have not moved at all after a hundred steps."""

import hashlib
import sys
from collections.abc import Callable, Collection, Mapping

import jax
import numpy as np

from gengen.core.state import State

NAMED = 3
"""The most kernels that a warning names."""


class Watch:
    """Remembers kernels as they are when a stage begins, and says once which of them are the same later on.

    It keeps a digest of each, on the host, so that no step waits for it and none costs memory.

    Args:
      parameters: the trained parameters of a state, by name.
      steps: after so many of a stage, whatever is trained in it has moved.
    """

    def __init__(self, parameters: Callable[[State], Mapping[str, jax.Array]], steps: int) -> None:
        self._parameters, self.steps = parameters, steps
        self._before: dict[str, bytes] = {}
        self._first = 0

    def begin(self, state: State, first: int, moved: Collection[str]) -> None:
        """Starts anew where a stage, or a run that goes on, begins.

        Args:
          state: before its first step.
          first: number of that step.
          moved: names of the parameters that the stage's step may move.
        """
        self._first = first
        self._before = {name: digest for name, digest in self._digests(state) if name in moved}

    def __call__(self, state: State, step: int) -> None:
        """Warns of kernels that are what they were, if `steps` are over since, and asks no more."""
        if not self._before or step - self._first < self.steps:
            return
        still = [name for name, digest in self._digests(state) if self._before.get(name) == digest]
        self._before = {}
        if still:
            others = f" and {len(still) - NAMED} more" if len(still) > NAMED else ""
            print(
                f"gengen: {', '.join(still[:NAMED])}{others} {'have' if len(still) > 1 else 'has'} not moved in "
                f"{step - self._first} steps: nothing is learnt there; look at config.training.batch_size, at the "
                f"norms of the networks and at the rates of the optimizers.",
                file=sys.stderr,
            )

    def _digests(self, state: State) -> list[tuple[str, bytes]]:
        """Of all parameters with more than one axis; a bias before a normalisation has good reason to stay."""
        kernels = {name: array for name, array in self._parameters(state).items() if array.ndim > 1}
        return [
            (name, hashlib.blake2b(np.asarray(jax.device_get(array)).tobytes(), digest_size=16).digest())
            for name, array in kernels.items()
        ]
