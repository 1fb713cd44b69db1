"""Planted faults in real images, judged as samples are, through a classifier trained on them."""

import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image

from gengen.core.refusal import Refusal
from gengen.data.dataset import load
from gengen.evaluation.features import UnfitDataError
from gengen.evaluation.judging import Judge
from gengen.metrics import classes as class_scores
from gengen.metrics.frechet import frechet_distance
from gengen.metrics.measures import labels_of
from gengen.metrics.scores import SCORES
from gengen.metrics.verdict import Classes, verdict


def settings(**changed):
    return ConfigDict({"features": "auto", "inception_weights": None, **changed})


@pytest.fixture(scope="module", params=["digits", pytest.param("mnist", marks=pytest.mark.slow)])
def judged(request, data_dir):
    """The judge of a data set, with the scores of data in place of samples and of noise."""
    source = {"resolution": 16}  # whose classifier comes with gengen
    if request.param == "mnist":
        source = {"resolution": 28, "manual_dir": request.getfixturevalue("test_data") / "mnist"}
    data = load(name=request.param, channels=1, data_dir=data_dir, **source)
    return data, Judge(data, settings(), num=1000)


def noise_like(data, *, seed):
    return np.random.default_rng(seed).integers(0, 256, (1000, *data.signature.shape), dtype=np.uint8)


@pytest.fixture(scope="module")
def beside(judged):
    """Data in place of samples with their scores, and noise."""
    data, judge = judged
    floor = judge.floor
    return floor, judge.scores(floor), judge.examples(noise_like(data, seed=1))


def said_of(judged, beside, images):
    data, judge = judged
    floor, real, noise = beside
    names = data.signature.classes
    shares = Classes(names, class_scores.shares(labels_of(images), len(names)), judge.real.shares)
    to_noise = frechet_distance(noise.features, images.features)
    sizes = {"number": len(images.data), "training": len(judge.real.training)}
    found = judge.scores(images)
    compared = judge.compared(images, floor, found, real)
    return " ".join(verdict(compared, found["frechet_distance"], to_noise, shares, **sizes))


def test_real_images_have_no_fault(judged, beside):
    assert "cannot be told from real images by any of 10 scores" in said_of(judged, beside, judged[1].floor)


def test_a_missing_digit_is_named(judged, beside):
    data, judge = judged
    indices = np.flatnonzero(data.splits["train"]["label"] != 3)[:1000]
    said = said_of(judged, beside, judge.examples(data.splits["train"]["data"][indices], indices))
    assert "Class 3 (" in said
    assert "is missing" in said
    assert "repeat" not in said
    assert "memorised" not in said


def test_one_image_repeated_is_named(judged, beside):
    data, judge = judged
    test = data.splits["test"]
    one = test["data"][test["label"] == 5][:1]  # some pictures are nearer to noise than all of the data are
    said = said_of(judged, beside, judge.examples(np.repeat(one, 1000, axis=0)))
    assert said.startswith("One image is repeated")
    assert "are missing" in said


def test_a_few_images_repeated_are_counted(judged, beside):
    data, judge = judged
    said = said_of(judged, beside, judge.examples(np.tile(data.splits["test"]["data"][:50], (20, 1, 1, 1))))
    assert "Images repeat as if there were about" in said


def test_copied_training_images_are_named(judged, beside):
    data, judge = judged
    copies = data.splits["train"]["data"][:1000].astype(np.int32)
    copies += np.random.default_rng(2).integers(-4, 5, copies.shape)
    said = said_of(judged, beside, judge.examples(np.clip(copies, 0, 255).astype(np.uint8)))
    assert "Training images are memorised" in said
    assert "missing" not in said


def test_noise_is_named(judged, beside):
    samples = judged[1].examples(noise_like(judged[0], seed=3))
    assert said_of(judged, beside, samples).startswith("These samples are noise")


