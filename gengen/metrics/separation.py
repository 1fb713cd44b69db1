"""What tells points that have something from those that have not: a hyperplane between them, and the way across."""

import warnings
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

STEPS = 1000
"""Of L-BFGS, at most."""


class Hyperplane(NamedTuple):
    """A plane between points.

    Attributes:
      weights: of the numbers of a point, float64 [D].
      offset: where it lies: points x with weights . x > offset are taken to have it.
      across: the way to it, of length 1, float64 [D]: its normal where each number has its own deviation for a unit,
        so that a number which hardly varies hardly changes.
    """

    weights: np.ndarray
    offset: float
    across: np.ndarray

    def beyond(self, points: np.ndarray) -> np.ndarray:
        """Whether points [N, D] lie where those are that have it, bool [N]."""
        return np.asarray(points @ self.weights > self.offset)


def separating(points: np.ndarray, has: np.ndarray, penalty: float = 1.0) -> Hyperplane:
    """The hyperplane of logistic regression on standardised points, both kinds of which count alike.

    Without the weights of kinds, the rarer one would be taken for noise about the other. InterFaceGAN (Shen et al.
    2020, https://arxiv.org/abs/1907.10786) takes the plane of a linear support vector machine, which rests on the few
    points next to it; the one here rests on all, and its penalty gives an answer where no plane parts them, or many do.

    Args:
      points: [N, D].
      has: whether each has it, bool [N]; some must, and some must not.
      penalty: factor of half the squared weights.

    Raises:
      ValueError: points are not finite, or all or none have it.
    """
    scaler = StandardScaler().fit(np.asarray(points, np.float64))
    model = LogisticRegression(C=1 / penalty, class_weight="balanced", max_iter=STEPS)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the plane settles long before the weights do
        model.fit(scaler.transform(np.asarray(points, np.float64)), np.asarray(has, int))
    weights, across = model.coef_[0] / scaler.scale_, model.coef_[0] * np.sqrt(scaler.var_)
    offset = float(weights @ scaler.mean_ - model.intercept_[0])
    return Hyperplane(weights, offset, across / (np.linalg.norm(across) or 1.0))
