"""What passes as the same numbers, and what is refused."""

import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.export.parity import Difference, difference
from gengen.export.tensors import Tensor

pytestmark = pytest.mark.quick

PIXELS = Tensor("data", (2,), "uint8", "", levels=True)
CODES = Tensor("latents", (2,), "int32", "")
FLOATS = Tensor("latents", (2,), "float32", "")


def test_floats_differ_by_a_share_of_the_largest():
    there = np.array([[0.0, 2.0]], np.float32)
    assert difference(FLOATS, there + np.float32(1e-4), there, "a").relative == pytest.approx(5e-5, rel=1e-2)
    with pytest.raises(Refusal, match=r"^a differs from the model in 'latents' by 0\.0005 of the largest number"):
        difference(FLOATS, there + np.float32(1e-3), there, "a")
    with pytest.raises(Refusal, match="by nan"):
        difference(FLOATS, there * np.nan, there, "a")


def test_pixels_may_be_a_level_apart_and_the_share_of_them_is_told():
    there = np.array([[0, 255], [7, 8]], np.uint8)
    made = there + np.array([[1, 0], [0, 0]], np.uint8)
    assert difference(PIXELS, made, there, "a") == Difference(1 / 255, 1, 0.25)
    with pytest.raises(Refusal, match="by 255"):  # and not by 1, as bytes would have it
        difference(PIXELS, 255 - there, there, "a")


def test_codes_are_the_same_or_others():
    there = np.array([[3, 4]], np.int32)
    assert difference(CODES, there, there, "a") == Difference()
    with pytest.raises(Refusal, match="by 1"):
        difference(CODES, there + np.int32(1), there, "a")


@pytest.mark.parametrize("made", [np.zeros((1, 3), np.float32), np.zeros((1, 2), np.float64)])
def test_another_shape_or_type_is_refused(made):
    with pytest.raises(Refusal, match=r"gives 'latents' as float(32|64) \[1, [23]\] and not float32 \[1, 2\]"):
        difference(FLOATS, made, np.zeros((1, 2), np.float32), "a")
