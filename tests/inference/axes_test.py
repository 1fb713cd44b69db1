"""The numbers of latents one by one."""

import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.inference.axes import along_axes, check_axes, chosen_axes, laid_out, ranked_axes

pytestmark = pytest.mark.quick

NORMAL = np.array([-1.1503, -0.3186, 0.3186, 1.1503])
"""Quantiles 1/8, 3/8, 5/8 and 7/8 of N(0, 1)."""


@pytest.fixture(scope="module")
def draws():
    return np.random.default_rng(0).normal(size=(200_000, 4)) * [1, 2, 3, 4] + [0, 0, 5, 0]


def test_cells_lie_on_quantiles_to_the_right_and_upwards_and_other_numbers_stay(draws):
    found = laid_out(draws, np.array([7.0, 8, 9, 10]), 3, 1, 4).reshape(4, 4, 4)
    np.testing.assert_allclose(found[..., 3], np.tile(4 * NORMAL, (4, 1)), atol=0.05)
    np.testing.assert_allclose(found[..., 1], np.tile(2 * NORMAL[::-1, None], 4), atol=0.05)
    assert (found[..., 0] == 7).all()
    assert (found[..., 2] == 9).all()


def test_a_single_cell_is_the_median():
    draws = np.random.default_rng(0).normal(size=(1001, 2))
    np.testing.assert_allclose(laid_out(draws, np.zeros(2), 0, 1, 1), np.median(draws, axis=0)[None], rtol=1e-6)


def test_in_a_row_one_number_goes_through_its_quantiles_and_all_others_stay(draws):
    found = along_axes(np.array([7.0, 8, 9, 10]), draws, [3, 0], 4)
    np.testing.assert_allclose(found[0, :, 3], 4 * NORMAL, atol=0.05)
    np.testing.assert_allclose(found[1, :, 0], NORMAL, atol=0.05)
    np.testing.assert_array_equal(found[0, :, :3], np.tile([7, 8, 9], (4, 1)))
    np.testing.assert_array_equal(found[1, :, 1:], np.tile([8, 9, 10], (4, 1)))


def test_the_numbers_that_change_most_come_first(draws):
    gains = np.array([0.5, 3, 0.1, 0])  # changes: gain times deviation
    assert ranked_axes(lambda latents: latents * gains, draws[:8], draws, [0, 1, 2, 3]) == [1, 0, 2, 3]
    assert ranked_axes(lambda latents: latents * gains, draws[:8], draws, [3, 2]) == [2, 3]


def test_of_very_wide_latents_no_more_are_decoded_than_there_is_time_for():
    draws, seen = np.random.default_rng(0).normal(size=(50, 5000)), []
    found = ranked_axes(lambda latents: seen.append(len(latents)) or latents[:, :5], draws[:8], draws, range(5000))
    assert seen == [4096]
    assert len(found) == 2048


def test_axes_are_different_numbers_of_the_latents():
    assert chosen_axes("1, 0", 2, pair=True) == (1, 0)
    assert chosen_axes("3,7,1", 8, pair=False) == (3, 7, 1)
    for asked in ("0", "0,0", "0,2", "-1,0", "a,b", "", "0,1,1", "²,0"):
        with pytest.raises(Refusal, match=r"two different numbers from 0 to 1, as in --axes=0,1"):
            chosen_axes(asked, 2, pair=True)
    with pytest.raises(Refusal, match=r"must be different numbers from 0 to 7, as in --axes=3,7"):
        chosen_axes("8", 8, pair=False)
    for axes in ([], [2], [0, 0], [0.5], [-1]):
        with pytest.raises(Refusal, match="must be different numbers from 0 to 1"):
            check_axes(axes, 2)
