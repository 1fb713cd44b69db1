"""The Inception score against closed forms and planted faults."""

import numpy as np
import pytest
from scipy import special

from gengen.metrics.inception_score import inception_score, inception_score_of_splits


def sure(classes, number, strength=1000.0):
    """Logits of a classifier that is sure of these classes."""
    return strength * np.eye(number)[classes]


def drawn(random, size, number=5, surety=2.0):
    """Logits of samples of all classes, by a classifier that errs now and then."""
    return sure(random.integers(number, size=size), number, surety) + random.normal(size=(size, number))


@pytest.mark.parametrize("strength", [1000.0, np.inf])
def test_sure_and_balanced_predictions_score_the_number_of_classes(strength):
    classes = np.tile(np.arange(7), 20)
    logits = sure(classes, 7) if np.isfinite(strength) else np.where(np.eye(7) == 1, 0.0, -np.inf)[classes]
    np.testing.assert_allclose(inception_score_of_splits(logits, splits=10), 7, rtol=1e-12)


@pytest.mark.parametrize("prediction", [np.zeros(4), np.array([3.0, -1.0, 0.5, 2.0]), np.array([0, -np.inf, 0, 1])])
def test_the_same_prediction_for_every_sample_scores_one(prediction):
    found = inception_score(np.tile(prediction, (100, 1)))
    np.testing.assert_allclose(found, 1, rtol=1e-12)


def test_it_is_its_definition():
    logits = np.random.default_rng(0).normal(size=(53, 6)) * 3
    p = special.softmax(logits, 1)
    part = p[53 * 2 // 10 : 53 * 3 // 10]
    divergences = [(row * np.log(row / part.mean(0))).sum() for row in part]
    assert inception_score_of_splits(logits, splits=10)[2] == pytest.approx(np.exp(np.mean(divergences)), rel=1e-12)


def test_sure_predictions_score_the_exponential_of_the_entropy_of_their_classes():
    classes = np.repeat([0, 1, 2, 3], [50, 25, 15, 10])
    entropy = special.entr([0.5, 0.25, 0.15, 0.1]).sum()
    assert inception_score_of_splits(sure(classes, 6), splits=1) == pytest.approx(np.exp(entropy), rel=1e-12)


def test_log_probabilities_are_logits():
    logits = np.random.default_rng(0).normal(size=(60, 5)) + 100
    expected = inception_score(logits)
    np.testing.assert_allclose(inception_score(special.log_softmax(logits, 1)), expected, rtol=1e-12)


def test_it_is_the_mean_over_splits_in_random_order():
    logits = drawn(np.random.default_rng(0), 97)
    found = inception_score(logits, splits=4, seed=3)
    order = np.random.default_rng(3).permutation(97)
    assert found.value == pytest.approx(inception_score_of_splits(logits[order], splits=4).mean(), rel=1e-12)
    in_order = inception_score(logits[logits.argmax(1).argsort()], splits=4)
    assert in_order.value == pytest.approx(found.value, rel=0.1)  # sorted by class, each split would hold few classes


@pytest.mark.parametrize("splits", [1, 11])
def test_splits_without_samples_or_without_an_interval_are_refused(splits):
    with pytest.raises(ValueError, match=f"splits={splits} must be between 2 and the 10 samples"):
        inception_score(np.zeros((10, 3)), splits=splits)


@pytest.mark.parametrize("surety", [0.0, 2.0, 8.0])
def test_the_interval_holds_the_expectation(surety):
    random = np.random.default_rng(5)
    found = [inception_score(drawn(random, 200, surety=surety)) for _ in range(200)]
    expectation = np.mean([estimate.value for estimate in found])
    held = np.mean([estimate.low <= expectation <= estimate.high for estimate in found])
    assert 0.90 <= held <= 0.99, held


def test_faults_that_a_classifier_sees_move_it_down_by_more_than_its_interval():
    random = np.random.default_rng(3)
    good = inception_score(drawn(random, 2000, surety=5.0))
    faults = {
        "collapse": np.tile(drawn(random, 1, surety=5.0), (2000, 1)),
        "dropped": sure(random.integers(4, size=2000), 5, 5.0) + random.normal(size=(2000, 5)),
        "noise": drawn(random, 2000, surety=3.0),
    }
    for name, logits in faults.items():
        assert inception_score(logits).high < good.low, name


def test_it_is_blind_to_copies():
    random = np.random.default_rng(3)
    good = inception_score(drawn(random, 2000, surety=5.0))
    one_of_each_class = sure(np.arange(5), 5, 5.0)
    assert inception_score(np.tile(one_of_each_class, (400, 1))).value > good.low
