"""Scores of predicted classes against closed forms, and their intervals against repeated samples."""

import math

import numpy as np
import pytest
from scipy import special

from gengen.metrics.classes import confidence, divergence, divergence_of_counts, histogram, shares

UNIFORM = np.full(10, 0.1)


def held(estimates, expectation):
    return np.mean([found.low <= expectation <= found.high for found in estimates])


def test_one_missing_of_ten_equal_classes_is_log_ten_ninths():
    found = divergence_of_counts(np.r_[0, np.full(9, 1000)], UNIFORM)
    assert found.value == pytest.approx(math.log(10 / 9))
    assert found.low < found.value < found.high


def test_the_divergence_is_its_sum_and_a_class_without_samples_adds_nothing():
    counts, reference = np.array([5, 0, 20, 75]), np.array([0.4, 0.3, 0.2, 0.1])
    labels = np.repeat(np.arange(4), counts)
    expected = sum(p * math.log(p / q) for p, q in zip(counts / 100, reference, strict=True) if p)
    assert divergence(labels, reference).value == pytest.approx(expected)
    assert divergence(labels, 7 * reference).value == pytest.approx(expected)
    assert divergence(np.random.default_rng(0).permutation(labels), reference) == divergence(labels, reference)


def test_equal_shares_are_at_zero_and_a_collapse_at_minus_the_logarithm_of_the_share():
    assert divergence_of_counts(np.array([400, 100, 500]), np.array([0.4, 0.1, 0.5])).value == pytest.approx(0)
    assert divergence_of_counts(np.array([0, 100, 0]), np.array([0.4, 0.1, 0.5])).value == pytest.approx(math.log(10))


def test_shares_are_counts_with_intervals_of_a_share():
    labels = np.repeat(np.arange(3), (0, 30, 70))
    found = shares(labels, 4)
    assert [share.value for share in found] == [0, 0.3, 0.7, 0]
    assert all(share.low <= share.value <= share.high for share in found)
    assert found[0].high > 0
    np.testing.assert_array_equal(histogram(labels, 4), [0, 30, 70, 0])


def test_what_is_no_label_or_no_share_is_refused():
    for labels in ([0, 3], [-1, 0]):
        with pytest.raises(ValueError, match=r"not in \[0, 3\)"):
            shares(np.array(labels), 3)
    with pytest.raises(ValueError, match="must be positive"):
        divergence(np.array([0, 1]), np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match="all zero"):
        divergence_of_counts(np.zeros(3, int), np.ones(3))


def test_confidence_is_one_over_k_without_knowledge_and_one_with_certainty():
    assert confidence(np.full((50, 10), 0.1)) == pytest.approx((0.1, 0.1, 0.1))
    assert confidence(np.eye(10)[np.arange(50) % 10]) == (1, 1, 1)
    assert confidence(np.array([[0.75, 0.25], [0.5, 0.5], [0.0, 1.0]])).value == pytest.approx(0.75)


FAULTS = {
    "equal": np.ones(10),
    "nearly equal": 1 + 0.05 * np.arange(10),
    "uneven": 1 + np.arange(10.0),
    "a class is three times too rare": np.r_[np.ones(9), 0.3],
    "half in one class": np.r_[np.ones(9), 9],
}


@pytest.mark.parametrize("size", [300, 3000])
@pytest.mark.parametrize("fault", FAULTS)
def test_the_interval_of_the_divergence_holds_its_expectation_near_equality_and_far_from_it(fault, size):
    random = np.random.default_rng(11)
    drawn = random.multinomial(size, FAULTS[fault] / FAULTS[fault].sum(), 2000)
    expectation = special.rel_entr(drawn / size, UNIFORM).sum(1).mean()
    assert 0.90 <= held([divergence_of_counts(counts, UNIFORM) for counts in drawn[:200]], expectation) <= 0.99


@pytest.mark.parametrize("rare", [0.0, 0.3, 1.0, 3.0])
def test_the_interval_of_the_divergence_holds_its_expectation_where_a_class_is_hardly_ever_seen(rare):
    random = np.random.default_rng(2)
    drawn = random.multinomial(1000, np.r_[np.full(9, (1 - rare / 1000) / 9), rare / 1000], 2000)
    expectation = special.rel_entr(drawn / 1000, UNIFORM).sum(1).mean()
    # So few counts are so discrete that more than 99 % hold; the delta method alone would leave out a third.
    assert held([divergence_of_counts(counts, UNIFORM) for counts in drawn[:200]], expectation) >= 0.93


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_the_interval_of_a_share_holds_its_expectation(share):
    random = np.random.default_rng(3)
    estimates = [shares((random.random(300) < share).astype(int), 2)[1] for _ in range(200)]
    assert 0.90 <= held(estimates, share) <= 0.99


@pytest.mark.parametrize("sharpness", [1.0, 4.0])
def test_the_interval_of_the_confidence_holds_its_expectation(sharpness):
    random = np.random.default_rng(13)
    logits = sharpness * random.standard_normal((200, 300, 10))
    estimates = [confidence(probabilities) for probabilities in special.softmax(logits, -1)]
    assert 0.90 <= held(estimates, np.mean([found.value for found in estimates])) <= 0.99


def test_every_fault_moves_its_score_by_more_than_its_interval():
    random = np.random.default_rng(5)

    def labels(weights):
        return random.choice(10, 3000, p=weights / weights.sum())

    healthy = divergence(labels(UNIFORM), UNIFORM)
    faults = [*list(FAULTS.values())[2:], np.r_[np.ones(9), 0], np.r_[np.zeros(9), 1]]
    for weights in faults:
        assert divergence(labels(weights), UNIFORM).low > healthy.high
    logits = 3 * random.standard_normal((1000, 10))
    sure, unsure = (confidence(special.softmax(scale * logits, -1)) for scale in (1, 0.5))
    assert unsure.high < sure.low
