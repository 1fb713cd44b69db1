"""Captions of digits follow from what is measured, by thresholds of the training split alone."""

import pathlib

import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.data.dataset import load
from gengen.data.handwriting import LENGTH, WORDS, slant, stroke_width
from gengen.data.words import spelled


def test_the_width_of_a_bar_is_measured() -> None:
    """A bar of w x 100 pixels: 2 A / P = 2 * 100 w / (2 (100 + w)) = 100 w / (100 + w), whether its edges are soft."""
    bars = np.zeros((3, 110, 30), np.uint8)
    for bar, width in zip(bars, (2, 4, 6), strict=True):
        bar[5:105, 10 : 10 + width] = 255
    wanted = np.array([100 * width / (100 + width) for width in (2, 4, 6)])
    np.testing.assert_allclose(stroke_width(bars), wanted, rtol=0.02)
    soft = bars[2].copy()
    soft[5:105, 10] = soft[5:105, 15] = 128  # half of a pixel on each side
    np.testing.assert_allclose(stroke_width(soft[None]), [100 * 5 / 105], rtol=0.02)
    assert stroke_width(np.zeros((1, 8, 8), np.uint8)) == slant(np.zeros((1, 8, 8), np.uint8)) == 0


def test_the_slant_of_a_sheared_bar_is_its_shear() -> None:
    for shear in (-0.5, 0.0, 0.25, 0.5):
        bar = np.zeros((1, 40, 60), np.uint8)
        for row in range(40):
            start = 30 + shear * (20 - row)
            whole = int(start)
            bar[0, row, whole : whole + 4] = 255
            bar[0, row, whole] = round(255 * (1 - (start - whole)))
            bar[0, row, whole + 4] = round(255 * (start - whole))
        np.testing.assert_allclose(slant(bar), [shear], atol=0.01)


def test_thirds_of_each_class_are_told_by_the_training_split(data_dir: pathlib.Path) -> None:
    plain = load(name="digits_smooth", data_dir=data_dir)
    data = load(name="digits_smooth", data_dir=data_dir, captions=True)
    assert data.signature.digest != plain.signature.digest and "text" not in plain.signature.fields
    assert data.signature.text and data.signature.text.words == WORDS and data.signature.text.shape == (LENGTH,)
    train, test = data.splits["train"], data.splits["test"]
    told = {split: [spelled(text, WORDS).split() for text in data.splits[split]["text"]] for split in data.splits}
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    assert [words[-1] for words in told["test"]] == [names[label] for label in test["label"]]
    assert all((words[0] == "an") == (words[1][0] in "aeiou") for words in told["train"])
    for digit in (1, 7):
        of = np.flatnonzero(train["label"] == digit)
        bold = np.array(["bold" in told["train"][index] for index in of])
        widths = stroke_width(train["data"][of, :, :, 0])
        assert bold.mean() == pytest.approx(1 / 3, abs=0.02) and widths[bold].min() > widths[~bold].max()
        upright = np.array(["upright" in told["train"][index] for index in of])
        leans = slant(train["data"][of, :, :, 0])
        assert upright.mean() == pytest.approx(1 / 3, abs=0.02) and leans[upright].max() < leans[~upright].min()
        held_out = np.flatnonzero(test["label"] == digit)
        of_test = stroke_width(test["data"][held_out, :, :, 0]) > np.quantile(widths, 2 / 3)
        assert ["bold" in told["test"][index] for index in held_out] == of_test.tolist()


def test_captions_are_for_digits(data_dir: pathlib.Path) -> None:
    with pytest.raises(Refusal, match=r"captions=True needs grey pictures of the digits 0 to 9, and ring has others"):
        load(name="ring", data_dir=data_dir, captions=True)
