"""The Fréchet distance against closed forms, and its interval against repeated samples."""

import numpy as np
import pytest
from scipy import linalg

from gengen.metrics import frechet
from gengen.metrics.frechet import distance, frechet_distance, moments


def gaussian(seed, size, dimensions, *, shift=0.0, scale=1.0):
    return np.random.default_rng(seed).normal(size=(size, dimensions)) * scale + shift


def exactly(features, mean, covariance):
    """Moves features so that their sample moments are what is asked for."""
    white = features - features.mean(0)
    white = white @ linalg.inv(linalg.cholesky(np.cov(white.T))).astype(np.float64)
    return white @ linalg.cholesky(covariance) + mean


def covariance_of(seed, dimensions):
    root = np.random.default_rng(seed).normal(size=(dimensions, dimensions))
    return root @ root.T + np.eye(dimensions)


def test_the_distance_of_two_gaussians_in_one_dimension_is_that_of_their_means_and_deviations():
    a = exactly(gaussian(0, 50, 1), 1.0, np.array([[4.0]]))
    b = exactly(gaussian(1, 70, 1), -2.0, np.array([[9.0]]))
    assert frechet_distance(a, b).value == pytest.approx(3.0**2 + (2 - 3) ** 2, rel=1e-9)


def test_the_distance_is_the_closed_form_of_a_matrix_square_root():
    first, second = covariance_of(0, 6), covariance_of(1, 6)
    a, b = exactly(gaussian(0, 80, 6), 0.5, first), exactly(gaussian(1, 90, 6), 0.0, second)
    expected = 6 * 0.25 + np.trace(first + second - 2 * linalg.sqrtm(first @ second).real)
    assert frechet_distance(a, b).value == pytest.approx(expected, rel=1e-8)


def test_it_is_a_distance_between_distributions():
    a, b = gaussian(0, 300, 5), gaussian(1, 200, 5, shift=0.4, scale=1.5)
    value = frechet_distance(a, b).value
    turn = linalg.qr(gaussian(2, 5, 5))[0]
    assert frechet_distance(b, a).value == pytest.approx(value, rel=1e-9)
    assert frechet_distance(a @ turn + 7, b @ turn + 7).value == pytest.approx(value, rel=1e-9)
    assert frechet_distance(3 * a, 3 * b).value == pytest.approx(9 * value, rel=1e-9)
    assert frechet_distance(a, a).value == pytest.approx(0, abs=1e-6)


def test_streamed_moments_are_those_of_all_examples(monkeypatch):
    features = gaussian(0, 1000, 4, shift=1e4).astype(np.float32)
    whole = moments(features)
    monkeypatch.setattr(frechet, "CHUNK", 64)
    streamed = moments(features[:301]) + moments(features[301:])
    np.testing.assert_allclose(streamed.mean, features.mean(0, dtype=np.float64), rtol=1e-12)
    np.testing.assert_allclose(streamed.covariance, np.cov(features.T.astype(np.float64)), rtol=1e-9)
    assert distance(whole, streamed) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("size", "other"), [(10, 12), (10, 200), (200, 10)])
def test_fewer_examples_than_dimensions_are_stable(size, other):
    a, b = gaussian(0, size, 40), gaussian(1, other, 40)
    found = frechet_distance(a, b)
    first, second = (np.cov(x.T) for x in (a, b))
    root = linalg.sqrtm(first @ second + 0j).real
    expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(first + second) - 2 * np.trace(root)
    assert found.value == pytest.approx(expected, rel=1e-3)  # the reference root is the one that is not exact
    assert np.isfinite(found).all()
    assert found.low < found.value < found.high


def test_one_image_repeated_is_as_far_as_the_spread_of_the_data():
    a = gaussian(0, 400, 5)
    found = frechet_distance(a, np.tile(a[:1], (100, 1)))
    assert found.value == pytest.approx(np.sum((a[0] - a.mean(0)) ** 2) + np.trace(np.cov(a.T)), rel=1e-9)


def test_one_example_is_refused():
    with pytest.raises(ValueError, match="1 examples have no covariance"):
        frechet_distance(gaussian(0, 1, 3), gaussian(1, 10, 3))


CENTRES = np.random.default_rng(2).normal(size=(5, 16)) * 2
MIXING = np.random.default_rng(1).normal(size=(6, 16))


def mixture(random, size, modes=5):
    return CENTRES[random.integers(modes, size=size)] + random.normal(size=(size, 16)) * 0.5


def rectified(random, size):
    """Skewed and correlated, as the features of a network are."""
    return np.maximum(random.normal(size=(size, 6)) @ MIXING + 0.3 * random.normal(size=(size, 16)), 0)


DRAWS = {
    "equal": (mixture, mixture),
    "a mode dropped": (mixture, lambda random, size: mixture(random, size, modes=4)),
    "a little noise": (mixture, lambda random, size: mixture(random, size) * 1.05 + 0.05),
    "skewed and equal": (rectified, rectified),
}


@pytest.mark.heavy
@pytest.mark.parametrize("draws", DRAWS.values(), ids=DRAWS)
def test_the_interval_holds_the_expectation_at_these_sample_sizes(draws):
    random = np.random.default_rng(7)
    found = [frechet_distance(draws[0](random, 400), draws[1](random, 200)) for _ in range(200)]
    expectation = np.mean([estimate.value for estimate in found])
    held = np.mean([estimate.low <= expectation <= estimate.high for estimate in found])
    assert 0.90 <= held <= 0.99, held


def test_every_fault_moves_it_up_by_more_than_its_interval():
    random = np.random.default_rng(3)
    reference, good = mixture(random, 2000), frechet_distance(mixture(random, 2000), mixture(random, 2000))
    faults = {
        "collapse": np.tile(mixture(random, 1), (2000, 1)),
        "dropped": mixture(random, 2000, modes=4),
        "noise": mixture(random, 2000) + random.normal(size=(2000, 16)) * 0.5,
        "duplicates": np.tile(mixture(random, 20), (100, 1)),
    }
    for name, samples in faults.items():
        assert frechet_distance(reference, samples).low > good.high, name
