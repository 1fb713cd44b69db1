"""Scores of mixtures of Gaussians against closed forms, and their intervals against repeated samples."""

import math

import numpy as np
import pytest

from gengen.metrics.modes import NO_MODE, high_quality, mode_divergence, mode_of, modes_hit

GRID = np.stack(np.meshgrid(np.arange(5.0), np.arange(5.0)), -1).reshape(-1, 2)
DEVIATION = 0.05
PERFECT = 1 - math.exp(-4.5)


def draw(random, size, weights=None, scale=1.0, centres=GRID):
    """Draws from the mixture with weights of its modes [K] and its deviation times a scale."""
    modes = random.choice(len(centres), size, p=None if weights is None else np.asarray(weights) / np.sum(weights))
    return centres[modes] + scale * DEVIATION * random.standard_normal((size, centres.shape[1]))


def score(measure, samples, centres=GRID):
    """One of the three scores of samples of the mixture."""
    modes = mode_of(samples, centres, deviation=DEVIATION)
    return measure(modes) if measure is high_quality else measure(modes, len(centres))


def held(estimates, expectation):
    return np.mean([found.low - 1e-9 <= expectation <= found.high + 1e-9 for found in estimates])


def test_a_perfect_sampler_has_98_89_percent_of_high_quality_and_hits_all_modes_evenly():
    samples = draw(np.random.default_rng(0), 20_000)
    share = score(high_quality, samples)
    assert share.low < PERFECT < share.high
    assert share.high - share.low < 0.005
    assert score(modes_hit, samples) == (25, pytest.approx(25, abs=1e-9), 25)
    divergence = score(mode_divergence, samples)
    assert divergence.low <= 24 / (2 * 20_000) <= divergence.high < 0.002


def test_counts_are_those_of_a_loop_over_all_centres_in_three_dimensions():
    random = np.random.default_rng(1)
    centres, samples = random.standard_normal((7, 3)), random.standard_normal((300, 3))
    distances = np.linalg.norm(samples[:, None] - centres, axis=2)
    expected = [
        sum(row.argmin() == mode and row.min() <= 2.5 * 0.3 for row in distances) for mode in range(len(centres))
    ]
    modes = mode_of(samples, centres, deviation=0.3, within=2.5)
    np.testing.assert_array_equal(np.bincount(modes + 1, minlength=8), [300 - sum(expected), *expected])
    assert NO_MODE == -1


def test_the_order_of_the_samples_does_not_matter():
    random = np.random.default_rng(2)
    samples = draw(random, 300, scale=1.5)
    for measure in (high_quality, modes_hit, mode_divergence):
        assert score(measure, samples) == score(measure, random.permutation(samples))


def test_one_mode_alone_is_log_k_from_uniform_and_no_good_sample_may_be_anything():
    samples = draw(np.random.default_rng(3), 500, weights=np.arange(25) == 4)
    assert score(mode_divergence, samples).value == pytest.approx(math.log(25))
    assert score(modes_hit, samples).value == 1
    far = samples + 100
    assert score(high_quality, far).value == 0
    assert score(modes_hit, far)[:2] == (0, 0)
    assert score(mode_divergence, far) == (math.log(25), 0, math.log(25))


def test_a_mode_that_a_few_more_samples_might_have_hit_or_missed_is_in_the_interval():
    def with_counts(*counts):
        return modes_hit(np.repeat(np.arange(len(counts)), counts), len(counts))

    assert with_counts(500, 500, 500, 0) == (3, pytest.approx(3, abs=1e-9), 4)
    once = with_counts(500, 500, 500, 1)
    assert 3 <= once.low < 3.1
    assert once[::2] == (4, 4)
    # The rule of three, for two sides: none of many seen.
    many = with_counts(*([500] * 12 + [0] * 13))
    assert many == (12, pytest.approx(12, abs=1e-9), pytest.approx(12 + math.sqrt(13)))


@pytest.mark.parametrize(("scale", "expectation"), [(1.0, PERFECT), (2.0, 1 - math.exp(-4.5 / 4))])
def test_the_interval_of_the_share_of_high_quality_holds_its_expectation(scale, expectation):
    random = np.random.default_rng(4)
    centres = 10 * GRID  # so far apart that no sample is nearest to another centre than its own
    estimates = [score(high_quality, draw(random, 1000, scale=scale, centres=centres), centres) for _ in range(200)]
    assert 0.90 <= held(estimates, expectation) <= 0.99


FAULTS = {
    "equal": np.ones(25),
    "uneven": 1 + np.arange(25.0),
    "a tenth of the modes' weight": np.r_[np.ones(12), np.full(13, 0.1)],
    "dropped": np.r_[np.ones(20), np.zeros(5)],
}


@pytest.mark.parametrize("size", [60, 600])
@pytest.mark.parametrize("fault", FAULTS)
def test_the_interval_of_the_number_of_modes_holds_its_expectation(fault, size):
    random = np.random.default_rng(5)
    shares = PERFECT * FAULTS[fault] / FAULTS[fault].sum()
    expectation = (1 - (1 - shares) ** size).sum()
    estimates = [score(modes_hit, draw(random, size, FAULTS[fault])) for _ in range(200)]
    # A count of a few rare modes is so discrete, and constant where all or none are rare, that more than 99 % hold.
    assert held(estimates, expectation) >= 0.90


def test_the_interval_of_the_number_of_many_modes_is_no_wider_than_it_must_be():
    random = np.random.default_rng(13)
    centres = np.stack(np.meshgrid(np.arange(30.0), np.arange(30.0)), -1).reshape(-1, 2)
    expectation = 900 * (1 - (1 - PERFECT / 900) ** 900)
    estimates = [score(modes_hit, draw(random, 900, centres=centres), centres) for _ in range(200)]
    assert 0.90 <= held(estimates, expectation) <= 0.99


@pytest.mark.parametrize("size", [60, 600])
@pytest.mark.parametrize("fault", FAULTS)
def test_the_interval_of_the_divergence_holds_its_expectation(fault, size):
    random = np.random.default_rng(7)
    estimates = [score(mode_divergence, draw(random, size, FAULTS[fault])) for _ in range(200)]
    share = held(estimates, np.mean([found.value for found in estimates]))
    # A mode without a sample might have had a few; where it cannot have any, or where few samples leave many modes
    # empty, more than 99 % hold.
    assert 0.90 <= share <= (1.0 if fault == "dropped" or size == 60 else 0.99)


def test_every_fault_moves_its_score_by_more_than_its_interval():
    random = np.random.default_rng(8)

    def scores(samples):
        return [score(measure, samples) for measure in (high_quality, modes_hit, mode_divergence)]

    good, hit, divergence = scores(draw(random, 2000))
    assert scores(draw(random, 2000, scale=1.3))[0].high < good.low
    for weights in (FAULTS["dropped"], np.arange(25) == 3):
        _, fewer, farther = scores(draw(random, 2000, weights))
        assert fewer.high < hit.low
        assert farther.low > divergence.high
    assert scores(draw(random, 2000, FAULTS["uneven"]))[2].low > divergence.high
