"""Stages: what is trained when, of a model that changes over time."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from gengen.core.model import GenerativeModel, Stage


class Span(NamedTuple):
    """Steps of one stage.

    Attributes:
      stage: which.
      first: its first step that is left.
      last: one past its last step.
    """

    stage: Stage
    first: int
    last: int


def spans(model: GenerativeModel, first: int, last: int) -> Iterator[Span]:
    """Cuts the steps [first, last) of a run where its stages begin."""
    stages = (Stage(0, model.train_step, model.period), *model.stages)
    ends = [*(stage.start for stage in stages), max(last, stages[-1].start)]
    for stage, (start, end) in zip(stages, pairwise(ends), strict=True):
        if max(first, start) < min(last, end):
            yield Span(stage, max(first, start), min(last, end))
