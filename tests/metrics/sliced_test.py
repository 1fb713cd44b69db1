"""The sliced Wasserstein distance against closed forms."""

import numpy as np
import pytest

from gengen.metrics.sliced import sliced_wasserstein


def normal(number, features=8, seed=0):
    return np.random.default_rng(seed).standard_normal((number, features)).astype(np.float32)


def test_a_shift_costs_its_squared_length_whatever_the_directions():
    x, shift = normal(200), np.arange(8, dtype=np.float32)
    for seed in range(2):
        np.testing.assert_allclose(sliced_wasserstein(x, x + shift, seed=seed).value, (shift**2).sum(), rtol=1e-4)


def test_a_scaling_costs_what_standard_deviations_differ_by():
    found = sliced_wasserstein(normal(6_000, 4), 1.5 * normal(6_000, 4, seed=1))
    np.testing.assert_allclose(found.value, 4 * 0.5**2, rtol=0.05)
    assert found.low < 4 * 0.5**2 < found.high


def test_copies_and_another_order_change_nothing():
    x, y = normal(60), normal(90, seed=1) + 1
    value = sliced_wasserstein(x, y).value
    np.testing.assert_allclose(sliced_wasserstein(np.repeat(x, 2, 0), np.repeat(y, 3, 0)).value, value, rtol=1e-5)
    np.testing.assert_allclose(sliced_wasserstein(x[::-1], y[::-1]).value, value, rtol=1e-5)
    np.testing.assert_allclose(sliced_wasserstein(y, x).value, value, rtol=1e-5)
    assert sliced_wasserstein(x, np.repeat(x, 3, 0)).value < 1e-9


def test_what_means_and_covariances_cannot_see_is_seen():
    random = np.random.default_rng(0)
    signs = random.choice([-1.0, 1.0], (4000, 2)).astype(np.float32)  # covariance 1, as the normal one
    apart, alike = sliced_wasserstein(normal(4000, 2), signs), sliced_wasserstein(normal(4000, 2), normal(4000, 2, 1))
    assert apart.low > 20 * alike.high


def test_the_interval_holds_the_expectation_nineteen_times_in_twenty():
    found = [sliced_wasserstein(normal(50, 3, 2 * i), normal(50, 3, 2 * i + 1) + 0.5) for i in range(100)]
    expectation = np.mean([each.value for each in found])
    assert 0.9 <= np.mean([each.low < expectation < each.high for each in found]) <= 1.0


@pytest.mark.parametrize(("x", "y"), [(normal(19), normal(50)), (normal(50), normal(50, 7))])
def test_too_few_or_other_features_are_refused(x, y):
    with pytest.raises(ValueError, match=r"it takes 20 examples|dimensions"):
        sliced_wasserstein(x, y)
