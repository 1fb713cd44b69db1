"""Continuity and completeness of latent spaces whose values are known."""

import numpy as np
import pytest

from gengen.metrics.regularity import completeness, continuity


def lines(random, walks, steps, dimensions=7):
    """Straight walks from one point to another at even steps."""
    ends = random.normal(size=(2, walks, 1, dimensions))
    indices = np.linspace(0, 1, steps + 1)[None, :, None]
    return (1 - indices) * ends[0] + indices * ends[1]


def test_a_line_is_continuous_and_so_is_a_walk_without_change():
    random = np.random.default_rng(0)
    assert continuity(lines(random, 20, 8)) == pytest.approx((1, 1, 1))
    assert continuity(np.full((5, 9, 3), 0.1)) == (1, 1, 1)


@pytest.mark.parametrize("steps", [1, 8, 20])
def test_a_jump_counts_as_many_as_there_are_steps(steps):
    random = np.random.default_rng(1)
    indices = random.integers(1, steps + 1, (30, 1, 1))
    jumps = np.where(np.arange(steps + 1)[None, :, None] >= indices, random.normal(size=(30, 1, 4)), 0)
    assert continuity(jumps) == pytest.approx((steps, steps, steps))


def test_a_walk_on_a_parabola_has_the_ratio_of_its_longest_step():
    walk = np.linspace(0, 1, 11)[:, None] ** 2
    assert continuity(np.stack([walk, walk[::-1]])).value == pytest.approx((1 - 0.9**2) / 0.1)


def test_neither_scale_nor_offset_nor_direction_of_the_walks_matters():
    walks = np.random.default_rng(2).normal(size=(10, 6, 3)).cumsum(1)
    assert continuity(-7 * walks[:, ::-1] + 3) == pytest.approx(continuity(walks))


def test_the_sharper_the_change_the_higher():
    random = np.random.default_rng(3)
    positions = lines(random, 50, 16, 1)
    values = [continuity(np.tanh(sharpness * positions)).value for sharpness in (0.1, 1, 3, 30)]
    assert values == sorted(values) and values[0] < 1.1 and values[-1] > 8


def test_the_interval_holds_the_expectation_over_fresh_walks():
    random = np.random.default_rng(4)
    estimates = [continuity(random.normal(size=(40, 9, 5))) for _ in range(300)]
    mean = np.mean([found.value for found in estimates])
    assert 0.91 <= np.mean([found.low <= mean <= found.high for found in estimates]) <= 0.985


@pytest.mark.parametrize("shape", [(1, 5, 3), (5, 1, 3), (5, 3)])
def test_too_few_walks_or_steps_are_refused(shape):
    with pytest.raises(ValueError, match="at least two walks"):
        continuity(np.zeros(shape))


def test_walks_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        continuity(np.full((2, 3, 4), np.inf))


def test_completeness_is_the_share_of_sure_samples():
    probabilities = np.array([[0.95, 0.05], [0.5, 0.5], [0.02, 0.98], [0.7, 0.3]], np.float32)
    found = completeness(np.log(probabilities))
    assert found.value == 0.5 and 0 < found.low < 0.5 < found.high < 1
    assert completeness(np.log(probabilities), least=0.6).value == 0.75
    assert completeness(np.log(probabilities), least=0.5).value == 1


@pytest.mark.parametrize("least", [0.0, 1.1])
def test_a_least_probability_that_is_none_is_refused(least):
    with pytest.raises(ValueError, match="must be in"):
        completeness(np.zeros((3, 1)), least=least)
