"""Signs of health in closed form."""

import numpy as np
import pytest

from gengen.metrics import health

RANDOM = np.random.default_rng(0)
DATA = RANDOM.normal(size=(400, 3)).astype(np.float32) * np.float32([1, 2, 3]) + np.float32(5)
CENTRES = np.float32([[0, 0], [10, 0], [0, 10], [10, 10]])


@pytest.mark.parametrize("scale", [0.0, 0.25, 1.0, 7.0])
def test_the_spread_is_the_scale_of_what_is_shrunk_or_blown_up_wherever_it_lies(scale):
    assert health.spread(DATA * np.float32(scale) + 100, DATA) == pytest.approx(scale, abs=1e-4)


def test_the_movement_of_a_shift_is_its_length_in_deviations_of_the_data():
    moved = DATA + np.float32([3, 0, 4])
    assert health.movement(DATA, moved, DATA) == pytest.approx(5 / np.sqrt(DATA.var(0).sum()), rel=1e-5)
    assert health.movement(DATA, DATA, DATA) == 0


def test_the_nearest_is_found_far_from_the_origin():
    points, others = DATA[:100] + np.float32(1000), DATA[100:] + np.float32(1000)
    expected = np.linalg.norm(points[:, None].astype(np.float64) - others[None], axis=-1)
    apart, chosen = health.nearest(points, others)
    np.testing.assert_allclose(apart, expected.min(1), atol=0.005)
    np.testing.assert_array_equal(chosen, expected.argmin(1))


def test_clusters_of_points_far_apart_are_found():
    points = np.repeat(CENTRES, 50, 0) + RANDOM.normal(size=(200, 2)).astype(np.float32) / 10
    found = health.clusters(points, 4, seed=0)
    assert sorted(np.rint(found).astype(int).tolist()) == sorted(CENTRES.astype(int).tolist())
    assert len(health.clusters(np.ones((5, 2), np.float32), 3, seed=0)) == 3


def test_shares_count_the_nearest_centre_and_say_how_far_it_is():
    points = np.float32([[1, 0], [9, 0], [10, 2], [0, 10]])
    shares, apart = health.shares(points, CENTRES)
    np.testing.assert_array_equal(shares, [0.25, 0.5, 0.25, 0])
    np.testing.assert_allclose(apart, [1, 1, 2, 0], atol=1e-5)


def test_a_mode_is_covered_from_a_tenth_of_its_share_on_and_what_the_data_lack_does_not_count():
    of_data = np.array([0.5, 0.3, 0.2, 0.0])
    assert health.covered(np.array([0.91, 0.06, 0.03, 0.0]), of_data) == 1
    assert health.covered(np.array([0.97, 0.02, 0.01, 0.0]), of_data) == pytest.approx(1 / 3)


def test_what_is_exchanged_is_all_where_one_mode_takes_the_place_of_another_and_nothing_where_none_moves():
    one, other = np.array([1.0, 0, 0, 0]), np.array([0, 0.75, 0.25, 0])
    assert health.exchanged(one, other) == 1
    assert health.exchanged(other, other) == 0
    assert health.exchanged(other, np.array([0, 0.5, 0.5, 0])) == 0.25


def test_copies_are_training_examples_with_little_noise_and_fresh_examples_are_none():
    train, held_out, fresh = (RANDOM.normal(size=(100, 20)).astype(np.float32) for _ in range(3))
    noisy = train + np.float32(0.01)
    assert health.copies(noisy, train, held_out) == 1
    assert health.copies(fresh, train, held_out) == health.copies(held_out, train, held_out) == 0
    assert health.copies(np.concatenate([noisy, fresh]), train, held_out) == 0.5


def test_parameters_at_the_bound_are_those_that_clipping_changed():
    rounded = np.float32([0.01, -0.01, 0.0, 0.0099])
    assert health.at_bound([rounded, np.zeros((2, 2), np.float32)], 0.01) == 0.25


def test_what_changes_its_sign_is_flipped_however_far_it_moves():
    assert health.flipped(np.float32([1, -1, 1e-9, 2]), np.float32([9, 1e-9, -1, 2])) == 0.5


def test_the_update_is_relative_to_the_parameters_before():
    before = np.float32([3, 4])
    assert health.relative_update(before, before * 3) == pytest.approx(2)
    assert health.relative_update(before, before) == 0


def test_active_units_are_those_whose_means_differ_between_examples():
    means = np.stack([np.linspace(-1, 1, 50), np.full(50, 3.0), np.linspace(0, 0.1, 50), np.linspace(0, 9, 50)], 1)
    assert health.active_units(means) == 0.5
