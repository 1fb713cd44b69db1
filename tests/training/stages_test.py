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


def test_the_first_stage_is_the_model_itself():
    staged = model(3, period=5)
    first, second = spans(staged, 0, 6)
    assert (first.stage.train_step, first.stage.period) == (staged.train_step, 5)
    assert second.stage is staged.stages[0]


def test_a_model_without_later_stages_is_trained_in_one_span():
    (only,) = spans(model(), 4, 9)
    assert (only.first, only.last) == (4, 9)


def test_windows_are_cut_where_a_stage_begins_wherever_a_run_goes_on():
    def cut(first):
        return [window for span in spans(model(7), first, 20) for window in windows(span.first, span.last, 5)]

    straight = cut(0)
    assert straight == [(0, 5), (5, 7), (7, 10), (10, 15), (15, 20)]
    for index, (first, _) in enumerate(straight):
        assert cut(first) == straight[index:]
