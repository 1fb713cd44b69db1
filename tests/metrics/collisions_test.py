"""Near-duplicates against a loop over all pairs, the support against known ones, intervals against repeated samples."""

import math

import numpy as np
import pytest

from gengen.metrics.collisions import collision_probability, collisions, duplicate_radius, near_duplicates


def held(estimates, expectation):
    return np.mean([found.low <= expectation <= found.high for found in estimates])


def partners_of(counts, total):
    """Numbers of near-duplicates of samples [N], where each of some values was drawn so often [K], others once."""
    repeated = np.repeat(counts - 1, counts)
    return np.r_[repeated, np.zeros(total - len(repeated), int)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [3, 1500])
def test_near_duplicates_are_those_of_a_loop_over_all_pairs(size, dtype):
    points = np.random.default_rng(0).standard_normal((size, 3)).astype(dtype) + 100
    distances = np.linalg.norm(points[:, None].astype(np.float64) - points, axis=2)
    expected = (distances <= 0.2).sum(1) - 1
    np.testing.assert_array_equal(near_duplicates(points, 0.2), expected)
    found = collisions(points, 0.2).probability
    assert found.value == pytest.approx(expected.sum() / (size * (size - 1)))


def test_five_hundred_points_are_found_again():
    random = np.random.default_rng(1)
    points = random.standard_normal((500, 64))
    samples = points[random.integers(500, size=5000)] + 1e-3 * random.standard_normal((5000, 64))
    support = collisions(samples, duplicate_radius(points)).support
    assert support.low < 500 < support.high
    assert support.low > 480
    assert support.high < 520
    assert collisions(random.permutation(samples), duplicate_radius(points)).support == pytest.approx(support)


def test_without_a_near_duplicate_the_support_is_at_least_what_the_rule_of_three_says():
    found = collisions(np.random.default_rng(2).standard_normal((400, 64)), 0.1)
    pairs = 400 * 399 / 2
    assert found.probability == (0, 0, pytest.approx(3.84 / pairs, rel=1e-3))
    assert found.support == (math.inf, pytest.approx(pairs / 3.84, rel=1e-3), math.inf)


def test_one_image_alone_is_a_support_of_one():
    found = collisions(np.ones((300, 5)), 0.0)
    assert found.probability == (1, pytest.approx(300 / 307.7, rel=1e-3), 1)
    assert found.support.value == found.support.low == 1


def test_different_data_never_reach_the_radius_even_where_a_few_are_duplicates():
    random = np.random.default_rng(3)
    data = random.standard_normal((1000, 16)).astype(np.float32)
    radius = duplicate_radius(data)
    fresh = random.standard_normal((1000, 16)).astype(np.float32)
    assert collisions(fresh, radius).probability.value == 0
    exact = np.concatenate([data, data[:100]])
    nearly = np.concatenate([data, data[:4] + 1e-2])
    assert duplicate_radius(exact) == pytest.approx(radius, rel=0.1)
    assert duplicate_radius(nearly) == pytest.approx(radius, rel=0.1)
    assert near_duplicates(nearly, radius).sum() == 8
    assert duplicate_radius(3 * data + 7) == pytest.approx(3 * radius, rel=1e-3)
    assert duplicate_radius(np.ones((20, 4))) == 0


SUPPORTS = {
    "500 points": np.full(500, 1 / 500),
    "5000 points": np.full(5000, 1 / 5000),
    "a point with a tenth": np.r_[0.1, np.full(900, 0.001)],
    "half as often": 2 * np.arange(1, 1001) / 1000 / 1001,
    "all but a hundredth in a point": np.r_[0.99, np.full(100, 0.0001)],
}


@pytest.mark.parametrize("shares", SUPPORTS.values(), ids=SUPPORTS)
def test_the_interval_holds_the_probability(shares):
    random = np.random.default_rng(4)
    drawn = random.multinomial(1000, shares / shares.sum(), 200)
    estimates = [collision_probability(partners_of(counts, 1000)) for counts in drawn]
    assert 0.90 <= held(estimates, (shares**2).sum()) <= 0.99
    mean = np.mean([found.value for found in estimates])
    assert mean == pytest.approx((shares**2).sum(), rel=0.1)  # unbiased


@pytest.mark.parametrize("expected", [0.1, 1, 4])
def test_the_interval_holds_the_probability_where_there_are_few_collisions_or_none(expected):
    random = np.random.default_rng(5)
    points = int(300 * 299 / 2 / expected)
    drawn = [np.unique(random.integers(points, size=300), return_counts=True)[1] for _ in range(200)]
    # So few are so discrete that more than 99 % may hold.
    assert held([collision_probability(partners_of(counts, 300)) for counts in drawn], 1 / points) >= 0.90


def test_every_fault_moves_it_up_by_more_than_its_interval():
    random = np.random.default_rng(6)
    data = random.standard_normal((1000, 32))
    radius, fresh = duplicate_radius(data), random.standard_normal((1000, 32))
    good = collisions(fresh, radius)
    faults = {
        "a collapse": np.tile(fresh[:1], (1000, 1)),
        "a partial collapse": np.concatenate([fresh[:900], np.tile(fresh[:1], (100, 1))]),
        "duplicates": np.tile(fresh[:500], (2, 1)),
        "duplicates with noise": np.tile(fresh[:200], (5, 1)) + 1e-2 * random.standard_normal((1000, 32)),
    }
    for name, samples in faults.items():
        found = collisions(samples, radius)
        assert found.probability.low > good.probability.high, name
        assert found.support.high < good.support.low, name
