"""The kernel distance against its definition, its expectation, and planted faults."""

import itertools

import jax
import numpy as np
import pytest

from gengen.metrics import kernel
from gengen.metrics.kernel import kernel_distance, kernel_distance_of_subsets, squared_mmd

CENTRES = np.random.default_rng(1).normal(size=(5, 8))


def mixture(random, size, modes=5):
    return CENTRES[random.integers(modes, size=size)] + random.normal(size=(size, 8)) * 0.5


def by_definition(x, y, degree=3):
    def k(a, b):
        return (a @ b / len(a) + 1) ** degree

    def within(points):
        return np.mean([k(a, b) for a, b in itertools.permutations(points, 2)])

    return within(x) + within(y) - 2 * np.mean([k(a, b) for a, b in itertools.product(x, y)])


@pytest.mark.parametrize(("size", "other"), [(7, 7), (5, 9)])
@pytest.mark.parametrize("degree", [1, 3])
def test_it_is_its_definition(size, other, degree):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(size, 4)), random.normal(size=(other, 4)) + 0.5
    assert squared_mmd(x, y, degree=degree) == pytest.approx(by_definition(x, y, degree), rel=1e-12)


def test_the_distance_of_a_set_to_itself_is_what_its_own_diagonal_lacks():
    x = np.random.default_rng(0).normal(size=(20, 3))
    matrix = (x @ x.T / 3 + 1) ** 3
    own = np.trace(matrix) / 20
    others = (matrix.sum() - np.trace(matrix)) / (20 * 19)
    assert squared_mmd(x, x) == pytest.approx(2 * (others - own) / 20, rel=1e-12)


def test_its_mean_over_all_samples_is_the_distance_of_the_moments():
    # In one dimension (x y + 1)^3 = 1 + 3 x y + 3 x^2 y^2 + x^3 y^3: it compares three moments.
    first, second = np.array([0.0, 1.0, 3.0]), np.array([-1.0, 2.0])
    samples = [[np.array(s)[:, None] for s in itertools.product(values, repeat=2)] for values in (first, second)]
    mean = np.mean([squared_mmd(x, y) for x in samples[0] for y in samples[1]])
    gaps = [(np.mean(first**power) - np.mean(second**power)) ** 2 for power in (1, 2, 3)]
    assert mean == pytest.approx(3 * gaps[0] + 3 * gaps[1] + gaps[2], rel=1e-12)


def test_its_mean_is_zero_where_both_distributions_are_equal():
    random = np.random.default_rng(0)
    values = [squared_mmd(mixture(random, 10), mixture(random, 10)) for _ in range(500)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(500)
    assert np.min(values) < 0


def test_features_in_float32_are_computed_in_float64():
    random = np.random.default_rng(0)
    x, y = (random.normal(size=(50, 4)).astype(np.float32) + np.float32(30) for _ in range(2))
    assert squared_mmd(x, y) == pytest.approx(by_definition(x.astype(np.float64), y.astype(np.float64)), rel=1e-6)


def test_subsets_are_rows_of_both_sets():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(12, 3)), random.normal(size=(15, 3))
    rows, others = np.array([[0, 3, 5], [11, 2, 7]]), np.array([[14, 1, 0], [3, 4, 9]])
    found = kernel_distance_of_subsets(x, y, rows, others)
    expected = [squared_mmd(x[a], y[b]) for a, b in zip(rows, others, strict=True)]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("size", "other", "block", "shape"),
    [(7, 9, 1000, (1, 7)), (35, 20, 1000, (5, 4)), (101, 150, 1000, (10, 10)), (120, 100, 8, (13, 7))],
)
def test_it_is_the_mean_over_disjoint_blocks_as_many_as_said(monkeypatch, size, other, block, shape):
    blocks = []

    def record(x, y, degree):
        blocks.append((x, y))
        return with_variance(x, y, degree)

    with_variance = kernel._with_variance
    monkeypatch.setattr(kernel, "_with_variance", record)
    random = np.random.default_rng(0)
    found = kernel_distance(random.normal(size=(size, 2)), random.normal(size=(other, 2)), block=block)
    for parts in zip(*blocks, strict=True):
        points = np.stack(parts)
        assert points.shape == (*shape, 2)
        assert len(np.unique(points)) == points.size
    assert found.value == pytest.approx(np.mean([squared_mmd(x, y) for x, y in blocks]), rel=1e-9)


def test_the_variance_of_a_block_is_estimated_without_bias():
    samples = [np.array(sample)[:, None] for sample in itertools.product((0.0, 1.0), repeat=4)]
    others = [np.array(sample)[:, None] for sample in itertools.product((-1.0, 0.5), repeat=4)]
    values, estimates = [], []
    for x, y in itertools.product(samples, others):
        h = (x @ x.T + 1) ** 3 + (y @ y.T + 1) ** 3 - (x @ y.T + 1) ** 3 - (y @ x.T + 1) ** 3
        values.append((h.sum() - np.trace(h)) / 12)
        with jax.enable_x64(True):
            _, bias, linear, quadratic = np.asarray(kernel._with_variance(x, y, 3))
        estimates.append(linear + quadratic)
        with_equal_pairs = np.mean((x @ x.T + 1) ** 3 + (y @ y.T + 1) ** 3 - 2 * (x @ y.T + 1) ** 3)
        assert squared_mmd(x, y) + bias == pytest.approx(with_equal_pairs, abs=1e-12)
    assert np.mean(estimates) == pytest.approx(np.var(values), rel=1e-12)


def test_the_same_seed_gives_the_same_blocks():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(40, 3)), random.normal(size=(40, 3))
    assert kernel_distance(x, y, seed=1) == kernel_distance(x, y, seed=1)
    assert kernel_distance(x, y, seed=1) != kernel_distance(x, y, seed=2)


def test_too_few_samples_are_refused():
    x = np.zeros((5, 2))
    with pytest.raises(ValueError, match="3 samples in blocks of at most 1000"):
        kernel_distance(x[:3], x)
    with pytest.raises(ValueError, match="5 samples in blocks of at most 3"):
        kernel_distance(x, x, block=3)
    with pytest.raises(ValueError, match="1 and 5 samples"):
        squared_mmd(x[:1], x)


DRAWS = {
    "equal": mixture,
    "a mode dropped": lambda random, size: mixture(random, size, modes=4),
    "apart": lambda random, size: mixture(random, size) + 0.5,
    "far apart": lambda random, size: mixture(random, size) + 2,
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("scale", [1.0, 2.0])  # the larger the features, the more do few pairs weigh
def test_the_interval_holds_the_expectation(draw, scale):
    random = np.random.default_rng(5)
    found = [kernel_distance(scale * mixture(random, 100), scale * draw(random, 120)) for _ in range(200)]
    expectation = 0.0 if draw is mixture else np.mean([estimate.value for estimate in found])
    held = np.mean([estimate.low <= expectation <= estimate.high for estimate in found])
    assert 0.90 <= held <= 0.99, held


def test_every_fault_moves_it_up_by_more_than_its_interval():
    random = np.random.default_rng(3)
    reference, good = mixture(random, 2000), kernel_distance(mixture(random, 2000), mixture(random, 2000))
    faults = {
        "collapse": np.tile(mixture(random, 1), (2000, 1)),
        "dropped": mixture(random, 2000, modes=4),
        "noise": mixture(random, 2000) + random.normal(size=(2000, 8)),
        "duplicates": np.tile(mixture(random, 20), (100, 1)),
    }
    for name, generated in faults.items():
        assert kernel_distance(reference, generated).low > good.high, name
