"""The verdict: every fault by its name, and nothing else."""

import numpy as np
import pytest

from gengen.metrics.comparison import Compared
from gengen.metrics.difference import of_estimates
from gengen.metrics.interval import Estimate
from gengen.metrics.scores import SCORES
from gengen.metrics.verdict import Classes, verdict


def near(value, half=0.001):
    return Estimate(value, max(value - half, 0.0), value + half)


DATA = {"frechet_distance": near(1.0, 0.1), "collisions": Estimate(0.0, 0.0, 1e-5), "copied": near(0.004, 0.003)}
GOOD = DATA | {"frechet_distance": near(5.0, 0.2)}
FAR = near(100.0, 2.0)
NAMES = [str(digit) for digit in range(10)]


def shares(**changed):
    return Classes(NAMES, [near(changed.get(f"c{name}", 0.1)) for name in NAMES], np.full(10, 0.1))


def said_of(samples, classes=None, *, floor=DATA, to_noise=FAR):
    compared = {
        name: Compared(estimate, floor[name], of_estimates(estimate, floor[name], lower=SCORES[name].better == "lower"))
        for name, estimate in samples.items()
    }
    return verdict(compared, samples["frechet_distance"], to_noise, classes, number=1000, training=10_000)


def test_good_samples_are_told_what_tells_them_from_data():
    fault, apart = said_of(GOOD, shares())
    assert fault == "In 1,000 samples no class is missing, nothing is repeated and nothing is memorised."
    assert apart == (
        "These samples are told from real images by 1 of 3 scores, the clearest first: "
        "Fréchet distance (5, real images 1)."
    )


def test_samples_like_data_cannot_be_told_from_them():
    expected = "These samples cannot be told from real images by any of 3 scores at these sample sizes."
    assert said_of(DATA, shares())[1] == expected


@pytest.mark.input(
    "Judging",
    "samples with a precision of 0.60 against 0.91, whose Fréchet distances' intervals touch",
    "taken",
    "the verdict tests the difference of every score, and names those that tell the samples, the clearest first",
)
def test_other_scores_tell_samples_whose_distances_touch():
    floor = DATA | {
        "frechet_distance": Estimate(0.97, 0.598, 1.58),
        "inception_score": near(9.7, 0.1),
        "precision": Estimate(0.91, 0.87, 0.94),
        "recall": near(0.8, 0.04),
    }
    samples = DATA | {
        "frechet_distance": Estimate(1.3, 1.53 / 1.3, 1.7),
        "inception_score": near(7.7, 0.3),
        "precision": Estimate(0.6, 0.52, 0.67),
        "recall": near(0.85, 0.04),
    }
    apart = said_of(samples, shares(), floor=floor)[-1]
    assert "by 2 of 6 scores" in apart
    assert "first: Inception score (7.7, real images 9.7), precision (0.6, real images 0.91)." in apart


def test_a_score_of_fewer_images_says_of_how_many():
    worse = Compared(near(7.0), near(9.0), of_estimates(near(7.0), near(9.0), lower=False), 300)
    none = DATA["collisions"]
    alike = Compared(none, none, of_estimates(none, none, lower=True))
    said = verdict({"inception_score": worse, "collisions": alike}, near(1.0), FAR, None, number=1000, training=10_000)
    assert said[-1].endswith("Inception score (7, real images 9, of 300 each).")


def test_better_scores_than_those_of_real_images_are_no_fault():
    assert "cannot be told" in said_of(DATA | {"frechet_distance": near(0.5, 0.01)})[-1]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"collisions": near(1.0)}, ["One image is repeated"]),
        ({"collisions": Estimate(0.01, 0.005, 0.02)}, ["about 100 different", "between 50 and 200"]),
        ({"copied": near(0.3, 0.01)}, ["memorised", "30.0%"]),
    ],
)
def test_repeated_and_copied_images_are_named(changed, words):
    said = said_of(GOOD | changed, shares())
    assert len(said) == 2
    for word in words:
        assert word in said[0]


def test_rare_repetitions_of_more_images_than_there_are_to_learn_from_are_no_fault():
    said = said_of(GOOD | {"collisions": Estimate(5e-5, 4e-5, 6e-5)})
    assert "nothing is repeated" in said[0]


def test_samples_nearer_to_noise_than_to_data_are_noise_and_nothing_else_is_said():
    (said,) = said_of(GOOD | {"frechet_distance": FAR}, shares(c3=0.0), to_noise=near(1.0))
    assert said.startswith("These samples are noise")


def test_one_image_repeated_is_no_noise_however_near_to_it():
    said = said_of(GOOD | {"frechet_distance": FAR, "collisions": near(1.0)}, to_noise=near(50.0))
    assert said[0].startswith("One image is repeated")


def test_samples_far_from_data_and_from_noise_are_not_called_noise():
    said = said_of(GOOD | {"frechet_distance": near(200.0), "collisions": near(1.0)}, to_noise=near(300.0))
    assert said[0].startswith("One image is repeated")


def test_missing_and_starved_classes_are_named_apart():
    said = said_of(GOOD, shares(c3=0.0, c7=0.03, c8=0.002))
    listed = "3 (0.0% of the samples, 10.0% of the data), 8 (0.2% of the samples, 10.0% of the data)"
    assert said[0] == f"Classes {listed} are missing."
    assert said[1] == "Class 7 (3.0% of the samples, 10.0% of the data) is starved."
    assert said[2].startswith("These samples are told")


def test_of_many_missing_classes_only_the_first_are_named():
    samples = [Estimate(0.0, 0.0, 1e-5)] * 300 + [near(1 / 700)] * 700
    many = Classes([f"{number:03d}" for number in range(1000)], samples, np.full(1000, 1e-3))
    said = said_of(GOOD, many)[0]
    assert said.startswith(
        "300 of 1,000 classes are missing, such as 000 (0.0% of the samples, 0.1% of the data), 001 "
    )
    assert "009" in said and "010" not in said


def test_a_class_not_seen_in_few_samples_is_not_called_missing():
    few = Classes(NAMES, [Estimate(0.0, 0.0, 0.04) if name == "3" else near(0.1) for name in NAMES], np.full(10, 0.1))
    assert "Class 3" in said_of(GOOD, few)[0]
    assert said_of(GOOD, few)[0].endswith("is starved.")


def test_of_data_without_labels_no_class_is_spoken_of():
    assert "class" not in " ".join(said_of(GOOD))


def test_the_clearest_fault_comes_first():
    said = said_of(GOOD | {"copied": near(0.3, 0.001)})
    assert said[0].startswith("Training images are memorised")
    assert "first: copies of training images (0.3, real images 0.004), Fréchet distance" in said[1]


@pytest.mark.parametrize(("share", "often"), [(0.99, False), (0.96, False), (0.9, True), (0.1, True)])
def test_samples_of_other_classes_than_asked_for_are_told(share, often):
    floor = DATA | {"label_agreement": near(0.997)}
    said = " ".join(said_of(GOOD | {"label_agreement": near(share)}, shares(), floor=floor))
    assert ("another class than asked for" in said) == often
    assert f"{share:.1%} of them" in said or not often
