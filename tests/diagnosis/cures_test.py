"""What is changed of a run that fell ill depends on its values alone, and lets the critic keep up."""

import pytest

from gengen.diagnosis.cures import CRITIC, CURED, GENERATOR, MOVES, cure
from gengen.diagnosis.illnesses import ILLNESSES


def values(generator, critic, moves=1):
    return {GENERATOR: generator, CRITIC: critic, MOVES: moves}


@pytest.mark.parametrize(
    ("before", "finite", "changed"),
    [
        (values(1e-3, 1e-6), True, {CRITIC: 1e-3}),
        (values(1e-3, 1e-3), True, {GENERATOR: 1e-4}),
        (values(1e-4, 1e-3), True, {GENERATOR: 1e-5}),
        (values(1e-3, 1e-6, 3), True, {MOVES: 1}),
        (values(1e-3, 1e-3, 3), False, {GENERATOR: 1e-4, CRITIC: 1e-4}),
    ],
    ids=["a slow critic", "a critic as fast", "a faster critic", "many moves", "no number"],
)
def test_what_is_changed_lets_the_critic_keep_up(before, finite, changed):
    assert cure(before, finite=finite) == pytest.approx(changed)


def test_three_cures_of_a_generator_that_is_too_fast_in_every_way_are_three_others():
    now = values(1e-2, 1e-5, 10)
    keys = []
    for _ in range(3):
        changed = cure(now)
        keys.append([*changed])
        now |= changed
    assert keys == [[MOVES], [CRITIC], [GENERATOR]]
    assert now == pytest.approx(values(1e-3, 1e-2, 1))


def test_what_has_a_cure_is_an_illness():
    assert {illness.name for illness in ILLNESSES} >= set(CURED)
