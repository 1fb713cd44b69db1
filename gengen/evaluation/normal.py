"""What scorers of anomalies are made of: normal examples, and what a model says of one example after the other."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from gengen.core.nouns import NOUNS
from gengen.core.refusal import Refusal
from gengen.core.state import Tree, Variables
from gengen.core.units import Units
from gengen.evaluation.judging import pick
from gengen.inference.batched import batched, chosen
from gengen.inference.fitted_prior import IMAGES
from gengen.runs.run import Run


class Scored(NamedTuple):
    """What a scorer says of n examples.

    Attributes:
      scores: higher for what is more anomalous, float64 [n].
      reconstructions: what the model gives back, in the data's units [n, *shape]; None where that is nothing.
      heat: what each pixel adds to the score, float64 [n, H, W]; None where that is not said, or there are none.
    """

    scores: np.ndarray
    reconstructions: np.ndarray | None = None
    heat: np.ndarray | None = None


Scorer = Callable[[np.ndarray], Scored]
"""Scores examples [n, *shape] in the data's units. One has the same score whatever stands beside it."""


class Normal(NamedTuple):
    """What a scorer is made of.

    Attributes:
      run: a run on normal examples.
      train: these, its training data [N, *shape].
      seed: of the noise, which all examples share.
    """

    run: Run
    train: np.ndarray
    seed: int = 0

    @property
    def units(self) -> Units:
        """Of the data."""
        return self.run.signature.units

    @property
    def pictures(self) -> bool:
        """Whether the data are pictures."""
        return self.run.signature.kind == "picture"


def known(normal: Normal, most: int = IMAGES) -> np.ndarray:
    """So many training examples at most."""
    return pick(normal.train, most)[1]


def each(one: Callable[..., Tree], normal: Normal) -> Callable[[np.ndarray], np.ndarray]:
    """Maps examples [n, *shape] by `(key, variables, example [1, *shape] in the model's units) -> array [1, ...]`."""
    key, units, many = jax.random.key(normal.seed), normal.units, NOUNS[normal.run.signature.kind][1]

    @jax.jit
    def look(variables: Variables, examples: jax.Array) -> jax.Array:
        found: jax.Array = jax.vmap(lambda example: one(key, variables, example[None])[0])(units.to_model(examples))
        return found

    def run(examples: np.ndarray) -> np.ndarray:
        found: np.ndarray = batched(
            lambda indices: look(normal.run.variables, chosen(examples, indices)), len(examples)
        )
        if not np.isfinite(found).all():
            raise Refusal(
                f"the run has diverged, and what its model says of {many} is not finite; train it again with a smaller "
                f"rate, or choose another config.evaluation.anomaly_score."
            )
        return found

    return run
