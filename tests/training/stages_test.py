"""Spans of stages against a step-by-step account, for every place at which a run may begin and end."""

import itertools

import pytest

from gengen.core.model import GenerativeModel, Stage
from gengen.training.loop import windows
from gengen.training.stages import spans


def step(key, state, batch, *, phase=None):
    """What is trained does not matter here."""


def model(*starts, period=1):
    stages = tuple(Stage(start, step, period=index) for index, start in enumerate(starts, start=2))
    return GenerativeModel(lambda key, batch: None, step, period, stages)


@pytest.mark.parametrize("starts", [(), (3,), (1, 6), (4, 4), (2, 5, 9), (50,)])
def test_every_step_is_trained_once_by_the_stage_that_began_last(starts):
    for first, last in itertools.combinations_with_replacement(range(12), 2):
        cut = list(spans(model(*starts), first, last))
        trained = [(number, span.stage.start) for span in cut for number in range(span.first, span.last)]
        assert trained == [
            (number, max(start for start in (0, *starts) if start <= number)) for number in range(first, last)
        ]
        assert all(span.first < span.last for span in cut)


@pytest.mark.parametrize("starts", [(), (3,), (1, 6), (2, 5, 9)])
def test_a_stage_is_entered_by_whoever_trains_its_first_step_and_by_nobody_else(starts):
    for first, last in itertools.combinations_with_replacement(range(12), 2):
        entered = [span.stage.start for span in spans(model(*starts), first, last) if span.begins]
        assert entered == [start for start in starts if first <= start < last]


def test_a_run_in_two_parts_enters_each_stage_once_wherever_it_was_cut():
    staged = model(3, 7)
    for cut in range(13):
        parts = [*spans(staged, 0, cut), *spans(staged, cut, 12)]
        assert [span.stage.start for span in parts if span.begins] == [3, 7]


def test_the_first_stage_is_the_model_itself_and_is_never_entered():
    staged = model(3, period=5)
    first, second = spans(staged, 0, 6)
    assert (first.stage.train_step, first.stage.period, first.begins) == (staged.train_step, 5, False)
    assert second.stage is staged.stages[0]


def test_a_model_without_later_stages_is_trained_in_one_span():
    (only,) = spans(model(), 4, 9)
    assert (only.first, only.last, only.begins) == (4, 9, False)


def test_windows_are_cut_where_a_stage_begins_wherever_a_run_goes_on():
    def cut(first):
        return [window for span in spans(model(7), first, 20) for window in windows(span.first, span.last, 5)]

    straight = cut(0)
    assert straight == [(0, 5), (5, 7), (7, 10), (10, 15), (15, 20)]
    for index, (first, _) in enumerate(straight):
        assert cut(first) == straight[index:]
