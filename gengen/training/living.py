"""Which members of a run still train, and what is said of those that do not."""

from collections.abc import Callable, Sequence

import jax
import numpy as np

from gengen.core.mean import Mean
from gengen.training.loop import NonFiniteError


class Living:
    """Checks the metrics of members as `checked` does those of a single run, and goes on while one of them trains.

    Args:
      names: what each member is called.
      since: the step that each was frozen at, and -1 of those that train, as `members.frozen` has it.
      say: `(step, sentences)`, called when one stops.
    """

    def __init__(self, names: Sequence[str], since: np.ndarray, say: Callable[[int, Sequence[str]], None]) -> None:
        self._names, self._trains, self._say = names, np.asarray(since) < 0, say

    def __call__(self, first: int, last: int, metrics: dict[str, Mean]) -> tuple[int, int, dict[str, Mean]]:
        """Fetches the metrics of a window, leaves [steps, members]; those of members that stopped count nothing.

        Raises:
          NonFiniteError: none is left.
        """
        metrics = jax.device_get(metrics)
        infinite = {name: ~np.isfinite(mean.total) for name, mean in metrics.items()}
        for index in np.flatnonzero(self._trains):
            found = [(int(np.argmax(bad[:, index])), name) for name, bad in infinite.items() if bad[:, index].any()]
            if found:
                self._stopped(int(index), first, last, *min(found), silent=len(found) == len(metrics), metrics=metrics)
        kept = self._trains[None]
        living = {name: jax.tree.map(lambda leaf: np.where(kept, leaf, 0), mean) for name, mean in metrics.items()}
        return first, last, living

    def _stopped(
        self, index: int, first: int, last: int, place: int, name: str, *, silent: bool, metrics: dict[str, Mean]
    ) -> None:
        """Takes a member out; `silent` says that all of its metrics are infinite, as where its state alone was."""
        self._trains[index], value = False, float(metrics[name].total[place, index])
        own, what = self._names[index], "its state" if silent and first + place == last - 1 else name
        if not self._trains.any():
            raise NonFiniteError(f"{what} of {own}, the last one that trained,", first + place, value)
        stopped = f"{own}: {what} became {value} at step {first + place:,}; it stays as it was at step {first:,}"
        self._say(last, [f"{stopped}, and {int(self._trains.sum())} of {len(self._names)} members go on"])
