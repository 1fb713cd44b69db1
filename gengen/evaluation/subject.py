"""What is evaluated: a run with its data and samples, and what a section of its report is."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from gengen.data.signature import DataSet
from gengen.evaluation.judge import Judge
from gengen.inference.conditions import DOMAIN, classes_of
from gengen.inference.sampling import sampler
from gengen.metrics.examples import Examples
from gengen.runs.prior import with_prior
from gengen.runs.run import Run


class Samples(NamedTuple):
    """Samples of a run.

    Attributes:
      judge: what they are judged by.
      examples: the samples, as it sees them.
    """

    judge: Judge
    examples: Examples


class Subject(NamedTuple):
    """A run that is evaluated.

    Attributes:
      run: the run; where its model can only encode and decode, with a prior fitted to its codes.
      data: what it was trained on.
      samples: of it; None where no single data set is there to compare them with, or the model cannot sample.
      num: the most samples, or held-out examples to translate.
      seed: of the noise.
    """

    run: Run
    data: DataSet
    samples: Samples | None
    num: int
    seed: int


class Section(NamedTuple):
    """A part of the report on a run.

    Attributes:
      found: what was measured, in plain values as JSON holds them.
      picture: draws it, uint8 [H, W, C]; None where there is nothing to see.
    """

    found: Mapping[str, Any]
    picture: Callable[[], np.ndarray] | None = None


def subject_of(run: Run, *, num: int, seed: int) -> Subject:
    """Loads the data of a run and draws its samples.

    Args:
      run: the run.
      num: the most samples; there are no more of them than training examples.
      seed: of the noise.

    Raises:
      Refusal: the data are gone or other ones, or their samples cannot be judged.
    """
    data = run.data()
    if run.model.translate or DOMAIN in run.model.conditions:
        return Subject(run, data, None, num, seed)
    run = with_prior(run)
    if run.model.sample is None:
        return Subject(run, data, None, num, seed)
    judge = Judge(data, run.settings, num=num, labelled=classes_of(run.model) > 0)
    draw = sampler(run.model, data.signature.units)
    return Subject(run, data, Samples(judge, judge.samples(draw, run.variables, seed)), num, seed)
