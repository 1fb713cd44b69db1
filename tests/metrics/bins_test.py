"""The share of statistically different bins against its definition, and its interval against repeated samples."""

import numpy as np
import pytest
from scipy import stats

from gengen.metrics.bins import different_bins, fit_bins, share_of_significant, z_scores

CENTRES = 6 * np.random.default_rng(0).standard_normal((5, 4))


def mixture(random, size, modes=5, noise=1.0):
    points = CENTRES[random.integers(modes, size=size)] + noise * random.standard_normal((size, 4))
    return points.astype(np.float32)


def held(estimates, expectation):
    return np.mean([found.low <= expectation <= found.high for found in estimates])


def test_scores_are_those_of_the_two_proportion_test():
    random = np.random.default_rng(1)
    reference, generated, centres = mixture(random, 300), mixture(random, 200, modes=4), mixture(random, 9)
    shares = []
    for points in (reference, generated):
        nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(1)
        shares.append(np.bincount(nearest, minlength=9) / len(points))
    pooled = (300 * shares[0] + 200 * shares[1]) / 500
    expected = (shares[1] - shares[0]) / np.sqrt(pooled * (1 - pooled) * (1 / 300 + 1 / 200))
    scores = z_scores(reference, generated, centres)
    np.testing.assert_allclose(scores, expected, rtol=1e-6)
    found = different_bins(reference, generated, centres)
    assert found.value == np.mean(2 * stats.norm.sf(np.abs(expected)) < 0.05)
    assert found == different_bins(random.permutation(reference), random.permutation(generated), centres)


def test_a_bin_without_data_and_samples_does_not_differ():
    points = np.array([[0.0], [1.0]]).repeat(50, 0)
    np.testing.assert_array_equal(z_scores(points, points, np.array([[0.0], [1.0], [9.0]])), 0)


def test_bins_are_the_same_each_time_and_as_many_as_the_data_allow():
    random = np.random.default_rng(2)
    reference = mixture(random, 400)
    np.testing.assert_array_equal(fit_bins(reference), fit_bins(reference))
    assert len(fit_bins(reference)) == 20
    assert len(fit_bins(reference, bins=7)) == 7
    assert len(fit_bins(mixture(random, 30))) == 2
    assert len(fit_bins(mixture(random, 2500))) == 100


def test_data_of_few_distinct_examples_get_no_more_bins_than_these():
    repeated = np.repeat(CENTRES[:3], 100, 0)
    centres = fit_bins(repeated)
    np.testing.assert_allclose(np.sort(centres, 0), np.sort(CENTRES[:3], 0))
    assert different_bins(repeated, repeated, centres).value == 0
    assert different_bins(repeated, repeated[:100], centres) == (1, pytest.approx(1, abs=1e-3), 1)
    assert different_bins(repeated[:100], repeated[:100], fit_bins(repeated[:100])).value == 0


SIZES = {"none": np.zeros(100), "all a little": np.full(100, 1.5), "half much": np.r_[np.zeros(50), np.full(50, 10)]}


@pytest.mark.parametrize("bins", [20, 100])
@pytest.mark.parametrize("true", SIZES)
def test_the_interval_holds_the_expectation_for_known_true_scores(true, bins):
    scores = SIZES[true][:: 100 // bins]
    power = stats.norm.sf(1.959964 - scores) + stats.norm.cdf(-1.959964 - scores)
    random = np.random.default_rng(3)
    estimates = [share_of_significant(scores + random.standard_normal(bins)) for _ in range(200)]
    # A twentieth of 20 bins is one bin: so discrete that more than 99 % may hold.
    assert 0.90 <= held(estimates, power.mean()) <= (0.99 if bins == 100 else 1.0)


DRAWS = {
    "equal": mixture,
    "a mode dropped": lambda random, size: mixture(random, size, modes=4),
    "a little noise": lambda random, size: mixture(random, size, noise=1.2),
}


@pytest.mark.heavy
@pytest.mark.parametrize("draw", DRAWS)
def test_the_interval_holds_the_expectation_over_fresh_data_and_samples_in_the_same_bins(draw):
    random = np.random.default_rng(13)
    centres = fit_bins(mixture(random, 2500))
    estimates = [different_bins(mixture(random, 2500), DRAWS[draw](random, 2000), centres) for _ in range(200)]
    assert 0.90 <= held(estimates, np.mean([found.value for found in estimates])) <= 0.99


@pytest.mark.slow
def test_it_holds_with_fresh_bins_too():
    # The number of bins in the mode that is dropped varies from fit to fit, which no interval knows: 92 % hold.
    random = np.random.default_rng(14)
    estimates = []
    for _ in range(200):
        reference = mixture(random, 2000)
        estimates.append(different_bins(reference, mixture(random, 2000, modes=4), fit_bins(reference)))
    assert 0.90 <= held(estimates, np.mean([found.value for found in estimates])) <= 0.99


def test_every_fault_moves_it_up_by_more_than_its_interval():
    random = np.random.default_rng(5)
    reference = mixture(random, 2000)
    centres = fit_bins(reference)
    good = different_bins(reference, mixture(random, 2000), centres)
    assert good.low < 0.05 < good.high
    faults = {
        "collapse": np.tile(mixture(random, 1), (2000, 1)),
        "dropped": mixture(random, 2000, modes=4),
        "noise": mixture(random, 2000, noise=2.0),
        "duplicates": np.tile(mixture(random, 20), (100, 1)),
    }
    for name, samples in faults.items():
        assert different_bins(reference, samples, centres).low > good.high, name
