"""The loop with a made-up dispatch: order of reports and actions, windows, stops and numbers that are none."""

from types import SimpleNamespace

import jax
import numpy as np
import pytest

from gengen.core.mean import Mean
from gengen.training.loop import Action, NonFiniteError, crossed, train, windows


def mean(values):
    return Mean(np.asarray(values, np.float32), np.ones(len(values), np.float32))


def run(steps, length, actions=(), stop=lambda: False, values=float, start=0, room=None):
    """Trains a state that counts; returns (state, stopped, what happened in order).

    With a background that does things at once, and has room or not, if `room` is said.
    """
    happened = []
    background = SimpleNamespace(
        aside=lambda state: happened.append(("copy", state)) or state if room else None,
        begin=lambda work: work(),
        check=lambda: None,
        wait=lambda: None,
    )

    def dispatch(key, state, batch, begin):
        del key
        first, last = batch
        assert begin == first == state
        happened.append(("dispatch", first, last))
        return last, {"loss": mean([values(step) for step in range(first, last)])}

    def act(name, state, last):
        happened.append((name, state, last))

    cut = list(windows(start, steps, length))
    state, stopped = train(
        dispatch,
        jax.random.key(0),
        start,
        zip(cut, cut, strict=True),
        report=lambda first, last, metrics: happened.append(("report", first, last, list(metrics["loss"].total))),
        actions=[
            Action(every, lambda state, last, name=name: happened.append((name, state, last)))
            for name, every in actions
        ],
        stop=stop,
        background=None if room is None else background,
    )
    return state, stopped, happened


def test_one_dispatch_is_in_flight_while_the_one_before_is_reported():
    state, stopped, happened = run(6, 2)
    assert [entry[:3] for entry in happened] == [
        ("dispatch", 0, 2),
        ("dispatch", 2, 4),
        ("report", 0, 2),
        ("dispatch", 4, 6),
        ("report", 2, 4),
        ("report", 4, 6),
    ]
    assert (state, stopped) == (6, None)


@pytest.mark.parametrize("room", [None, False])
def test_an_action_sees_a_state_whose_metrics_were_reported(room):
    _, _, happened = run(6, 2, actions=[("save", 4)], room=room)
    assert [entry[:3] for entry in happened][2:6] == [
        ("report", 0, 2),
        ("report", 2, 4),
        ("save", 4, 4),
        ("dispatch", 4, 6),
    ]


@pytest.mark.parametrize("steps", [6, 60])
def test_in_the_background_it_begins_when_the_next_dispatch_is_under_way_or_none_comes(steps):
    asked = []
    actions = [("save", 2), ("show", 6)]
    _, _, happened = run(steps, 2, actions, lambda: asked.append(0) or len(asked) == 3, room=True)
    assert [entry[:3] for entry in happened] == [
        ("dispatch", 0, 2),
        ("copy", 2),
        ("dispatch", 2, 4),
        ("report", 0, 2),
        ("save", 2, 2),
        ("copy", 4),
        ("dispatch", 4, 6),
        ("report", 2, 4),
        ("save", 4, 4),
        ("copy", 6),
        ("report", 4, 6),
        ("save", 6, 6),
        ("show", 6, 6),
    ]


def test_actions_happen_once_for_each_multiple_crossed_and_in_order():
    _, _, happened = run(12, 5, actions=[("save", 3), ("show", 5), ("never", 0)])
    acted = [entry for entry in happened if entry[0] not in ("dispatch", "report")]
    assert acted == [("save", 5, 5), ("show", 5, 5), ("save", 10, 10), ("show", 10, 10), ("save", 12, 12)]


@pytest.mark.parametrize(
    ("every", "first", "last", "due"),
    [
        (10, 0, 10, True),
        (10, 0, 9, False),
        (10, 9, 11, True),
        (10, 10, 20, True),
        (10, 10, 19, False),
        (0, 0, 99, False),
    ],
)
def test_crossed(every, first, last, due):
    assert crossed(every, first, last) is due


def test_windows_do_not_depend_on_where_a_run_goes_on():
    straight = list(windows(0, 23, 5))
    assert straight == [(0, 5), (5, 10), (10, 15), (15, 20), (20, 23)]
    assert list(windows(10, 23, 5)) == straight[2:]
    assert list(windows(7, 23, 5)) == [(7, 10), *straight[2:]]
    assert list(windows(23, 23, 5)) == []


def test_a_stop_ends_after_its_window_with_everything_reported():
    asked = []
    state, stopped, happened = run(10, 2, stop=lambda: asked.append(0) or len(asked) == 2)
    assert (state, stopped) == (4, 4)
    assert [entry for entry in happened if entry[0] == "report"] == [("report", 0, 2, [0, 1]), ("report", 2, 4, [2, 3])]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_is_named_with_its_step_before_any_action(bad):
    saved = []
    with pytest.raises(NonFiniteError, match="loss became") as raised:
        run(10, 4, actions=[("save", 4)], values=lambda step: saved.append(step) or (bad if step == 6 else 0.0))
    assert (raised.value.name, raised.value.step) == ("loss", 6)
    assert max(saved) == 7  # nothing was dispatched after the window in which it happened