def test_one_digit_alone_is_a_collapse_and_no_noise(judged, beside):
    data, judge = judged
    indices = np.flatnonzero(data.splits["train"]["label"] == 1)
    said = said_of(judged, beside, judge.examples(data.splits["train"]["data"][indices], indices))
    assert said.startswith("Classes 0 (0.0% of the samples")
    assert "noise" not in said


def test_data_score_better_than_noise_in_every_score(judged, beside):
    floor, noise = beside[1], judged[1].scores(beside[2])
    for name in judged[1].names:
        score = SCORES[name]
        if score.better == "lower" and name not in ("collisions", "copied"):  # noise neither repeats nor copies
            assert floor[name].high < noise[name].low, name
        if score.better == "higher":
            assert floor[name].low > noise[name].high, name


def test_an_unknown_score_is_refused_with_those_that_can_be_had(judged):
    with pytest.raises(Refusal, match=r"'fid' is unknown; what can be had: frechet_distance, .*copied"):
        Judge(judged[0], settings(), num=200, scores=("fid",))


def test_coordinates_give_no_inception_score(judged):
    data = judged[0]
    with pytest.raises(Refusal, match="'inception_score' cannot be had"):
        Judge(data, settings(features="coordinates"), num=200, scores=("inception_score",))
    judge = Judge(data, settings(features="coordinates"), num=200, scores=("kernel_distance",))
    assert judge.extractor("kernel_distance").title == "coordinates"
    assert judge.scores(judge.floor).keys() == {"kernel_distance"}


def pictures(folder, sizes):
    """A folder of pictures of noise with so many in each class."""
    random = np.random.default_rng(0)
    for name, size in sizes.items():
        (folder / name).mkdir(parents=True)
        for index in range(size):
            Image.fromarray(random.integers(0, 256, (8, 8), dtype=np.uint8)).save(folder / name / f"{index}.png")
    return folder


def load_pictures(folder, data_dir):
    return load(name="image_folder", resolution=8, channels=1, data_dir=data_dir, manual_dir=folder)


def test_small_pictures_without_labels_are_judged_by_their_coordinates(tmp_path):
    data = load_pictures(pictures(tmp_path / "given", {".": 400}), tmp_path / "data")
    judge = Judge(data, settings(), num=100)
    assert judge.extractor("frechet_distance").title == "coordinates"
    assert not {"inception_score", "class_divergence"} & set(judge.names)
    assert judge.scores(judge.floor).keys() == set(judge.names)


@pytest.mark.input(
    "Judging",
    "twenty pictures",
    "taken",
    "judged by the scores that can be had of so few, and a sentence names the others and how to have them",
)
def test_few_pictures_are_judged_by_what_can_be_had_of_them(tmp_path):
    folder = pictures(tmp_path / "given", {".": 20})
    judge = Judge(load_pictures(folder, tmp_path / "data"), settings(), num=100)
    assert judge.names == ["collisions", "copied"]
    assert judge.left_out.startswith(
        "18 training and 2 held-out images are too few for scores that take more of each: "
    )
    assert "Fréchet distance, kernel distance, different bins from 8 on; precision, " in judge.left_out
    assert judge.left_out.endswith("with --config.data.test_share.")
    found = judge.scores(judge.floor)
    assert all(0 <= found[name].low <= found[name].value <= found[name].high <= 1 for name in judge.names)
    with pytest.raises(UnfitDataError, match="2 held-out images; to judge samples there must be 8 and 8 of them"):
        Judge(load_pictures(folder, tmp_path / "data"), settings(), num=100, scores=("frechet_distance",))
    half = load(name="image_folder", resolution=8, channels=1, data_dir=tmp_path, manual_dir=folder, test_share=0.5)
    judge = Judge(half, settings(), num=100)
    assert {"frechet_distance", "kernel_distance", "different_bins"} < set(judge.names)
    assert all(np.isfinite(judge.scores(judge.floor)[name]).all() for name in judge.names)


def test_inception_without_its_file_is_refused(judged):
    with pytest.raises(Refusal, match=r"6726825d.*published at https"):
        Judge(judged[0], settings(features="inception"), num=200)
