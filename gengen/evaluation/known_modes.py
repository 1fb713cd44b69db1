"""The modes of data that have known ones: the centres of a mixture of Gaussians, or the kinds of stacked digits."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from gengen.data.labels import present
from gengen.data.points import CLOUDS, density_of
from gengen.data.signature import DataSet
from gengen.metrics.modes import mode_of


class Modes(NamedTuple):
    """What tells of which mode an example is.

    Attributes:
      number: K of them.
      centred: whether they are centres, of which an example may be too far to be of any.
      find: examples [N, *shape] and the log-probabilities of their classes [N, C], None where there are no labels ->
        modes in [0, K), `NO_MODE` for an example of none, int [N].
    """

    number: int
    centred: bool
    find: Callable[[np.ndarray, np.ndarray | None], np.ndarray]


def modes_of(data: DataSet) -> Modes | None:
    """The modes of a data set, which are equally likely; None where they are not known, or only some are trained on."""
    cloud = CLOUDS.get(data.signature.name)
    if cloud and cloud.nodes == 1 and density_of(data.signature):
        centres = cloud.curve(np.arange(cloud.components), np.zeros(cloud.components))
        near = partial(mode_of, centres=centres, deviation=cloud.deviation)
        return Modes(cloud.components, True, lambda examples, _: near(examples))
    kinds = len(data.signature.classes)
    return Modes(kinds, False, _most_probable) if data.layers and len(present(data)) == kinds else None


def _most_probable(examples: np.ndarray, log_probabilities: np.ndarray | None) -> np.ndarray:
    del examples
    assert log_probabilities is not None
    return np.asarray(log_probabilities.argmax(1))
