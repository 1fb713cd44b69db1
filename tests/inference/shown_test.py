"""Examples of any kind as pictures: pictures are their own, and others keep one scale."""

import numpy as np
import pytest

from gengen.core.field import Field
from gengen.data.signature import Signature
from gengen.inference.shown import sheet, thumbnails
from gengen.pictures.captions import Block

PICTURES = Signature.of_pictures("few", (4, 4, 1), (), {}, "")


def of(kind, *shape, **field):
    return Signature("drawn", kind, {"data": Field(shape, "float32", **field)}, {}, "")


def test_pictures_are_their_own_and_lie_in_a_grid():
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 1), np.uint8)
    np.testing.assert_array_equal(thumbnails(PICTURES, images), images)
    block = sheet(PICTURES, images, across=("a", "b", "c"))
    assert block == Block(block.cells, 3, across=("a", "b", "c"))
    np.testing.assert_array_equal(block.cells, images)
    assert sheet(PICTURES, images[:5]).columns == 3, "about as many as rows"
    assert sheet(PICTURES, images[:2], across=("a", "b", "c")).across == ("a", "b"), "no column is empty"


def test_of_more_pictures_than_can_be_told_apart_the_first_are_shown_in_whole_rows():
    images = np.random.default_rng(0).integers(0, 256, (1_003, 4, 4, 1), np.uint8)
    block = sheet(PICTURES, images, title="drawn")
    np.testing.assert_array_equal(block.cells, images[:400])
    assert (block.columns, block.title) == (20, "drawn · the first 400 of 1,003")
    block = sheet(PICTURES, images, across=tuple("abcdefg"))
    np.testing.assert_array_equal(block.cells, images[:399])
    assert (block.columns, block.title) == (7, "the first 399 of 1,003")
    assert sheet(PICTURES, images[:400]).title == ""


@pytest.mark.parametrize(
    "signature",
    [
        of("points", 2, mean=(1.0, 5.0), deviation=(2.0, 0.5)),
        of("points", 5),
        of("series", 7, 2, low=0.0, high=1.0),
    ],
    ids=["plane", "rows", "series"],
)
def test_an_example_is_drawn_alike_whatever_stands_beside_it(signature):
    examples = np.random.default_rng(0).normal(size=(9, *signature.shape)).astype(np.float32)
    shown = thumbnails(signature, examples)
    assert shown.dtype == np.uint8 and shown.ndim == 4
    np.testing.assert_array_equal(thumbnails(signature, examples[3:4]), shown[3:4])
    assert sheet(signature, examples).cells.dtype == np.uint8


def test_the_mean_lies_in_the_middle_and_what_is_far_from_it_at_the_frame():
    signature = of("points", 2, mean=(1.0, 5.0), deviation=(2.0, 0.5))
    centre, right, further, low = thumbnails(signature, np.array([[1, 5], [9, 5], [90, 5], [1, 0]], np.float32))
    middle = (np.array(centre.shape[:2]) - 1) / 2
    placed = [np.argwhere(picture.min(-1) < 128).mean(0) - middle for picture in (centre, right, low)]
    np.testing.assert_allclose(placed[0], 0, atol=1)
    assert abs(placed[1][0]) < 1 and placed[1][1] > 0.7 * middle[1]
    assert abs(placed[2][1]) < 1 and placed[2][0] > 0.7 * middle[0]
    np.testing.assert_array_equal(right, further)
