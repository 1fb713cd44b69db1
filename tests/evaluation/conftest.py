"""What is evaluated, made by hand."""

from pathlib import Path

import numpy as np
import pytest
from ml_collections import ConfigDict

from gengen.evaluation.judging import Samples, Subject
from gengen.metrics.examples import Examples
from gengen.runs.run import Run


@pytest.fixture(scope="session")
def subject_of():
    """Returns `(model, data, settings={}, variables={}, samples=None, seen=None, num=10_000, seed=0) -> Subject`.

    `samples` are in the data's units, and `seen` is what a classifier says of them [N, K].
    """

    def build(model, data, settings=None, variables=None, samples=None, seen=None, num=10_000, seed=0):
        config = ConfigDict({"evaluation": settings or {}})
        origin = {"run": "run", "step": 7, "checkpoint": "latest", "weights": "as trained"}
        run = Run(Path("run"), config, data.signature, model, 7, variables or {}, origin, config)
        if samples is None and seen is None:
            return Subject(run, data, None, num, seed)
        nothing = np.zeros((len(seen if samples is None else samples), 1))
        examples = Examples(nothing if samples is None else samples, nothing, nothing, None, seen)
        return Subject(run, data, Samples(None, examples), num, seed)

    return build
