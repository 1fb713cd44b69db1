"""Scores against torch-fidelity 0.4.0 and the published formulas: tests/reference/torch_fidelity_scores.py."""

import json
import pathlib
import runpy

import numpy as np
import pytest

from gengen.metrics.frechet import frechet_distance
from gengen.metrics.inception_score import inception_score_of_splits
from gengen.metrics.kernel import kernel_distance_of_subsets
from gengen.metrics.precision_recall import manifold_scores

REFERENCE = pathlib.Path(__file__).parent.parent / "reference" / "torch_fidelity_scores.json"
FOUND = json.loads(REFERENCE.read_text(encoding="utf-8"))
SCRIPT = runpy.run_path(str(REFERENCE.with_suffix(".py")))
REAL, FAKE, LOGITS = SCRIPT["draw"]()


def test_the_frechet_distance_is_that_of_torch_fidelity():
    assert frechet_distance(REAL, FAKE).value == pytest.approx(FOUND["frechet_inception_distance"], rel=1e-6)


def test_the_kernel_distance_of_the_same_subsets_is_that_of_torch_fidelity():
    values = kernel_distance_of_subsets(REAL, FAKE, *SCRIPT["kid_subsets"](len(REAL), len(FAKE)))
    assert values.mean() == pytest.approx(FOUND["kernel_inception_distance_mean"], rel=1e-6)
    assert values.std() == pytest.approx(FOUND["kernel_inception_distance_std"], rel=1e-6)
    assert values.mean() > 10 * values.std() / np.sqrt(len(values))  # far from 0, where the comparison would say little


def test_the_inception_score_in_the_same_order_is_that_of_torch_fidelity():
    values = inception_score_of_splits(LOGITS[SCRIPT["isc_order"](len(LOGITS))], splits=SCRIPT["ISC_SPLITS"])
    assert values.mean() == pytest.approx(FOUND["inception_score_mean"], rel=1e-5)
    assert values.std() == pytest.approx(FOUND["inception_score_std"], rel=1e-5)


def test_precision_and_recall_are_those_of_torch_fidelity():
    found = manifold_scores(REAL, FAKE)
    assert found.precision.value == pytest.approx(FOUND["precision"], rel=1e-5)
    assert found.recall.value == pytest.approx(FOUND["recall"], rel=1e-5)
    assert abs(FOUND["precision"] - FOUND["recall"]) > 0.05  # swapped, they would not agree


@pytest.mark.parametrize("k", [3, 5])
def test_all_four_scores_of_the_manifold_are_those_of_the_published_formulas(k):
    found = manifold_scores(REAL, FAKE, precision_k=k, density_k=k)
    for name, value in FOUND["prdc"][str(k)].items():
        assert getattr(found, name).value == pytest.approx(value, rel=1e-5), name
