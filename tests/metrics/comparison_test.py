"""Samples against real images by all scores, on arrays: how often alike ones are told apart, and what faults do."""

import jax
import numpy as np
import pytest
from scipy import stats

from gengen.metrics.comparison import compare
from gengen.metrics.difference import told_apart
from gengen.metrics.examples import Examples, Real
from gengen.metrics.frechet import frechet_difference, frechet_distance
from gengen.metrics.kernel import kernel_difference, kernel_distance
from gengen.metrics.measures import labels_of, measure
from gengen.metrics.precision_recall import manifold_differences, manifold_scores
from gengen.metrics.scores import AS_REAL, SCORES, available

FEATURES, CLASSES, TRAINING, HELD_OUT = 8, 4, 240, 160
TEACH = np.random.default_rng(9).normal(size=(FEATURES, CLASSES))
NAMES = [
    name
    for name in available(probabilities=True, labels=True, pairs=True, asked=True)
    if SCORES[name].better != AS_REAL
]


def images_of(features, random):
    """What a perfect classifier says of Gaussian features that are also the points."""
    logits = (features @ TEACH).astype(np.float32)
    log_probabilities = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    asked = (log_probabilities + random.gumbel(size=logits.shape)).argmax(1)
    nothing = np.zeros((len(features), 1, 1, 1), np.uint8)
    return Examples(nothing, features, features, log_probabilities, log_probabilities, asked=asked)


def draw(random, number):
    spread = np.linspace(0.5, 1.5, FEATURES)
    return (random.normal(size=(number, FEATURES)) * spread).astype(np.float32)


@pytest.fixture(scope="module")
def compared():
    """Returns `(seed, change of the samples' features) -> the scores of samples beside those of real images`."""

    def run(seed, change=lambda features: features):
        random = np.random.default_rng(seed)
        training, reference, fresh = (draw(random, size) for size in (TRAINING, HELD_OUT, TRAINING))
        train = images_of(training, random)
        counts = np.bincount(labels_of(train), minlength=CLASSES)
        real = Real(images_of(reference, random), training, counts)
        indices = random.permutation(TRAINING)
        floor = jax.tree.map(lambda field: field[indices], train)._replace(indices=indices)
        samples = images_of(change(fresh), random)
        return compare(real, samples, floor, measure(real, samples, NAMES), measure(real, floor, NAMES))

    return run


def told(compared):
    return told_apart({name: found.difference for name, found in compared.items()})


@pytest.mark.heavy
@pytest.mark.input(
    "Judging",
    "samples that are as good as real images",
    "taken",
    "in at most one of twenty repetitions any score tells them from real images, however many scores are looked at",
)
@pytest.mark.slow
@pytest.mark.parametrize("repeats", [40, 200])
def test_samples_as_good_as_real_images_are_told_apart_in_at_most_one_of_twenty_cases(compared, repeats):
    alarms = sum(bool(told(compared(seed))) for seed in range(repeats))
    assert alarms <= stats.binom.ppf(0.95, repeats, 0.05)


def test_every_score_with_a_direction_is_compared(compared):
    assert list(compared(0)) == NAMES
    assert len(NAMES) == 11


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (lambda features: features * np.float32(0.7), {"recall", "coverage", "frechet_distance"}),
        (lambda features: features + np.float32(0.35), {"frechet_distance", "kernel_distance", "class_divergence"}),
        (lambda features: features[np.arange(len(features)) % 20], {"collisions"}),
    ],
    ids=["narrow", "shifted", "repeated"],
)
def test_a_fault_is_told_by_the_score_that_sees_it(compared, change, first):
    found = told(compared(1, change))
    assert found[0] in first


@pytest.fixture(scope="module")
def sets():
    random = np.random.default_rng(3)
    reference, samples, floor = (draw(random, size) for size in (150, 300, 300))
    return reference, samples * np.float32(1.1), floor


def test_paired_differences_are_those_of_the_scores(sets):
    reference, samples, floor = sets
    value, _ = frechet_difference(reference, samples, floor)
    apart = [frechet_distance(reference, generated).value for generated in (samples, floor)]
    assert value == pytest.approx(apart[0] - apart[1])
    kernel, *_ = kernel_difference(reference, samples, floor)
    apart = [kernel_distance(reference, generated).value for generated in (samples, floor)]
    assert kernel == pytest.approx(apart[0] - apart[1])
    for name, (found, *_) in manifold_differences(reference, samples, floor).items():
        apart = [getattr(manifold_scores(reference, generated), name).value for generated in (samples, floor)]
        assert found == pytest.approx(apart[0] - apart[1])


def test_a_reference_in_common_makes_differences_surer_than_two_intervals_do():
    random = np.random.default_rng(4)
    found = []
    for _ in range(60):
        reference, samples, floor = draw(random, 80), draw(random, 600), draw(random, 600)
        found.append((*frechet_difference(reference, samples, floor), frechet_distance(reference, floor)))
    values, variances, alone = zip(*found, strict=True)
    assert np.mean(variances) == pytest.approx(np.var(values), rel=0.5)
    half = np.mean([(estimate.high - estimate.low) / 2 for estimate in alone])
    assert 1.96 * np.mean(variances) ** 0.5 < 0.6 * 2**0.5 * half


def test_samples_and_floor_of_different_sizes_meet_the_same_blocks(sets):
    reference, samples, floor = sets
    expected = kernel_difference(reference, samples[:90], floor[:90])
    assert kernel_difference(reference, samples[:90], floor) == expected
    with pytest.raises(ValueError, match="make one block"):
        kernel_difference(reference, samples[:7], floor)
