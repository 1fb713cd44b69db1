"""Errors of codes that are matched with classes, in closed form."""

import itertools

import numpy as np
import pytest

from gengen.metrics.codes import UNMATCHED, code_error, match_codes

K = 5
LABELS = np.random.default_rng(0).integers(0, K, 2000)
TEST = np.random.default_rng(1).integers(0, K, 1000)


def test_codes_that_are_classes_in_another_order_are_never_wrong():
    order = np.array([3, 0, 4, 1, 2])
    assert code_error(order[LABELS], LABELS, order[TEST], TEST, K).value == 0
    np.testing.assert_array_equal(order[match_codes(order[LABELS], LABELS, categories=K, classes=K)], np.arange(K))


def test_codes_that_say_nothing_are_wrong_as_often_as_a_guess():
    random = np.random.default_rng(2)
    error = code_error(random.integers(0, K, 2000), LABELS, random.integers(0, K, 1000), TEST, K)
    assert error.low < 1 - 1 / K < error.high


def test_of_two_classes_with_one_code_the_rarer_is_wrong_and_no_other():
    labels = np.concatenate([LABELS, np.zeros(1000, int)])  # class 0 is by far the most frequent
    error = code_error(np.where(labels == 1, 0, labels), labels, np.where(TEST == 1, 0, TEST), TEST, K)
    assert error.value == np.mean(TEST == 1)


def test_the_match_is_the_best_of_all():
    random = np.random.default_rng(3)
    labels = random.integers(0, K, 300)
    codes = np.where(random.random(300) < 0.4, (labels + 2) % K, random.integers(0, K, 300))
    match = match_codes(codes, labels, categories=K, classes=K)
    best = max(np.sum(np.array(order)[codes] == labels) for order in itertools.permutations(range(K)))
    assert np.sum(match[codes] == labels) == best
    assert sorted(match) == list(range(K))


def test_the_match_is_made_on_the_training_images_alone():
    swapped = np.array([1, 0, 2, 3, 4])
    error = code_error(LABELS, LABELS, swapped[TEST], TEST, K)
    assert error.value == np.mean(TEST < 2)


def test_images_of_classes_beyond_the_codes_are_wrong():
    fewer = np.minimum(LABELS, K - 2)
    error = code_error(fewer, LABELS, np.minimum(TEST, K - 2), TEST, K, categories=K - 1)
    assert error.value in (np.mean(TEST == K - 1), np.mean(TEST == K - 2))


def test_of_more_codes_than_classes_several_have_one_class():
    codes, test_codes = LABELS + K * (np.arange(2000) % 4 == 0), TEST + K * (np.arange(1000) < 100)
    np.testing.assert_array_equal(
        match_codes(codes, LABELS, categories=2 * K, classes=K), np.concatenate([np.arange(K), np.arange(K)])
    )
    assert code_error(codes, LABELS, test_codes, TEST, K, categories=2 * K).value == 0


def test_each_of_more_codes_than_classes_has_the_class_of_most_of_its_images():
    random = np.random.default_rng(4)
    labels, codes = random.integers(0, 3, 300), random.integers(0, 4, 300)
    match = match_codes(codes, labels, categories=4, classes=3)
    best = max(np.sum(np.array(order)[codes] == labels) for order in itertools.product(range(3), repeat=4))
    assert np.sum(match[codes] == labels) == best


def test_a_code_beyond_the_classes_that_no_training_image_has_is_always_wrong():
    assert match_codes(LABELS, LABELS, categories=K + 1, classes=K)[K] == UNMATCHED
    test_codes = np.where(np.arange(1000) < 100, K, TEST)
    assert code_error(LABELS, LABELS, test_codes, TEST, K, categories=K + 1).value == 0.1


@pytest.mark.parametrize(
    ("codes", "labels", "words"),
    [([0, 2], [0, 1], "codes lie in"), ([0, 1], [0, 3], "labels lie in"), ([0], [0, 1], "same shape")],
)
def test_what_cannot_be_matched_is_refused(codes, labels, words):
    with pytest.raises(ValueError, match=words):
        match_codes(np.array(codes), np.array(labels), categories=2, classes=3)
