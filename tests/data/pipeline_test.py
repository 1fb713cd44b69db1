"""The order of examples depends on seed and step alone; windows, devices and processes only cut it up."""

import itertools
import threading
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from gengen.data.pipeline import batches, order, stream_seed

ARRAYS = {
    "data": np.arange(23 * 6, dtype=np.uint8).reshape(23, 2, 3, 1),
    "label": np.arange(23, dtype=np.int32),
}


@pytest.mark.parametrize("size", [1, 2, 23, 1000])
def test_every_epoch_is_a_permutation(size: int) -> None:
    chain = order(5, size, 0, 4 * size).reshape(4, size)
    np.testing.assert_array_equal(np.sort(chain, axis=1), np.tile(np.arange(size), (4, 1)))
    if size > 20:
        assert len({tuple(epoch) for epoch in chain}) == 4


def test_windows_join_without_gaps() -> None:
    whole = order(7, 23, 0, 200)
    for cuts in ([0, 200], [0, 1, 23, 24, 46, 100, 100, 200], list(range(0, 201, 5))):
        pieces = [order(7, 23, start, stop) for start, stop in itertools.pairwise(cuts)]
        np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_the_order_is_the_seeds() -> None:
    assert (order(1, 100, 0, 100) != order(2, 100, 0, 100)).any()
    assert (order(-1, 100, 0, 100) != order(1, 100, 0, 100)).any()
    # Recorded: a run begun today must be continued by tomorrow's version.
    assert order(0, 10, 0, 20).tolist() == RECORDED


RECORDED = [0, 2, 9, 1, 8, 5, 4, 3, 6, 7, 5, 3, 7, 8, 2, 4, 1, 0, 6, 9]


def test_positions_are_drawn_evenly() -> None:
    """The first example of an epoch is each of 10 in a tenth of 2,000 epochs (six standard deviations: 80)."""
    firsts = [order(3, 10, epoch * 10, epoch * 10 + 1)[0] for epoch in range(2000)]
    assert abs(np.bincount(firsts, minlength=10) - 200).max() < 80


@pytest.mark.parametrize(("size", "start", "stop"), [(0, 0, 1), (5, -1, 2), (5, 3, 2)])
def test_positions_that_make_no_sense_are_refused(size: int, start: int, stop: int) -> None:
    with pytest.raises(ValueError):
        order(0, size, start, stop)


@pytest.mark.parametrize("devices", [1, 2, 4])
def test_any_number_of_devices_sees_the_same_global_batches(devices: int) -> None:
    windows = [(0, 3), (3, 4), (4, 9)]
    yielded = list(batches(ARRAYS, seed=1, batch_size=8, windows=windows, devices=devices))
    steps = []
    for (start, stop), batch in zip(windows, yielded, strict=True):
        assert batch["data"].shape == (devices, stop - start, 8 // devices, 2, 3, 1)
        assert batch["data"].flags.c_contiguous and batch["data"].dtype == np.uint8
        assert batch["label"].dtype == np.int32
        steps.extend(np.concatenate(batch["label"][:, step]) for step in range(stop - start))
        np.testing.assert_array_equal(batch["data"], ARRAYS["data"][batch["label"]])
    np.testing.assert_array_equal(np.concatenate(steps), order(1, 23, 0, 72))


def test_each_process_takes_its_devices_slices() -> None:
    common = {"seed": 1, "batch_size": 8, "devices": 4}
    (whole,) = batches(ARRAYS, windows=[(2, 5)], **common)
    (first,) = batches(ARRAYS, windows=[(2, 5)], local=range(0, 2), **common)
    (second,) = batches(ARRAYS, windows=[(2, 5)], local=[2, 3], **common)
    for key in ARRAYS:
        np.testing.assert_array_equal(np.concatenate([first[key], second[key]]), whole[key])


def test_a_resumed_run_continues_the_order() -> None:
    straight = list(batches(ARRAYS, seed=9, batch_size=4, windows=[(s, s + 1) for s in range(20)], devices=2))
    resumed = list(batches(ARRAYS, seed=9, batch_size=4, windows=[(s, s + 1) for s in range(7, 20)], devices=2))
    for before, after in zip(straight[7:], resumed, strict=True):
        np.testing.assert_array_equal(before["label"], after["label"])


def test_a_batch_may_be_larger_than_the_data() -> None:
    (batch,) = batches(ARRAYS, seed=0, batch_size=46, windows=[(0, 1)], devices=1)
    np.testing.assert_array_equal(np.bincount(batch["label"].ravel()), np.full(23, 2))


def test_what_does_not_divide_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="batch_size=6 does not divide by the number of devices, 4"):
        batches(ARRAYS, seed=0, batch_size=6, windows=[(0, 1)], devices=4)
    with pytest.raises(ValueError, match="one length"):
        batches({"a": np.zeros(2), "b": np.zeros(3)}, seed=0, batch_size=1, windows=[(0, 1)], devices=1)
    with pytest.raises(ValueError, match="not zero"):
        batches({"a": np.zeros(0)}, seed=0, batch_size=1, windows=[(0, 1)], devices=1)


FEW = {"data": np.arange(5 * 2, dtype=np.uint8).reshape(5, 2), "label": np.arange(5, dtype=np.int32)}


def labels(arrays: Any, *, of: str = "", steps: range = range(12), seed: int = 1) -> np.ndarray:
    """The labels of a stream [steps, 8], gathered step by step."""
    windows = [(step, step + 1) for step in steps]
    yielded = batches(arrays, seed=seed, batch_size=8, windows=windows, devices=2)
    return np.stack([(batch[of] if of else batch)["label"].ravel() for batch in yielded])


