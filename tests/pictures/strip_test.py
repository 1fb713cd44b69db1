"""The strip of a run: which steps are kept and shown, whatever was killed between them."""

import numpy as np
import pytest

from gengen.pictures.strip import COLUMNS, DRAWN_SIDE, KEPT, ROWS, SIDE, keep, strip

pytestmark = pytest.mark.quick


def cells(step, number=9, side=4):
    rows = np.arange(number)[:, None, None, None]
    return np.broadcast_to((step + rows) % 256, (number, side, side, 1)).astype(np.uint8)


def steps_of(path):
    return [int(text.removeprefix("step ").replace(",", "")) for block in strip(path) for text in block.across]


def test_each_column_is_a_step_and_each_row_an_example(tmp_path):
    for step in (10, 20):
        keep(tmp_path / "strip.npz", step, cells(step))
    (block,) = strip(tmp_path / "strip.npz")
    assert (block.columns, block.across, block.pixels) == (2, ["step 10", "step 20"], True)
    np.testing.assert_array_equal(block.cells[:, 0, 0, 0], [value + row for row in range(ROWS) for value in (10, 20)])


def test_steps_stay_even_and_few_with_the_first_and_the_last(tmp_path):
    path = tmp_path / "strip.npz"
    for step in range(100, 4_100, 100):
        keep(path, step, cells(step))
        assert len(np.load(path)["steps"]) <= KEPT
    chosen = steps_of(path)
    assert len(chosen) == COLUMNS
    assert (chosen[0], chosen[-1]) == (100, 4_000)
    assert max(np.diff(chosen)) <= 2 * min(np.diff(chosen))


def test_a_run_that_goes_on_from_an_earlier_step_leaves_out_what_comes_again(tmp_path):
    path = tmp_path / "strip.npz"
    assert strip(path) == []
    for step in (10, 20, 30, 40, 20):
        keep(path, step, cells(step))
    assert steps_of(path) == [10, 20]
    keep(path, 30, cells(30, side=5))  # what does not fit is not from this run
    assert strip(path) == []


@pytest.mark.parametrize(("pixels", "side"), [(True, SIDE), (False, DRAWN_SIDE)])
def test_large_pictures_are_reduced(tmp_path, pixels, side):
    keep(tmp_path / "s.npz", 1, np.full((1, 700, 350, 3), 7, np.uint8), pixels=pixels)
    kept = np.load(tmp_path / "s.npz")["cells"]
    assert kept.shape == (1, 1, side, side // 2, 3) and (kept == 7).all()
