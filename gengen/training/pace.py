"""How fast a run trains, and how long it still takes, what it does between steps included."""

import math
from collections.abc import Mapping
from statistics import median

HALF_LIFE = 10.0
"""Seconds of training after which a measured speed counts half as much as the latest."""


class Pace:
    """Speed from training alone, time left from that speed and from what is still to be done between steps.

    A run that is judged for half a minute every thousand steps is no slower meanwhile: the speed leaves that time out,
    and the time left adds it for every evaluation to come, so that neither jumps when one is done.

    Args:
      steps: step at which the run ends.
      every: what is done between steps, and after how many; it is also done at the end, and only then for 0.
    """

    def __init__(self, steps: int, every: Mapping[str, int]) -> None:
        self._steps, self._every = steps, every
        self._trained, self._seconds = 0.0, 0.0
        self._changed = False
        self._spent: dict[str, list[float]] = {}

    def trained(self, steps: int, seconds: float) -> None:
        """Counts steps of training and the seconds that they took; earlier ones count less from now on."""
        kept = 0.0 if self._changed else 0.5 ** (seconds / HALF_LIFE)
        self._changed = False
        self._trained, self._seconds = kept * self._trained + steps, kept * self._seconds + seconds

    def changes(self) -> None:
        """Lets the next steps that are counted be the first: they are others, such as those of another stage."""
        self._changed = True

    def spent(self, kind: str, seconds: float) -> None:
        """Counts seconds that something between steps took."""
        self._spent.setdefault(kind, []).append(seconds)

    @property
    def rate(self) -> float | None:
        """Steps per second of training; None until some were counted."""
        return self._trained / self._seconds if self._seconds > 0 else None

    def left(self, step: int) -> float | None:
        """Seconds from a step to the end of the run; None while the speed is unknown.

        What was never done yet costs nothing here. The first time counts only until there is a second one, because
        most of it goes into compiling.
        """
        if self.rate is None:
            return None
        costs = {kind: median(self._spent[kind][1:] or self._spent[kind]) for kind in self._every & self._spent.keys()}
        between = sum(self._times(self._every[kind], step) * cost for kind, cost in costs.items())
        return (self._steps - step) / self.rate + between

    def _times(self, every: int, step: int) -> int:
        """How often something is still to be done after a step."""
        if step >= self._steps:
            return 0
        return math.ceil(self._steps / every) - step // every if every else 1
