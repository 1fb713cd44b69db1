"""Intervals against what they are named after."""

import numpy as np
import pytest
from scipy import stats

from gengen.metrics.interval import around, around_positive, of_blocks, of_share


def test_a_normal_interval_reaches_1_96_deviations():
    assert around(3.0, 4.0) == pytest.approx((3.0, 3.0 - 1.959964 * 2, 3.0 + 1.959964 * 2))


def test_few_degrees_of_freedom_widen_the_interval_as_student_says():
    assert around(0.0, 1.0, 4).high == pytest.approx(2.776445)


def test_blocks_give_the_interval_of_their_mean():
    values = np.array([1.0, 2.0, 4.0, 8.0])
    low, high = stats.t.interval(0.95, 3, loc=values.mean(), scale=stats.sem(values))
    assert of_blocks(values) == pytest.approx((values.mean(), low, high))


def test_a_share_of_none_or_all_still_has_an_interval():
    assert of_share(0, 100) == pytest.approx((0.0, 0.0, 1.959964**2 / (100 + 1.959964**2)))
    assert of_share(100, 100).low == pytest.approx(1 - of_share(0, 100).high)


def test_a_positive_interval_is_symmetric_in_its_logarithm_and_linear_where_it_is_narrow():
    wide, narrow = around_positive(2.0, 1.0), around_positive(2.0, 1e-6)
    assert wide.low * wide.high == pytest.approx(4.0)
    assert narrow == pytest.approx(around(2.0, 1e-6), rel=1e-6)
    assert around_positive(0.0, 1.0) == pytest.approx((0.0, 0.0, 1.959964))
