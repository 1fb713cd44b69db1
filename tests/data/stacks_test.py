"""Stacks: each channel is a digit of the same split, the label spells them, and kinds are as likely as their digits."""

import pathlib
from typing import Any

import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.data import stacks
from gengen.data.dataset import load


@pytest.fixture(scope="module")
def loaded(data_dir: pathlib.Path) -> Any:
    return load(name="stacked_digits", resolution=16, data_dir=data_dir)


def test_each_channel_is_a_digit_of_the_same_split_and_the_label_spells_them(loaded: Any) -> None:
    assert loaded.signature.shape == (16, 16, 3) and len(loaded.signature.classes) == 1000
    assert loaded.signature.classes[7] == "007" and loaded.signature.counts == stacks.COUNTS
    for split, arrays in loaded.splits.items():
        digits = loaded.layers.splits[split]
        names = {image.tobytes(): label for image, label in zip(digits["data"], digits["label"], strict=True)}
        places = np.linspace(0, len(arrays["label"]) - 1, 200, dtype=int)
        spelt = [[names[arrays["data"][place, ..., channel].tobytes()] for channel in range(3)] for place in places]
        np.testing.assert_array_equal(np.array(spelt) @ [100, 10, 1], arrays["label"][places])
        assert not arrays["data"].flags.writeable


def test_digits_are_drawn_evenly_and_independently(loaded: Any) -> None:
    """Pearson's statistic of the thousand kinds about the products of the digits' shares, 999 +- 45 for such draws."""
    for split, arrays in loaded.splits.items():
        shares = np.bincount(loaded.layers.splits[split]["label"]) / len(loaded.layers.splits[split]["label"])
        wanted = len(arrays["label"]) * np.einsum("r,g,b->rgb", shares, shares, shares).ravel()
        counts = np.bincount(arrays["label"], minlength=1000)
        assert abs(((counts - wanted) ** 2 / wanted).sum() - 999) < 4 * np.sqrt(2 * 999)


def test_the_same_is_drawn_on_every_machine_and_a_smaller_count_has_the_first_ones(loaded: Any) -> None:
    assert loaded.signature.digest == "2c62a445d8bb7632"
    assert loaded.splits["train"]["label"][:8].tolist() == [762, 791, 619, 537, 450, 861, 873, 392]
    few = stacks._drawn(loaded.layers.splits["train"], "train", 8)
    np.testing.assert_array_equal(few["data"], loaded.splits["train"]["data"][:8])


@pytest.mark.input(
    "Pictures",
    "stacks of digits asked for in grey, as configs of digits do",
    "refused",
    "each channel holds a digit; the sentence gives the key, channels=3",
)
def test_stacks_in_grey_are_refused(data_dir: pathlib.Path) -> None:
    with pytest.raises(Refusal, match=r"channels=1 should be 3: stacked_digits has a digit in each channel"):
        load(name="stacked_digits", resolution=16, channels=1, data_dir=data_dir)


def test_stacks_that_do_not_fit_into_memory_are_refused(monkeypatch: Any, data_dir: pathlib.Path) -> None:
    monkeypatch.setattr(stacks.room, "memory", lambda: 10**8)
    with pytest.raises(Refusal, match="stacked_digits at 16x16 would take 113 MiB of memory"):
        load(name="stacked_digits", resolution=16, data_dir=data_dir)


@pytest.mark.slow
def test_mnist_is_stacked_from_its_files(test_data: pathlib.Path, data_dir: pathlib.Path) -> None:
    data = load(name="stacked_mnist", data_dir=data_dir, manual_dir=test_data / "mnist")
    assert data.signature.shape == (28, 28, 3) and data.signature.digest == "c4eac016beee1931"
    np.testing.assert_allclose(data.splits["train"]["data"].mean((0, 1, 2)) / 255, 0.1307, atol=5e-4)
