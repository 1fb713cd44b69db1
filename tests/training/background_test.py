"""Work beside the steps: one at a time, in order, and what goes wrong is said once."""

import threading

import pytest

from gengen.training.background import Background


@pytest.fixture
def background():
    made = Background()
    yield made
    made.close()


def test_who_begins_does_not_wait_and_who_waits_finds_it_done(background):
    go, done = threading.Event(), []
    background.begin(lambda: (go.wait(10), done.append(1)))
    assert not done
    go.set()
    background.wait()
    assert done == [1]


def test_things_are_done_one_at_a_time_in_order(background):
    running, most, done = [], [], []

    def work(number):
        running.append(number)
        most.append(len(running))
        done.append(number)
        running.remove(number)

    for number in range(20):
        background.begin(lambda number=number: work(number))
    background.wait()
    assert done == list(range(20))
    assert set(most) == {1}


@pytest.mark.parametrize("ask", ["begin", "wait"])
def test_what_goes_wrong_is_raised_where_somebody_asks_and_once(background, ask):
    def fail():
        raise OSError("no space left")

    background.begin(fail)
    with pytest.raises(OSError, match="no space left"):
        background.begin(lambda: None) if ask == "begin" else background.wait()
    background.wait()


def test_an_end_waits_for_what_was_begun():
    background, go, done = Background(), threading.Event(), []
    background.begin(lambda: (go.wait(10), done.append(1)))
    threading.Timer(0.05, go.set).start()
    background.close()
    assert done == [1]
