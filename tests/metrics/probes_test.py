"""Probes of codes whose accuracy is known: separable, Gaussian and random ones."""

import math

import numpy as np
import pytest
from scipy import stats

from gengen.metrics.probes import PROBES, cluster_probe, linear_probe, nearest_probe, probe

K = 4


def blobs(seed, size, apart=8.0, dimensions=6):
    """Codes around one centre of each class at distance `apart` from all others, and their classes."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, K, size)
    return (apart / math.sqrt(2) * np.eye(K, dimensions)[labels] + random.normal(size=(size, dimensions))), labels


def test_every_probe_tells_classes_apart_that_lie_apart():
    found = probe(*blobs(0, 400), *blobs(1, 300), K)
    assert list(found) == list(PROBES)
    for name, estimate in found.items():
        assert estimate.value > 0.99, name


def test_no_probe_finds_more_in_random_codes_than_a_guess():
    random = np.random.default_rng(2)
    codes, labels = random.normal(size=(2000, 6)), random.integers(0, K, 2000)
    for name, estimate in probe(codes[:1000], labels[:1000], codes[1000:], labels[1000:], K).items():
        assert estimate.low < 1 / K < estimate.high, name


def test_the_linear_probe_of_two_gaussians_has_the_accuracy_of_bayes():
    random = np.random.default_rng(3)
    labels = random.integers(0, 2, 8000)
    codes = random.normal(size=(8000, 3)) + 2 * labels[:, None] * np.array([1.0, 0, 0])
    found = linear_probe(codes[:4000], labels[:4000], codes[4000:], labels[4000:])
    assert found.low < stats.norm.cdf(1) < found.high


def test_linear_and_clusters_miss_what_the_nearest_neighbour_finds():
    random = np.random.default_rng(4)
    codes = random.uniform(-1, 1, (3000, 2))
    labels = (codes[:, 0] * codes[:, 1] > 0).astype(int)
    found = probe(codes[:2000], labels[:2000], codes[2000:], labels[2000:], 2)
    assert found["nearest"].low > 0.95
    assert max(found["linear"].value, found["clusters"].value) < 0.7


def test_the_scale_of_each_coordinate_does_not_matter_to_the_linear_probe():
    (train, labels), (test, test_labels) = blobs(5, 300, apart=2), blobs(6, 300, apart=2)
    scales, offset = np.array([1e-3, 1, 1e3, 1, 1e-6, 10]), np.array([0, 5, 0, -3, 1, 0])
    expected = linear_probe(train, labels, test, test_labels)
    found = linear_probe(scales * train + offset, labels, scales * test + offset, test_labels)
    assert found.value == pytest.approx(expected.value, abs=0.01)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6])
def test_constant_coordinates_change_nothing(constant):
    (train, labels), (test, test_labels) = blobs(7, 300, apart=2), blobs(8, 200, apart=2)
    wider = [np.pad(codes, ((0, 0), (0, 1)), constant_values=constant) for codes in (train, test)]
    for name, estimate in probe(wider[0], labels, wider[1], test_labels, K).items():
        assert estimate.value == pytest.approx(probe(train, labels, test, test_labels, K)[name].value, abs=0.01)


def test_codes_that_are_all_equal_are_a_guess_without_a_warning():
    labels = np.arange(40) % K
    for name, estimate in probe(np.ones((40, 3)), labels, np.ones((20, 3)), labels[:20], K).items():
        assert estimate.value == 1 / K, name


def test_a_fit_that_takes_all_its_steps_does_not_warn():
    (train, labels), (test, test_labels) = blobs(9, 200), blobs(10, 200)
    assert linear_probe(train, labels, test, test_labels, penalty=1e-6, steps=2).value > 0.5


def test_the_nearest_probe_has_the_class_of_the_nearest_training_code():
    (train, labels), (test, test_labels) = blobs(11, 100, apart=2), blobs(12, 80, apart=2)
    indices = np.linalg.norm(test[:, None] - train, axis=2).argmin(1)
    assert nearest_probe(train, labels, test, test_labels).value == np.mean(labels[indices] == test_labels)


def test_two_clusters_are_never_matched_with_one_class():
    random = np.random.default_rng(13)
    centres = np.array([[0.0, 0], [20, 0], [0, 20], [20, 20]])
    own = random.integers(0, 4, 800)
    codes, labels = centres[own] + random.normal(size=(800, 2)), np.array([0, 1, 2, 2])[own]
    labels = np.where((own == 1) & (np.arange(800) % 2 == 0), 3, labels)  # half of a cluster is of a class of its own
    found = cluster_probe(codes, codes, labels, train_labels=labels, classes=4)
    # One of the two clusters of class 2 has to take class 3 or none of its images.
    best = max(
        np.mean(match[own] == labels) for match in np.array([[0, 1, 2, 3], [0, 1, 3, 2], [0, 3, 2, 1], [0, 3, 1, 2]])
    )
    assert found.value == best < 0.85


def test_clusters_are_the_same_each_time_and_of_any_order_of_the_labels():
    (train, labels), (test, test_labels) = blobs(14, 300, apart=3), blobs(15, 300, apart=3)
    order = np.array([2, 0, 3, 1])
    found = cluster_probe(train, test, test_labels, train_labels=labels, classes=K)
    assert found == cluster_probe(train, test, order[test_labels], train_labels=order[labels], classes=K)


def test_the_interval_is_that_of_a_share_of_the_held_out_images():
    (train, labels), (test, test_labels) = blobs(16, 300, apart=2), blobs(17, 400, apart=2)
    for name, found in probe(train, labels, test, test_labels, K).items():
        for end in (found.low, found.high):
            assert abs(end - found.value) == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / 400)), name


def test_what_cannot_be_probed_is_refused():
    train, labels = blobs(18, 50)
    with pytest.raises(ValueError, match="class"):
        linear_probe(train, np.zeros(50, int), train, labels)
    with pytest.raises(ValueError, match="labels lie in"):
        cluster_probe(train, train, labels, train_labels=labels + 1, classes=K)
    holes = np.where(np.arange(50)[:, None] == 3, np.nan, train)
    with pytest.raises(ValueError, match="NaN"):
        linear_probe(holes, labels, train, labels)
    with pytest.raises(ValueError, match="not finite"):
        nearest_probe(holes, labels, train, labels)
    with pytest.raises(ValueError, match="NaN"):
        cluster_probe(holes, train, labels, train_labels=labels, classes=K)
