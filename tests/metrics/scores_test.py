"""The table of scores: what can be had of which data, and agreement with the labels that were asked for."""

import numpy as np
import pytest

from gengen.metrics.examples import Examples
from gengen.metrics.interval import of_share
from gengen.metrics.measures import measure
from gengen.metrics.scores import SCORES, available


def seen_as(classes, asked):
    """Images in which the classifier sees some classes [N] of three, asked to be of others [N]."""
    log_probabilities = np.log(np.full((len(classes), 3), 0.2) + 0.4 * np.eye(3)[classes])
    nothing = np.zeros((len(classes), 1))
    return Examples(nothing, nothing, nothing, None, log_probabilities, asked=np.asarray(asked))


@pytest.mark.parametrize(
    ("asked", "right"), [([0, 1, 2, 0, 1], 5), ([1, 2, 0, 1, 2], 0), ([0, 1, 2, 1, 0], 3)], ids=str
)
def test_agreement_is_the_share_of_samples_that_look_as_they_were_asked_to(asked, right):
    found = measure(None, seen_as([0, 1, 2, 0, 1], asked), ["label_agreement"])
    assert found == {"label_agreement": of_share(right, 5)}


def test_agreement_can_be_had_where_labels_are_asked_for_and_seen():
    everything = {"probabilities": True, "labels": True, "pairs": True, "modes": True, "centres": True}
    assert available(**everything, asked=True) == list(SCORES)
    assert available(**everything) == [name for name in SCORES if name != "label_agreement"]
    assert "label_agreement" not in available(probabilities=True, labels=False, pairs=False, asked=True)
