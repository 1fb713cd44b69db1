"""The strip of a run: which steps are kept and shown, whatever was killed between them."""

import numpy as np
import pytest

from gengen.pictures.captions import Block
from gengen.pictures.strip import COLUMNS, DRAWN_SIDE, KEPT, ROWS, SIDE, keep, strip

pytestmark = pytest.mark.quick


def block(step, number=9, side=4, columns=3, rows=()):
    cells = np.arange(number)[:, None, None, None]
    return Block(np.broadcast_to((step + cells) % 256, (number, side, side, 1)).astype(np.uint8), columns, rows=rows)


def steps_of(path):
    return [int(text.removeprefix("step ").replace(",", "")) for shown in strip(path) for text in shown.across]


def test_each_column_is_a_step_and_each_row_an_example(tmp_path):
    for step in (10, 20):
        keep(tmp_path / "strip.npz", step, block(step))
    (shown,) = strip(tmp_path / "strip.npz")
    assert (shown.columns, shown.across, shown.pixels) == (2, ["step 10", "step 20"], True)
    np.testing.assert_array_equal(shown.cells[:, 0, 0, 0], [value + row for row in range(ROWS) for value in (10, 20)])


def test_what_was_given_stands_before_what_became_of_it(tmp_path):
    for step in (10, 20):
        keep(tmp_path / "strip.npz", step, block(step, number=6, columns=2, rows=("inputs", "outputs", "targets")))
    (shown,) = strip(tmp_path / "strip.npz")
    assert shown.across == ["inputs", "step 10", "step 20"]
    np.testing.assert_array_equal(shown.cells[:, 0, 0, 0].reshape(2, 3), [[20, 12, 22], [21, 13, 23]])


def test_samples_of_several_members_are_those_of_the_first_one_and_nothing_was_given(tmp_path):
    rows = ("seed 0", "", "seed 1", "")
    for step in (10, 20):
        keep(tmp_path / "strip.npz", step, block(step, number=12, columns=3, rows=rows), given=False)
    (shown,) = strip(tmp_path / "strip.npz")
    assert (shown.title, shown.across) == ("seed 0", ["step 10", "step 20"])
    np.testing.assert_array_equal(shown.cells[:, 0, 0, 0].reshape(-1, 2), [[10, 20], [11, 21], [12, 22]])


def test_steps_stay_even_and_few_with_the_first_and_the_last(tmp_path):
    path = tmp_path / "strip.npz"
    for step in range(100, 4_100, 100):
        keep(path, step, block(step))
        assert len(np.load(path)["steps"]) <= KEPT
    chosen = steps_of(path)
    assert len(chosen) == COLUMNS
    assert (chosen[0], chosen[-1]) == (100, 4_000)
    assert max(np.diff(chosen)) <= 2 * min(np.diff(chosen))


def test_a_run_that_goes_on_from_an_earlier_step_leaves_out_what_comes_again(tmp_path):
    path = tmp_path / "strip.npz"
    assert strip(path) == []
    for step in (10, 20, 30, 40, 20):
        keep(path, step, block(step))
    assert steps_of(path) == [10, 20]
    keep(path, 30, block(30, side=5))  # what does not fit is not from this run
    assert strip(path) == []
    path.write_bytes(path.read_bytes()[:-9])
    assert strip(path) == []
    keep(path, 40, block(40))


@pytest.mark.parametrize(("pixels", "side"), [(True, SIDE), (False, DRAWN_SIDE)])
def test_large_pictures_are_reduced(tmp_path, pixels, side):
    keep(tmp_path / "s.npz", 1, Block(np.full((1, 700, 350, 3), 7, np.uint8), 1, pixels=pixels))
    kept = np.load(tmp_path / "s.npz")["cells"]
    assert kept.shape == (1, 1, side, side // 2, 3) and (kept == 7).all()
