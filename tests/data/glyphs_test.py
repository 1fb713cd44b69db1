"""Glyphs: printed digits that follow from their places, fill the frame, and are told apart like digits."""

import pathlib

import numpy as np
import pytest

from gengen.data import glyphs
from gengen.data.dataset import load


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    return glyphs.read_glyphs("train", 1200)


def test_pictures_follow_from_their_places(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    images, labels = drawn
    fewer, of_fewer = glyphs.read_glyphs("train", 23)
    np.testing.assert_array_equal(fewer, images[:23])
    np.testing.assert_array_equal(of_fewer, labels[:23])
    assert labels.tolist() == list(range(10)) * 120
    assert len({image.tobytes() for image in images}) == 1200
    test, _ = glyphs.read_glyphs("test", 23)
    assert not {image.tobytes() for image in test} & {image.tobytes() for image in images}


def test_digits_fill_the_frame_in_white_on_black(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    images, _ = drawn
    assert images.dtype == np.uint8 and images.shape == (1200, 32, 32)
    assert (images.max((1, 2)) > 200).all() and (np.median(images, axis=(1, 2)) < 128).all()
    assert ((images > 0) & (images < 255)).mean() > 0.05  # strokes have soft edges
    rows, columns = ((images > 40).any(axis) for axis in (2, 1))
    heights, widths = ((np.ptp(np.flatnonzero(side)) + 1 for side in sides) for sides in (rows, columns))
    longer = np.array([max(pair) for pair in zip(heights, widths, strict=True)])
    assert longer.min() >= 26 and longer.max() <= 32


def test_varied_glyphs_differ_more_in_slant_and_touch_no_border(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    """The slant is x sheared by y: covariance by variance of where the ink is. Ones show it the most clearly."""
    images, labels = glyphs.read_varied("train", 300)
    np.testing.assert_array_equal(glyphs.read_varied("train", 5)[0], images[:5])
    assert images.dtype == np.uint8 and images.shape == (300, 28, 28) and labels.tolist() == list(range(10)) * 30
    assert images.sum() == images[:, 1:-1, 1:-1].sum()
    spreads = []
    for pictures in (images, drawn[0][:300]):
        ink = pictures[labels == 1] / 255
        mass, places = ink.sum((1, 2)), np.mgrid[: ink.shape[1], : ink.shape[2]]
        y, x = (place - ((ink * place).sum((1, 2)) / mass)[:, None, None] for place in places)
        spreads.append(((ink * x * y).sum((1, 2)) / (ink * y * y).sum((1, 2))).std())
    assert spreads[0] > 1.2 * spreads[1]


def test_fonts_differ_and_all_have_all_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A font without a digit would draw nothing, or the same box for every digit."""
    monkeypatch.setattr(glyphs, "uniform", lambda name, *shape: np.full(shape, 0.5))
    seen = set()
    for font in glyphs.FONTS:
        monkeypatch.setattr(glyphs, "FONTS", (font,))
        images, _ = glyphs.read_glyphs("train", 10)
        assert len({image.tobytes() for image in images}) == 10
        seen.add(images.tobytes())
    assert len(seen) == 21


def test_a_classifier_learns_the_digits(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    """Nearest neighbours in plain pixels are right nine times of ten; at random they would be once."""
    from sklearn.neighbors import KNeighborsClassifier

    images, labels = drawn
    test, of_test = glyphs.read_glyphs("test", 200)
    classifier = KNeighborsClassifier(1).fit(images.reshape(len(images), -1), labels)
    assert classifier.score(test.reshape(len(test), -1), of_test) > 0.9


def test_the_data_set_is_prepared(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "COUNTS", {"train": 40, "test": 20})
    data = load(name="glyphs", data_dir=tmp_path, resolution=16)
    assert data.signature.shape == (16, 16, 1) and data.signature.classes == tuple("0123456789")
    assert data.signature.counts == {"train": 40, "test": 20}
    assert np.bincount(data.splits["test"]["label"]).tolist() == [2] * 10
    native = load(name="glyphs", data_dir=tmp_path)
    np.testing.assert_array_equal(native.splits["train"]["data"][..., 0], glyphs.read_glyphs("train", 40)[0])
