"""The mean log-likelihood: its interval by hand and over fresh images, and what it is in bits."""

import math

import numpy as np
import pytest

from gengen.metrics.likelihood import bits_per_dimension, log_likelihood


def test_the_estimate_is_the_mean_with_students_interval():
    found = log_likelihood(np.array([-3.0, -1.0, -2.0]))
    quantile = 0.95 / math.sqrt(2 * 0.975 * 0.025)  # Student's distribution of 2 degrees has one in closed form
    half = quantile / math.sqrt(3)  # the deviation of an image is 1
    np.testing.assert_allclose(found, [-2, -2 - half, -2 + half], rtol=1e-12)


def test_images_that_are_all_alike_leave_no_doubt():
    assert log_likelihood(np.full(5, -7.5)) == (-7.5, -7.5, -7.5)


def test_the_interval_holds_the_expectation_in_95_of_100_sets_of_fresh_images():
    rng, repeats = np.random.default_rng(0), 2000
    # The log-density of a normal in four dimensions at its own draws: a constant minus half a chi-squared of 4.
    nats = -0.5 * rng.chisquare(4, (repeats, 40)) - 2 * math.log(2 * math.pi)
    expected = -2 - 2 * math.log(2 * math.pi)
    held = np.mean([found.low <= expected <= found.high for found in map(log_likelihood, nats)])
    assert 0.92 < held < 0.97


@pytest.mark.parametrize("values", [2, 256])
def test_a_uniform_distribution_of_pixels_costs_the_logarithm_of_their_values(values):
    assert bits_per_dimension(-784 * math.log(values), 784) == pytest.approx(math.log2(values), rel=1e-12)


def test_a_density_above_one_costs_less_than_nothing():
    assert bits_per_dimension(math.log(4), 2) == pytest.approx(-1)
