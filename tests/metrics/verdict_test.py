"""The verdict: every fault by its name, and nothing else."""

import numpy as np
import pytest

from gengen.metrics.interval import Estimate
from gengen.metrics.verdict import Classes, verdict


def near(value, half=0.001):
    return Estimate(value, max(value - half, 0.0), value + half)


DATA = {
    "frechet_distance": near(1.0, 0.1),
    "collisions": Estimate(0.0, 0.0, 1e-5),
    "copied": near(0.004, 0.003),
}
NOISE = DATA | {"frechet_distance": near(100.0, 2.0)}
GOOD = DATA | {"frechet_distance": near(5.0, 0.2)}
NAMES = [str(digit) for digit in range(10)]


def shares(**changed):
    return Classes(NAMES, [near(changed.get(f"c{name}", 0.1)) for name in NAMES], np.full(10, 0.1))


def test_good_samples_are_told_how_far_from_data_they_are():
    (said,) = verdict(GOOD, DATA, NOISE, shares())
    assert said.startswith("No class is missing")
    assert "5.0 times that of data" in said


def test_samples_like_data_cannot_be_told_from_them():
    (said,) = verdict(DATA, DATA, NOISE, shares())
    assert "cannot be told from" in said


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"collisions": near(1.0)}, ["One image is repeated"]),
        ({"collisions": Estimate(0.01, 0.005, 0.02)}, ["about 100 different", "between 50 and 200"]),
        ({"copied": near(0.3, 0.01)}, ["memorised", "30.0%"]),
    ],
)
def test_repeated_and_copied_images_are_named(changed, words):
    said = verdict(GOOD | changed, DATA, NOISE, shares())
    assert len(said) == 2
    for word in words:
        assert word in said[0]


def test_noise_is_named_and_hides_the_rest():
    (said,) = verdict(NOISE, DATA, NOISE, shares(c3=0.0))
    assert said.startswith("These samples are noise")


def test_a_collapsed_image_far_from_data_is_not_called_noise():
    said = verdict(NOISE | {"collisions": near(1.0)}, DATA, NOISE, None)
    assert said[0].startswith("One image is repeated")


def test_missing_and_starved_classes_are_named_apart():
    said = verdict(GOOD, DATA, NOISE, shares(c3=0.0, c7=0.03, c8=0.002))
    assert (
        said[0]
        == "Classes 3 (0.0% of the samples, 10.0% of the data), 8 (0.2% of the samples, 10.0% of the data) are missing."
    )
    assert said[1] == "Class 7 (3.0% of the samples, 10.0% of the data) is starved."
    assert said[2].startswith("The Fréchet distance")


def test_data_without_labels_have_a_verdict_too():
    assert len(verdict(GOOD, DATA, NOISE, None)) == 1
