"""Precision, recall, density and coverage against their definitions, repeated samples and planted faults."""

import jax
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gengen.metrics import balls
from gengen.metrics.precision_recall import ManifoldScores, manifold_scores

REAL, FAKE = 160, 192
"""Sizes that most tests share, so that they are compiled once."""

CENTRES = np.random.default_rng(1).normal(size=(5, 8)) * 2


def mixture(random, size, modes=5):
    return (CENTRES[random.integers(modes, size=size)] + random.normal(size=(size, 8)) * 0.5).astype(np.float32)


def gaussian(random, size, shift=0.0, scale=1.0, dimensions=4):
    return (random.normal(size=(size, dimensions)) * scale + shift).astype(np.float32)


def values(scores):
    return [estimate.value for estimate in scores]


def by_definition(x, y, precision_k=3, density_k=5):
    def radii(points, k):
        return np.sort(cdist(points, points), 1)[:, k]

    across = cdist(x, y)
    in_balls = across <= radii(x, density_k)[:, None]
    return [
        (across <= radii(x, precision_k)[:, None]).any(0).mean(),
        (across <= radii(y, precision_k)[None]).any(1).mean(),
        in_balls.sum() / (density_k * len(y)),
        in_balls.any(1).mean(),
    ]


@pytest.mark.parametrize(
    ("size", "other", "dtype", "ks"), [(131, 77, np.float64, (3, 5)), (REAL, FAKE, np.float32, (1, 7))]
)
def test_they_are_their_definitions(size, other, dtype, ks):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(size, 4)).astype(dtype), (random.normal(size=(other, 4)) * 0.8 + 0.3).astype(dtype)
    found = values(manifold_scores(x, y, precision_k=ks[0], density_k=ks[1]))
    np.testing.assert_allclose(found, by_definition(x, y, *ks), rtol=1e-12)


def test_points_on_the_edge_of_a_ball_lie_in_it():
    x, y = np.zeros((REAL, 4), np.float32), np.zeros((FAKE, 4), np.float32)
    x[:, 0], y[:, 0] = np.arange(REAL), np.arange(FAKE) - 16  # on a line, where distances are exact, with ties
    found = manifold_scores(x, y)
    np.testing.assert_allclose(values(found), by_definition(x, y), rtol=1e-12)
    assert found.precision.value == (REAL + 6) / FAKE  # the balls at both ends have radius 3


def test_identical_sets_are_wholly_within_each_other():
    x = gaussian(np.random.default_rng(0), REAL)
    found = manifold_scores(x, np.concatenate([x[::-1], x[: FAKE - REAL]]))
    for share in (found.precision, found.recall, found.coverage):
        assert share.value == share.high == 1
        assert 0.9 < share.low < 1


def test_copies_of_few_points_are_at_distance_zero_of_each_other():
    few = gaussian(np.random.default_rng(0), 20, shift=50.0)
    found = manifold_scores(np.tile(few, (8, 1)), np.tile(few[:12], (16, 1)))  # every ball has radius 0
    assert values(found) == pytest.approx([1, 0.6, 8 / 5, 0.6])


def test_far_sets_have_nothing_in_common():
    random = np.random.default_rng(0)
    found = manifold_scores(gaussian(random, REAL), gaussian(random, FAKE, shift=1e3))
    assert values(found) == [0, 0, 0, 0]
    for share in (found.precision, found.recall, found.coverage):
        assert 0 == share.low < share.high < 0.05


def test_a_collapse_to_the_mean_of_the_data_is_no_hit_of_what_fills_the_last_chunk():
    half = gaussian(np.random.default_rng(0), REAL // 2, shift=10.0)  # two clusters of mean 0, and nothing there
    found = manifold_scores(np.concatenate([half, -half]), np.zeros((FAKE, 4), np.float32))
    assert values(found) == [0, 0, 0, 0]


def test_precision_is_the_share_of_generated_samples_and_recall_that_of_the_reference():
    random = np.random.default_rng(0)
    wide, narrow = gaussian(random, REAL), gaussian(random, FAKE, scale=0.3)
    found = manifold_scores(wide, narrow)
    assert found.precision.low > 0.85
    assert found.recall.high < 0.5
    swapped = manifold_scores(narrow, wide)
    assert (swapped.precision.value, swapped.recall.value) == (found.recall.value, found.precision.value)


def test_moving_and_scaling_both_sets_changes_nothing():
    random = np.random.default_rng(0)
    x, y = (np.round(gaussian(random, size, scale=4096)) / 4096 for size in (REAL, FAKE))  # exact when moved
    expected = manifold_scores(x, y)
    for moved in (manifold_scores(x + 1024, y + 1024), manifold_scores(x / 1024, y / 1024)):
        np.testing.assert_allclose(moved, expected, rtol=1e-6)


def test_chunks_change_neither_value_nor_interval():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(131, 4)), random.normal(size=(77, 4))
    np.testing.assert_allclose(manifold_scores(x, y, rows=19), manifold_scores(x, y), rtol=1e-12)


