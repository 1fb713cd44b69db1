"""Copies of training data: planted ones are found, others are not, and the interval holds what repeats give."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gengen.metrics.copying import copied, fit_limit


def gaussian(random, size, dimensions=10):
    return random.standard_normal((size, dimensions)).astype(np.float32)


def test_ratios_and_the_limit_are_those_of_all_distances():
    random = np.random.default_rng(0)
    train, samples, held_out = gaussian(random, 200, 3), gaussian(random, 50, 3), gaussian(random, 400, 3)

    def ratios(points):
        nearest = np.sort(cdist(points, train), 1)
        return nearest[:, 0] / nearest[:, 1]

    limit = fit_limit(held_out, train)
    assert limit.ratio.value == pytest.approx(np.quantile(ratios(held_out), 0.005), rel=1e-4)
    assert limit.ratio.low < limit.ratio.value < limit.ratio.high < 0.5
    found = copied(samples, train, limit)
    np.testing.assert_allclose(found.ratio, ratios(samples), rtol=1e-4)
    np.testing.assert_array_equal(found.nearest, cdist(samples, train).argmin(1))
    np.testing.assert_array_equal(found.copied, ratios(samples) < limit.ratio.value)
    assert found.share.value == found.copied.mean()


def test_planted_copies_with_a_little_noise_are_found_and_named():
    random = np.random.default_rng(1)
    train, samples = gaussian(random, 500), gaussian(random, 300)
    samples[:60] = train[100:160] + 0.05 * gaussian(random, 60)
    found = copied(samples, train, fit_limit(gaussian(random, 500), train))
    np.testing.assert_array_equal(found.nearest[:60], np.arange(100, 160))
    assert found.copied[:60].all()
    assert found.share.low < 0.2 < found.share.high
    order = random.permutation(300)
    shuffled = copied(samples[order], train, fit_limit(gaussian(random, 500), train))
    np.testing.assert_array_equal(shuffled.nearest, found.nearest[order])
    assert shuffled.share == found.share


def test_a_copy_of_an_example_that_the_training_data_hold_twice_is_a_copy():
    random = np.random.default_rng(2)
    train = gaussian(random, 500)
    train[100:200] = train[:100]
    train[200:220] = train[:20]  # three times
    limit = fit_limit(gaussian(random, 500), train)
    assert copied(train[:100], train, limit).copied.all()
    assert copied(train[20:100] + 0.05 * gaussian(random, 80), train, limit).copied.all()
    # Rounding in a network makes equal pictures unequal features.
    assert copied(train[:100], train + 1e-5 * gaussian(random, 500), limit).copied.all()


def test_training_data_are_no_copies_of_themselves_but_of_their_doubles():
    random = np.random.default_rng(3)
    train = gaussian(random, 500)
    train[1] = train[0]
    limit = fit_limit(gaussian(random, 500), train)
    assert copied(train, train, limit).share.value == 1
    found = copied(train, train, limit, exclude=np.arange(500))
    assert found.copied[:2].all()
    np.testing.assert_array_equal(found.nearest[:2], [1, 0])
    assert found.share.value < 0.02


def test_held_out_data_that_are_training_data_do_not_hide_copies():
    random = np.random.default_rng(4)
    train, held_out = gaussian(random, 500), gaussian(random, 500)
    clean = fit_limit(held_out, train).ratio
    held_out[:100] = train[:100]
    assert fit_limit(held_out, train).ratio.value == pytest.approx(clean.value, rel=0.2)
    assert fit_limit(train, train).ratio == (0.5, 0.5, 0.5)  # nothing else is left


def test_what_scales_all_distances_changes_nothing():
    random = np.random.default_rng(5)
    train, samples, held_out = gaussian(random, 300, 4), gaussian(random, 200, 4), gaussian(random, 300, 4)
    one = copied(samples, train, fit_limit(held_out, train))
    two = copied(8 * samples + 1, 8 * train + 1, fit_limit(8 * held_out + 1, 8 * train + 1))
    np.testing.assert_allclose(two.ratio, one.ratio, rtol=1e-3)
    np.testing.assert_array_equal(two.nearest, one.nearest)


CASES = {
    "few dimensions": (2, 0.0, 1500, 1000),
    "few dimensions and copies": (2, 0.1, 300, 1000),
    "copies": (10, 0.3, 300, 200),
    "copies almost everywhere": (10, 0.9, 300, 200),
}


@pytest.mark.heavy
@pytest.mark.parametrize(("dimensions", "share", "size", "held_out"), CASES.values(), ids=CASES)
def test_the_interval_holds_the_expectation(dimensions, share, size, held_out):
    random = np.random.default_rng(6)
    train, estimates = gaussian(random, 300, dimensions), []
    for _ in range(200):
        samples = gaussian(random, size, dimensions)
        copies = random.random(size) < share
        samples[copies] = train[random.integers(300, size=copies.sum())] * 1.0001
        estimates.append(copied(samples, train, fit_limit(gaussian(random, held_out, dimensions), train)).share)
    expectation = np.mean([found.value for found in estimates])
    held = np.mean([found.low <= expectation <= found.high for found in estimates])
    assert 0.90 <= held <= 0.99, held
    if share:
        assert expectation == pytest.approx(share, abs=0.01)


def test_the_interval_of_no_copies_at_all_begins_at_zero():
    random = np.random.default_rng(7)
    train = gaussian(random, 300, 64)
    found = copied(gaussian(random, 300, 64), train, fit_limit(gaussian(random, 300, 64), train)).share
    assert found[:2] == (0, 0)
    assert found.high == pytest.approx(3.84 / 303.84, rel=1e-3)


def test_memorising_a_part_of_the_training_data_moves_it_up_by_more_than_its_interval():
    random = np.random.default_rng(8)
    train = gaussian(random, 1000)
    limit = fit_limit(gaussian(random, 1000), train)
    good = copied(gaussian(random, 1000), train, limit).share
    for share in (0.1, 0.5, 1.0):
        samples = gaussian(random, 1000)
        samples[: int(1000 * share)] = train[random.integers(1000, size=int(1000 * share))]
        assert copied(samples + 1e-2 * gaussian(random, 1000), train, limit).share.low > good.high
