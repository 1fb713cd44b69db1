"""Kinds: each has a sheet of whole sets and thumbnails that any grid takes."""

import subprocess
import sys

import numpy as np
import pytest

from gengen.pictures.grid import grid
from gengen.pictures.kinds import KINDS, titled

SHAPES = {"picture": (8, 8, 1), "points": (2,), "series": (12, 3), "volume": (8, 8, 8, 1)}


def examples(kind, number):
    rng = np.random.default_rng(number)
    shape = (number, *SHAPES[kind])
    if kind in ("picture", "volume"):
        return rng.integers(0, 256, shape, np.uint8)
    return rng.normal(size=shape).astype(np.float32)


def bounds(kind):
    features = SHAPES[kind][-1]
    return np.full(features, -2.0), np.full(features, 2.0)


@pytest.mark.parametrize("kind", KINDS)
def test_thumbnails_are_one_picture_for_each_example_alone(kind):
    shown = KINDS[kind].thumbnails(examples(kind, 5), bounds(kind))
    assert shown.dtype == np.uint8
    assert shown.shape[0] == 5
    assert shown.shape[-1] in (1, 3)
    assert grid(shown).ndim == 3
    np.testing.assert_array_equal(KINDS[kind].thumbnails(examples(kind, 5)[3:], bounds(kind)), shown[3:])


@pytest.mark.parametrize("kind", KINDS)
def test_a_sheet_holds_one_set_or_several_of_other_sizes(kind):
    data, samples = examples(kind, 10), examples(kind, 9)
    one = KINDS[kind].sheet({"data": data})
    both = KINDS[kind].sheet({"data": data, "samples": samples}, density=None)
    for picture in (one, both):
        assert picture.dtype == np.uint8
        assert picture.ndim == 3
    beside = both.shape[1] / both.shape[0], one.shape[1] / one.shape[0]  # points, and all others below each other
    assert beside[0] > 1.4 * beside[1] if kind == "points" else beside[1] > 1.2 * beside[0]


def test_pictures_are_their_own_thumbnails_and_their_sheet_is_the_grid():
    images = examples("picture", 7)
    assert KINDS["picture"].thumbnails(images, bounds("picture")) is images
    np.testing.assert_array_equal(KINDS["picture"].sheet({"data": images}), grid(images))
    alpha = np.concatenate([images, images], axis=-1)
    np.testing.assert_array_equal(KINDS["picture"].sheet({"data": alpha}), grid(images))


def test_titles_stand_above_what_they_name():
    first, second = np.full((5, 90, 1), 10, np.uint8), np.full((7, 60, 1), 20, np.uint8)
    picture = titled({"one": first, "two": second})
    np.testing.assert_array_equal(picture[32:37], first)
    np.testing.assert_array_equal(picture[-7:, :60], second)
    assert (picture[-7:, 60:] == 255).all()
    assert picture[:32].min() < 100
    np.testing.assert_array_equal(titled({"one": first}), first)


def test_matplotlib_is_not_imported_before_it_draws():
    code = "import gengen.pictures.kinds, sys; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