def test_the_seed_changes_the_interval_alone():
    random = np.random.default_rng(0)
    x, y = gaussian(random, REAL), gaussian(random, FAKE)
    one, other = manifold_scores(x, y, seed=1), manifold_scores(x, y, seed=2)
    assert one == manifold_scores(x, y, seed=1)
    assert values(one) == values(other)
    assert one != other


@pytest.mark.parametrize("dense", [0, 1], ids=["all pairs", "near pairs"])
def test_halves_cut_by_halves_are_scored_as_if_alone(monkeypatch, dense):
    monkeypatch.setattr(balls, "DENSE", dense)
    random = np.random.default_rng(0)
    x, y = random.normal(size=(131, 4)), random.normal(size=(77, 4))
    subsets = balls.subsets()
    at_x, at_y = (subsets[:, np.arange(len(points)) % 16] for points in (x, y))
    with jax.enable_x64(True):
        radii = balls.radii(x, subsets, ks=(3, 5), rows=1024)
        radii += balls.radii(y, subsets, ks=(3,), rows=1024)
        inside, counts, recalled, covered = balls.terms(x, y, subsets, *map(np.asarray, radii), rows=50)
    for half, (a, b) in enumerate(zip(at_x, at_y, strict=True)):
        found = [inside[half, b].mean(), recalled[half, a].mean(), counts[half, b].mean() / 5, covered[half, a].mean()]
        np.testing.assert_allclose(found, by_definition(x[a], y[b]), rtol=1e-12)
    signs = subsets[1::2].astype(int) - subsets[2::2]
    np.testing.assert_array_equal(signs @ signs.T, 16 * np.eye(15))
    assert subsets[0].all()


@pytest.mark.parametrize(("sizes", "k", "least"), [((15, 99), 5, 32), ((99, 31), 5, 32), ((99, 47), 16, 48)])
def test_too_few_samples_are_refused(sizes, k, least):
    x, y = (np.zeros((size, 2), np.float32) for size in sizes)
    with pytest.raises(ValueError, match=f"{sizes[0]} reference and {sizes[1]} generated samples.*{least}"):
        manifold_scores(x, y, density_k=k)


DRAWS = {
    "equal": lambda random, size: gaussian(random, size),
    "narrow": lambda random, size: gaussian(random, size, scale=0.7),
    "apart": lambda random, size: gaussian(random, size, shift=0.5),
}


@pytest.mark.heavy
@pytest.mark.parametrize(
    "draw",
    [DRAWS[name] if name == "equal" else pytest.param(DRAWS[name], marks=pytest.mark.slow) for name in DRAWS],
    ids=DRAWS,
)
def test_the_intervals_hold_the_expectations(draw):
    random = np.random.default_rng(5)
    found = np.array([manifold_scores(gaussian(random, REAL), draw(random, FAKE)) for _ in range(200)])
    expectation = found[:, :, 0].mean(0)
    held = ((found[:, :, 1] <= expectation) & (expectation <= found[:, :, 2])).mean(0)
    for name, share in zip(ManifoldScores._fields, held, strict=True):
        assert 0.90 <= share <= 0.99, (name, held)


FAULTS = {
    "collapse": (lambda random: np.tile(mixture(random, 1), (1000, 1)), ["recall", "coverage"], []),
    "dropped": (lambda random: mixture(random, 1000, modes=4), ["recall", "coverage"], ["precision", "density"]),
    "noise": (
        lambda random: mixture(random, 1000) + random.normal(size=(1000, 8)).astype(np.float32),
        ["precision", "density", "coverage"],
        [],
    ),
    "duplicates": (lambda random: np.tile(mixture(random, 20), (50, 1)), ["recall", "coverage"], ["precision"]),
}
"""Samples with a fault, the scores that must fall, and those that must not see it."""


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_moves_its_scores_down_by_more_than_their_intervals(fault):
    random = np.random.default_rng(3)
    draw, fall, stay = FAULTS[fault]
    reference = mixture(random, 1000)
    good, bad = (manifold_scores(reference, y)._asdict() for y in (mixture(random, 1000), draw(random)))
    for name in fall:
        assert bad[name].high < good[name].low, name
    for name in stay:
        assert bad[name].low < good[name].value < bad[name].high, name
