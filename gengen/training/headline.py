"""Which of many metrics are worth a glance: two or three numbers, none of which says what another one does."""

from collections.abc import Mapping

import numpy as np

from gengen.core.mean import Mean

MOST = 3
"""Numbers that are shown."""

POINTS = 4
"""Steps from which it can be told whether two metrics say the same."""

UNSEEN = ("gradient_norm", "learning_rate")
"""Metrics of every player that belong into charts."""


class Headline:
    """Chooses among metrics by their names "player/metric" and their values, whatever the model.

    Every player shows its loss. Where another metric of the player says the same, as a critic's estimate of a distance
    does, which is -loss for the Wasserstein distance, that one is shown in its place, since it has a meaning. A player
    who is alone shows some of its other metrics too. Once chosen, they stay until the metrics change with a stage.
    """

    def __init__(self) -> None:
        self._seen: dict[str, np.ndarray] = {}
        self._chosen: list[str] | None = None

    def __call__(self, metrics: Mapping[str, Mean]) -> list[str]:
        """Chooses names of metrics, which are those of one window, leaves arrays [steps]."""
        if metrics.keys() != self._seen.keys():
            self._seen, self._chosen = {name: np.zeros(0) for name in metrics}, None
        if self._chosen is None:
            for name, mean in metrics.items():
                counted = np.asarray(mean.count) > 0
                values = np.asarray(mean.total, np.float64)[counted] / np.asarray(mean.count, np.float64)[counted]
                self._seen[name] = np.concatenate([self._seen[name], values])
            chosen = self._choose()
            if all(len(self._seen[name]) >= POINTS for name in self._seen if _is_loss(name)):
                self._chosen = chosen
            return chosen
        return self._chosen

    def _choose(self) -> list[str]:
        names = [name for name in self._seen if name.rpartition("/")[2] not in UNSEEN]
        losses = [name for name in names if _is_loss(name)]
        chosen = [next((name for name in names if self._in_place_of(loss, name)), loss) for loss in losses]
        if len(losses) < 2:
            chosen += [name for name in names if name not in (*losses, *chosen)]
        return chosen[:MOST]

    def _in_place_of(self, loss: str, name: str) -> bool:
        """Whether a metric is of the same player as a loss and tied to it."""
        same = name != loss and name.rpartition("/")[0] == loss.rpartition("/")[0]
        return same and tied(self._seen[loss], self._seen[name])


def tied(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two metrics [steps] say the same.

    They do where they are affine functions of each other, as far as float32 can tell, or the same but for the sign and
    a hundredth, as two estimates of one bound are.
    """
    if len(first) != len(second) or len(first) < POINTS or not (np.ptp(first) and np.ptp(second)):
        return False
    apart = np.abs(np.abs(first) - np.abs(second)).mean()
    return bool(apart < 0.01 * np.abs(first).mean() or abs(np.corrcoef(first, second)[0, 1]) > 1 - 1e-6)


def _is_loss(name: str) -> bool:
    return name.rpartition("/")[2] == "loss"
