"""The Parzen-window log-likelihood against its definition and the convolution of two Gaussians."""

import math

import numpy as np
import pytest
from scipy import special, stats

from gengen.metrics.parzen import BANDWIDTHS, choose_bandwidth, parzen, parzen_log_likelihood


def brute(samples, points, bandwidth):
    squared = np.square(points[:, None] - samples[None]).sum(2)
    densities = -squared / (2 * bandwidth**2) - samples.shape[1] / 2 * math.log(2 * math.pi * bandwidth**2)
    return special.logsumexp(densities, axis=1) - math.log(len(samples))


@pytest.mark.parametrize("bandwidth", [0.1, 0.7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_the_logarithm_of_the_mean_density_of_the_windows(bandwidth, dtype):
    random = np.random.default_rng(0)
    samples, points = random.random((300, 50)).astype(dtype), random.random((90, 50)).astype(dtype)
    tolerance = 0.01 if dtype == np.float32 else 1e-8
    found = parzen_log_likelihood(samples, points, bandwidth)
    np.testing.assert_allclose(found, brute(samples, points, bandwidth), atol=tolerance)


def test_more_points_than_fit_a_chunk_are_all_scored():
    random = np.random.default_rng(1)
    samples, points = random.random((20, 2)), random.random((2500, 2))
    np.testing.assert_allclose(parzen_log_likelihood(samples, points, 0.3), brute(samples, points, 0.3), atol=1e-9)


def test_the_density_around_samples_of_a_gaussian_is_its_convolution_with_the_window():
    random = np.random.default_rng(2)
    samples, points = 2 + 0.8 * random.normal(size=(200_000, 2)), 2 + random.normal(size=(200, 2))
    expected = stats.norm.logpdf(points, 2, math.hypot(0.8, 0.6)).sum(1)
    np.testing.assert_allclose(parzen_log_likelihood(samples, points, 0.6), expected, atol=0.1)
    assert np.abs(parzen_log_likelihood(samples, points, 0.6) - expected).mean() < 0.01


def test_of_samples_at_one_point_the_best_bandwidth_is_the_spread_of_the_data():
    random = np.random.default_rng(3)
    spread = BANDWIDTHS[6]
    assert choose_bandwidth(np.full((10, 4), 0.5), 0.5 + spread * random.normal(size=(500, 4))) == spread


def test_a_perfect_sampler_needs_a_narrower_bandwidth_the_more_samples_there_are():
    random = np.random.default_rng(4)
    validation = random.normal(size=(300, 2))
    few, many = (choose_bandwidth(random.normal(size=(size, 2)), validation) for size in (10, 3000))
    assert many < few


def test_the_grid_is_the_published_one():
    assert BANDWIDTHS[0] == pytest.approx(0.1) and BANDWIDTHS[-1] == pytest.approx(1.0)
    np.testing.assert_allclose(np.diff(np.log(BANDWIDTHS)), math.log(10) / 9)


def test_the_score_is_the_mean_over_test_images_at_the_chosen_bandwidth():
    random = np.random.default_rng(5)
    samples, validation, test = (random.random((size, 3)) for size in (200, 100, 150))
    found, bandwidth = parzen(samples, validation, test)
    assert bandwidth == choose_bandwidth(samples, validation)
    assert found.value == pytest.approx(brute(samples, test, bandwidth).mean())


@pytest.mark.parametrize("bandwidth", [0.02, 0.3])
def test_the_variance_is_that_of_test_images_and_the_jackknife_over_samples(bandwidth):
    random = np.random.default_rng(6)
    samples, test = random.random((40, 5)), random.random((30, 5))
    # At the narrow bandwidth one sample makes all of the density at a point, to rounding.
    without = [brute(np.delete(samples, index, 0), test, bandwidth).mean() for index in range(40)]
    variance = brute(samples, test, bandwidth).var(ddof=1) / 30 + 39 * np.var(without)
    found, _ = parzen(samples, test, test, candidates=(bandwidth,))
    assert found.high - found.value == pytest.approx(1.959964 * math.sqrt(variance))


@pytest.mark.heavy
@pytest.mark.parametrize(("samples", "points", "bandwidth"), [(300, 100, 0.5), (50, 400, 0.3)])
def test_the_interval_holds_the_expectation_over_fresh_samples_and_test_images(samples, points, bandwidth):
    random = np.random.default_rng(7)
    estimates = [
        parzen(
            random.normal(size=(samples, 2)), np.zeros((1, 2)), random.normal(size=(points, 2)), candidates=[bandwidth]
        )
        for _ in range(200)
    ]
    mean = np.mean([found.value for found, _ in estimates])
    assert 0.90 <= np.mean([found.low <= mean <= found.high for found, _ in estimates]) <= 0.99


def test_worse_samples_score_lower():
    random = np.random.default_rng(8)
    validation, test, good = (random.normal(size=(500, 2)) for _ in range(3))
    best, _ = parzen(good, validation, test)
    for faulty in (good + 1.0, 3 * good, np.abs(good), np.tile(good[:3], (100, 1))):
        assert parzen(faulty, validation, test)[0].high < best.low


@pytest.mark.parametrize("bandwidth", [0.0, -1.0, math.nan])
def test_a_bandwidth_that_is_not_positive_is_refused(bandwidth):
    with pytest.raises(ValueError, match="positive"):
        parzen_log_likelihood(np.zeros((2, 2)), np.zeros((2, 2)), bandwidth)


def test_nothing_to_compare_or_to_choose_from_is_refused():
    points = np.zeros((2, 2))
    with pytest.raises(ValueError, match="at least one bandwidth"):
        choose_bandwidth(points, points, candidates=())
    with pytest.raises(ValueError, match="one of each"):
        parzen_log_likelihood(points[:0], points, 0.1)
    with pytest.raises(ValueError, match="two of each"):
        parzen(points, points, points[:1])
