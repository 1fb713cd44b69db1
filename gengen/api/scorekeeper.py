"""Scores while a run trains: a few samples judged now and then, and the best checkpoint kept."""

import math
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
from jax.experimental import multihost_utils
from ml_collections import ConfigDict

from gengen.core.average import evaluation_variables
from gengen.core.refusal import Refusal
from gengen.core.state import State, Variables
from gengen.data.signature import DataSet
from gengen.evaluation.features import UnfitDataError
from gengen.evaluation.judging import Judge
from gengen.inference.sampling import Draw
from gengen.metrics.measures import measure
from gengen.metrics.scores import AS_REAL, SCORES
from gengen.training.checkpoint import Checkpoints
from gengen.training.status import number
from gengen.training.writer import Writer, read_lines

Shown = Callable[[State], list[Variables]]
"""The variables of each member of a state."""

SEED = 1
"""Of the samples that are judged: the same latents at every step, so that scores differ by the model alone, and others
than `--mode=evaluate` draws, so that the best checkpoint is not judged by the samples that chose it."""


def judge_of(data: DataSet, settings: ConfigDict, *, labelled: bool, texts: bool = False) -> Judge:
    """What samples are judged by while a run trains.

    Args:
      data: what they are compared with.
      settings: the section `evaluation`.
      labelled: whether samples can be told their class.
      texts: whether they can be told texts.

    Raises:
      UnfitDataError: the data have too few images, or none of the extractors fits them.
      Refusal: a score cannot be had from these data, the one that chooses among them.
    """
    judge = Judge(data, settings, num=settings.num, scores=settings.scores, labelled=labelled, texts=texts)
    names = [name for name in judge.names if SCORES[name].better != AS_REAL]
    if judge.left_out and settings.best not in names:
        raise UnfitDataError(f"config.evaluation.best={settings.best!r} cannot be had: {judge.left_out}")
    if settings.best not in names:
        raise Refusal(
            f"config.evaluation.best={settings.best!r} must be one of the scores that can be had from these data: "
            f"{', '.join(names)}."
        )
    return judge


class Scorekeeper:
    """Judges a run's samples and keeps the state with the best score.

    Args:
      folder: the run folder; the best state goes to `best/` in it.
      judge: what the samples are judged by.
      settings: the section `evaluation`.
      draw: draws samples of the model.
      start: step at which the run starts or goes on; a best state of a later one will come again.
      shown: the variables of each member of a state, on the host; the best state is that of the best mean over members.
    """

    def __init__(
        self,
        folder: Path,
        judge: Judge,
        settings: ConfigDict,
        draw: Draw,
        start: int,
        shown: Shown = lambda state: [jax.device_get(evaluation_variables(state))],
    ) -> None:
        self._settings, self._draw, self._judge, self._shown = settings, draw, judge, shown
        self._judged: int | None = None
        self._floor: float | None = None
        self._best = Checkpoints(folder / "best", keep=1)
        self._best.drop_after(start)
        self._record = self._recorded(folder / "metrics.jsonl")

    def __call__(self, state: State, step: int, writer: Writer | None) -> list[str]:
        """Judges samples of a state; every process calls it alike, and the one that has a writer judges.

        Returns:
          What is to be said of it: the score that chooses, what the best one is, and what real data have.
        """
        if step == self._judged:
            return []
        self._judged, improved, said = step, False, list[str]()
        if writer:
            each = [
                self._judge.scores(self._judge.samples(self._draw, variables, SEED)) for variables in self._shown(state)
            ]
            tagged = {self._judge.tag(name): [found[name] for found in each] for name in each[0]}
            several = {tag: [estimate.value for estimate in own] for tag, own in tagged.items() if len(each) > 1}
            writer.scalars(
                step,
                {tag: float(np.mean([estimate.value for estimate in own])) for tag, own in tagged.items()},
                {tag: (own[0].low, own[0].high) for tag, own in tagged.items()},
                several,
            )
            values = [found[self._settings.best].value for found in each]
            value = float(np.mean(values))
            improved = self._cost(value) < self._record
            self._record = min(self._record, self._cost(value))
            spread = f" ± {number(float(np.std(values, ddof=1)))} over {len(each)} members" if several else ""
            judged = f"{self._settings.best} {number(value)}{spread}"
            said = [judged, self._standing(improved), f"real data {self._real()}"]
        if jax.process_count() > 1:
            improved = bool(multihost_utils.broadcast_one_to_all(np.asarray(improved)))
        if improved:
            self._best.save(step, state)
        return said

    def close(self) -> None:
        """Waits until the best state is on disk."""
        self._best.close()

    def _standing(self, improved: bool) -> str:
        """What a score is among those before; asked before the best state is replaced."""
        step = self._best.latest()
        if improved or step is None:
            return "the best so far" if improved else "no number to compare"
        return f"best {number(self._cost(self._record))} at step {step:,}"

    def _real(self) -> str:
        """The score that chooses, of training examples in the place of samples; measured once, which costs as much."""
        if self._floor is None:
            best = self._settings.best
            self._floor = measure(self._judge.real, self._judge.floor, [best])[best].value
        return number(self._floor)

    def _cost(self, value: float) -> float:
        """The value of the score that chooses, turned so that less is better, or turned back."""
        return value if SCORES[self._settings.best].better == "lower" else -value

    def _recorded(self, lines: Path) -> float:
        """The score of the state in `best/`, as the run wrote it down; infinite if there is none."""
        step = self._best.latest()
        tag = self._judge.tag(self._settings.best)
        values = [entry[tag] for entry in read_lines(lines) if entry["step"] == step and tag in entry]
        return self._cost(values[-1]) if values else math.inf
