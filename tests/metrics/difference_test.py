"""Differences of two scores: their intervals, and which of many are told from chance."""

import math

import numpy as np
import pytest
from scipy import stats

from gengen.metrics.difference import Difference, of_estimates, of_variance, told_apart
from gengen.metrics.interval import Estimate, Z, around, of_share


def test_symmetric_intervals_give_the_two_sample_z():
    a, b = around(1.3, 0.09), around(1.0, 0.16)
    found = of_estimates(a, b, lower=True)
    assert found.worse == pytest.approx(0.3 / 0.5)
    assert (found.low, found.high) == pytest.approx((0.3 - Z * 0.5, 0.3 + Z * 0.5))
    assert of_estimates(a, b, lower=False).worse == -found.worse


def test_the_halves_that_face_each_other_count():
    high, low = Estimate(2.0, 1.9, 9.0), Estimate(1.0, 0.1, 1.2)
    found = of_estimates(high, low, lower=True)
    assert found.low == pytest.approx(1 - math.hypot(0.1, 0.2))
    assert found.worse == pytest.approx(Z / math.hypot(0.1, 0.2))


def test_of_two_shares_it_is_newcombes_method():
    """Newcombe 1998, https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, table II (a)."""
    found = of_estimates(of_share(56, 70), of_share(48, 80), lower=True)
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize("degrees", [9, 15, math.inf])
def test_few_degrees_of_freedom_need_larger_differences(degrees):
    found = of_variance(3.0, 1.0, lower=True, degrees=degrees)
    expected = stats.t.sf(3, degrees) if math.isfinite(degrees) else stats.norm.sf(3)
    assert found.p_value == pytest.approx(expected)
    assert of_variance(-3.0, 1.0, lower=True, degrees=degrees).worse == pytest.approx(-found.worse)


def test_what_does_not_vary_is_the_same_or_surely_worse():
    assert of_variance(0.0, 0.0, lower=True).worse == 0
    assert of_variance(1.0, 0.0, lower=True).worse == math.inf
    assert of_variance(1.0, 0.0, lower=False).worse == -math.inf
    assert of_estimates(around(1, 0), around(1, 0), lower=True).worse == 0


def of(*worse):
    return {str(index): Difference(0.0, 0.0, 0.0, value) for index, value in enumerate(worse)}


def test_holm_asks_the_first_for_a_share_of_the_level_and_the_last_for_all_of_it():
    z = [float(stats.norm.isf(p)) for p in (0.04, 0.016, 0.026)]
    assert told_apart(of(*z)) == ["1"]  # 0.016 < 0.05 / 3, but 0.026 > 0.05 / 2
    z[2] = float(stats.norm.isf(0.024))
    assert told_apart(of(*z)) == ["1", "2", "0"]
    assert told_apart(of(1.0, -5.0)) == []
    assert told_apart({}) == []


def test_of_many_scores_without_a_difference_one_in_twenty_sets_has_an_alarm():
    z = np.random.default_rng(0).normal(size=(4000, 12))
    alarms = np.mean([bool(told_apart(of(*row))) for row in z])
    assert 0.035 < alarms < 0.06
