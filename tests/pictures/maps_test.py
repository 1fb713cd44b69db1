"""Maps: each class has its colour, at its place, and the legend names those that occur."""

import numpy as np
import pytest
from PIL import Image

from gengen.pictures.maps import Map, colours, save_maps


def pixels_of(path, colour):
    """Which pixels of a picture have a colour, bool [H, W]."""
    with Image.open(path) as shown:
        return (np.asarray(shown).astype(int) == np.rint(255 * np.asarray(colour[:3])).astype(int)).all(-1)


@pytest.mark.parametrize("classes", [1, 10, 20, 57])
def test_no_two_classes_share_a_colour(classes):
    palette = colours(classes)
    assert palette.shape == (classes, 4)
    assert len(np.unique(palette.round(3), axis=0)) == classes


def test_points_of_a_class_are_drawn_in_its_colour_at_their_places(tmp_path):
    points = np.array([[-1.0, 0], [1, 0], [-1, 1], [1, 1]])
    labels = np.array([0, 2, 0, 2])
    save_maps(tmp_path / "map.png", "four", [Map("points", points, labels)], ("a", "b", "c"))
    first, unused, last = (pixels_of(tmp_path / "map.png", colour) for colour in colours(3))
    assert not unused.any()
    inner = np.nonzero(first)[1].max() - 15  # the mark in the legend lies further right
    assert np.nonzero(first[:, :inner])[1].max() < np.nonzero(last)[1].min()
    rows = np.nonzero(first[:, :inner])[0]
    columns = np.nonzero(first[:, :inner] | last[:, :inner])[1]
    assert np.ptp(columns) == pytest.approx(2 * np.ptp(rows), rel=0.05), "one scale for both"
    assert last[:, inner:].any(), "the legend"


def test_what_lies_behind_is_grey_and_is_covered_by_the_points(tmp_path):
    points, behind = np.zeros((1, 2)), np.array([[0.0, 0], [1, 1]])
    for name, shown in {"with": Map("", points, None, behind), "without": Map("", points)}.items():
        save_maps(tmp_path / f"{name}.png", "", [shown], ())
    grey, none = (pixels_of(tmp_path / f"{name}.png", [0.85] * 3).sum() for name in ("with", "without"))
    assert grey > none + 5
    blue = colours(1)[0]
    assert pixels_of(tmp_path / "with.png", blue).sum() == pixels_of(tmp_path / "without.png", blue).sum()


def test_maps_stand_side_by_side_and_a_thousand_classes_have_a_legend_that_ends(tmp_path):
    points = np.random.default_rng(0).normal(size=(1000, 2))
    shown = Map("points", points, np.arange(1000))
    names = [f"class {number}" for number in range(1000)]
    save_maps(tmp_path / "one.png", "", [shown], names)
    save_maps(tmp_path / "two.png", "", [shown, shown], names)
    one, two = (pixels_of(tmp_path / f"{name}.png", colours(1)[0]).shape for name in ("one", "two"))
    assert one[0] == two[0]
    assert two[1] > 1.7 * one[1]