def test_a_further_stream_has_its_own_length_and_the_same_batch_size() -> None:
    windows = [(0, 3), (3, 4)]
    nested = {**ARRAYS, "labelled": FEW}
    for (start, stop), batch in zip(
        windows, batches(nested, seed=1, batch_size=8, windows=windows, devices=4, local=[1, 3]), strict=True
    ):
        assert batch["data"].shape == (2, stop - start, 2, 2, 3, 1)
        assert batch["labelled"]["data"].shape == (2, stop - start, 2, 2)
        np.testing.assert_array_equal(batch["labelled"]["data"], FEW["data"][batch["labelled"]["label"]])
        chosen = order(stream_seed(1, "labelled"), 5, start * 8, stop * 8).reshape(stop - start, 4, 2)
        np.testing.assert_array_equal(batch["labelled"]["label"], chosen.swapaxes(0, 1)[[1, 3]])


def test_a_short_stream_runs_through_several_permutations_in_a_batch() -> None:
    drawn = labels({**ARRAYS, "labelled": FEW}, of="labelled", steps=range(10)).reshape(16, 5)
    np.testing.assert_array_equal(np.sort(drawn, axis=1), np.tile(np.arange(5), (16, 1)))


def test_the_main_order_is_the_same_with_and_without_further_streams() -> None:
    np.testing.assert_array_equal(labels({"labelled": FEW, **ARRAYS}), order(1, 23, 0, 96).reshape(12, 8))


def test_the_order_of_a_further_stream_is_its_names_and_the_seeds_and_nothing_elses() -> None:
    alone = labels({**ARRAYS, "few": ARRAYS}, of="few")
    for beside in ({"data": np.zeros(4)}, {"data": np.zeros(9), "other": FEW, "z": ARRAYS}):
        np.testing.assert_array_equal(labels({**beside, "few": ARRAYS}, of="few"), alone)
    assert (labels(ARRAYS) != alone).any()  # the same arrays as the main stream
    assert (labels({**ARRAYS, "many": ARRAYS}, of="many") != alone).any()
    assert (labels({**ARRAYS, "few": ARRAYS}, of="few", seed=2) != alone).any()


@pytest.mark.parametrize("start", [1, 5, 11])
def test_a_resumed_run_continues_every_stream(start: int) -> None:
    nested = {**ARRAYS, "labelled": FEW}
    for stream in ("", "labelled"):
        resumed = labels(nested, of=stream, steps=range(start, 12))
        np.testing.assert_array_equal(resumed, labels(nested, of=stream)[start:])


def test_streams_of_one_seed_agree_no_more_than_by_chance() -> None:
    """Two independent permutations of 1,000 agree in 1 place on average, with a variance of 1."""
    main, few, many = (order(seed, 1000, 0, 1000) for seed in (0, stream_seed(0, "few"), stream_seed(0, "many")))
    assert max((a == b).sum() for a, b in itertools.combinations((main, few, many), 2)) < 8


def test_seeds_of_streams_are_recorded() -> None:
    assert stream_seed(7, "labelled") == 7 + (zlib.crc32(b"labelled") << 32) == SEED
    assert stream_seed(2**32 - 1, "labelled") < 2**64
    assert order(stream_seed(0, "labelled"), 10, 0, 20).tolist() == RECORDED_STREAM


SEED = 13340009524765917191
RECORDED_STREAM = [4, 1, 2, 7, 6, 5, 3, 8, 0, 9, 1, 4, 5, 6, 9, 7, 8, 2, 3, 0]


@pytest.mark.parametrize("stream", [{}, {"a": np.zeros(0)}, {"a": np.zeros(2), "b": np.zeros(3)}])
def test_a_further_stream_of_nothing_or_of_two_lengths_is_refused_at_once(stream: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="one length, and not zero"):
        batches({**ARRAYS, "more": stream}, seed=0, batch_size=1, windows=[(0, 1)], devices=1)


def gatherers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("gengen-batches")]


def endless() -> Iterator[tuple[int, int]]:
    step = 0
    while True:
        yield step, step + 1
        step += 1


def test_closing_ends_the_thread() -> None:
    running = batches(ARRAYS, seed=0, batch_size=4, windows=endless(), devices=1)
    next(running)
    assert len(gatherers()) == 1
    running.close()
    assert not gatherers()


def test_windows_are_read_only_a_little_ahead() -> None:
    taken = []

    def noted() -> Iterator[tuple[int, int]]:
        for window in endless():
            taken.append(window)
            yield window

    running = batches(ARRAYS, seed=0, batch_size=4, windows=noted(), devices=1, depth=2)
    next(running)
    assert len(taken) == 3
    next(running)
    assert len(taken) == 4
    running.close()


def test_failures_in_the_thread_and_in_the_windows_reach_the_reader() -> None:
    running = batches(ARRAYS, seed=0, batch_size=4, windows=[(0, 1), (5, 3)], devices=1)
    next(running)
    with pytest.raises(ValueError, match="do not run forwards"):
        next(running)

    def broken() -> Iterator[tuple[int, int]]:
        yield 0, 1
        raise RuntimeError("no more steps")

    with pytest.raises(RuntimeError, match="no more steps"):
        list(batches(ARRAYS, seed=0, batch_size=4, windows=broken(), devices=1))
    assert not gatherers()
