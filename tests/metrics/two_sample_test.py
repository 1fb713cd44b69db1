"""The classifier two-sample test: exact where the sets are alike, and sure where they are not."""

import numpy as np
import pytest

from gengen.metrics.two_sample import two_sample_test


def normal(number, seed, features=5):
    return np.random.default_rng(seed).standard_normal((number, features))


def test_alike_sets_are_told_apart_as_rarely_as_promised():
    found = [two_sample_test(normal(60, 2 * seed), normal(60, 2 * seed + 1)).p_value for seed in range(100)]
    assert np.mean(np.array(found) < 0.05) <= 0.1
    assert np.median(found) > 0.3


def test_a_shift_is_seen_by_the_line_and_another_spread_by_the_neighbours():
    shifted = two_sample_test(normal(200, 0), normal(200, 1) + 1)
    assert shifted.linear.low > 0.8
    assert shifted.p_value < 1e-6
    spread = two_sample_test(normal(600, 2), 0.3 * normal(600, 3))
    assert spread.nearest.value > spread.linear.value
    assert spread.p_value < 1e-6


def test_copies_of_the_other_set_are_not_told_from_it_but_are_below_chance():
    x = normal(200, 4)
    found = two_sample_test(x, x[::-1])
    assert found.nearest.value < 0.5
    assert found.number == 200


def test_too_few_are_refused():
    with pytest.raises(ValueError, match="it takes 20 examples of each, not 19 and 100"):
        two_sample_test(normal(19, 0), normal(100, 1))
