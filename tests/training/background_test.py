"""Work beside the steps: one at a time, in order, on a copy, and what goes wrong is said once."""

import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import parallel, replicate
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


def test_what_is_begun_within_the_work_is_a_part_of_it(background):
    done = []

    def work():
        background.begin(lambda: done.append("inner"))
        background.wait()
        done.append("outer")

    background.begin(work)
    background.wait()
    assert done == ["inner", "outer"]


def test_who_checks_hears_what_went_wrong_and_waits_for_nothing(background):
    go, limit = threading.Event(), time.monotonic() + 10
    background.begin(lambda: go.wait(10) and 1 / 0)
    background.check()
    go.set()
    with pytest.raises(ZeroDivisionError):
        while time.monotonic() < limit:
            background.check()
    background.check()


def test_steps_are_paused_only_where_they_wait():
    paused = []

    @contextmanager
    def pause(what):
        paused.append(what)
        yield

    background, go = Background(pause), threading.Event()

    def work():
        with background.doing("judging"):
            go.wait(10)

    background.begin(work)
    assert not paused
    threading.Timer(0.05, go.set).start()
    background.wait()
    with background.doing("saving"):
        pass
    background.close()
    assert paused == ["judging", "saving"]


def test_a_copy_holds_what_was_computed_by_then_whatever_the_next_dispatches_do(background):
    """Dispatches queue, and each takes the memory of the state that it is given."""

    def step(key, state, batch, *, phase=None):
        del key, phase
        return jax.tree.map(lambda leaf: leaf + jnp.astype(batch.mean(), leaf.dtype), state), {}

    dispatch, key = parallel(step), jax.random.key(0)
    state = replicate({"a": jnp.zeros((300, 500)), "b": (jnp.zeros((), jnp.int32),)}, jax.local_devices())
    copies, devices = [], jax.local_device_count()
    for first in range(6):
        state, _ = dispatch(key, state, np.ones((devices, 40, 1), np.float32), 40 * first)
        copies.append(background.aside(state))
    for index, copied in enumerate(copies):
        chex.assert_trees_all_equal(copied, {"a": np.full((300, 500), 40.0 * (index + 1)), "b": (40 * (index + 1),)})
        assert copied["a"].devices() == {jax.local_devices()[0]}


@pytest.mark.parametrize(("peak", "limit", "room"), [(50, 100, True), (51, 100, False), (None, None, True)])
def test_nothing_goes_on_beside_the_steps_where_memory_is_short(background, monkeypatch, peak, limit, room):
    counted = None if peak is None else {"peak_bytes_in_use": peak, "bytes_limit": limit}
    monkeypatch.setattr(jax, "local_devices", lambda: [SimpleNamespace(memory_stats=lambda: counted)])
    assert (background.aside({"a": jnp.ones(3)}) is not None) == room


def test_several_processes_keep_one_order(background, monkeypatch):
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    assert background.aside({"a": jnp.ones(3)}) is None
