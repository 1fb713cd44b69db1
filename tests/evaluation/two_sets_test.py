"""Two sets of real digits, alike or with a planted fault, judged wherever they are from and in whatever order."""

import json

import numpy as np
import pytest
from PIL import Image

import gengen
from gengen.core.refusal import Refusal
from gengen.data.dataset import load
from gengen.evaluation import samples, trained_network
from gengen.evaluation.collected import Choices
from gengen.evaluation.two_sets import judge_sets
from gengen.metrics.frechet import frechet_distance
from gengen.reports.judgements import judged
from gengen.runs import started

HALF = 400

ROWS = np.eye(36, dtype=np.uint8).reshape(36, 6, 6, 1)


@pytest.fixture(scope="module", autouse=True)
def root(data_dir):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDS_DATA_DIR", str(data_dir))
        yield


@pytest.fixture(scope="module")
def digits(data_dir):
    """Two disjoint sets of real digits, uint8 [400, 8, 8, 1]."""
    found = load(name="digits", data_dir=data_dir).splits["train"]["data"]
    shuffled = found[np.random.default_rng(0).permutation(len(found))]
    return shuffled[:HALF], shuffled[HALF : 2 * HALF]


def write(folder, arrays, order=None, ending="png", side=8, **options):
    folder.mkdir(parents=True, exist_ok=True)
    order = range(len(arrays)) if order is None else order
    for name, index in enumerate(order):
        image = Image.fromarray(arrays[index][..., 0])
        if side != 8:
            image = image.resize((side, side), Image.Resampling.NEAREST)
        image.save(folder / f"{name:04}.{ending}", **options)
    return folder


def judge(one, other, **options):
    return gengen.judge(one, other, **{"features": "coordinates", **options})


def said(report):
    return " ".join(report["verdict"])


@pytest.fixture(scope="module")
def alike(digits, tmp_path_factory):
    """The folders of both sets, and what is said of them."""
    place = tmp_path_factory.mktemp("sets")
    one, other = (write(place / name, arrays) for name, arrays in zip("ab", digits, strict=True))
    return one, other, judge(one, other)


def test_two_halves_of_one_set_cannot_be_told_apart(alike):
    report = alike[2]
    assert "cannot be told from real images by any of 7 scores at these sample sizes" in said(report)
    assert "does not tell them apart" in said(report)
    assert report["sizes"] == {"samples": 200, "reference": 200, "training": 200}
    assert report["shared"] == {"examples": 0, "against": None}
    assert report["rule"] == ""
    json.dumps(report)
    assert "sliced Wasserstein distance" in judged(report)


def test_what_stands_beside_as_whole_is_of_all_of_both(alike, digits):
    points = [array.reshape(HALF, -1).astype(np.float64) / 127.5 - 1 for array in digits]
    expected = frechet_distance(*points[::-1]).value
    np.testing.assert_allclose(alike[2]["scores"]["frechet_distance"]["whole"]["value"], expected, rtol=1e-4)


def test_neither_names_of_files_nor_where_they_lie_matter(alike, digits, tmp_path):
    report = alike[2]
    order = np.random.default_rng(3).permutation(HALF)
    shuffled = [write(tmp_path / name, arrays, order) for name, arrays in zip("cd", digits, strict=True)]
    np.savez(tmp_path / "one.npz", x=digits[0])
    np.save(tmp_path / "other.npy", digits[1][order] / 255)
    sets = [shuffled, (tmp_path / "one.npz", tmp_path / "other.npy"), (digits[0][order], digits[1])]
    for one, other in sets:
        found = judge(one, other)
        for key in ("scores", "verdict", "sliced_wasserstein", "two_sample_test", "near_copies", "sizes", "shared"):
            assert found[key] == report[key], key


def test_features_of_a_batch_do_not_depend_on_its_size(data_dir, monkeypatch):
    """The classifier of the digits at this size comes with gengen."""
    digits = load(name="digits", resolution=16, data_dir=data_dir).splits["train"]["data"][:400]
    found = []
    for size in (500, 37):
        monkeypatch.setattr(trained_network, "CHUNK", size)
        found.append(judge(digits[:200], digits[200:], features="digits", resolution=16)["scores"])
    assert found[0]["frechet_distance"]["extractor"]["name"] == "classifier-v1"
    for name, entry in found[0].items():
        np.testing.assert_allclose(entry["samples"]["value"], found[1][name]["samples"]["value"], rtol=1e-3, atol=1e-5)


def test_copies_of_the_reference_are_counted_exactly(digits):
    report = judge(np.concatenate([digits[0][:300], digits[1][:100]]), digits[1])
    assert report["shared"]["examples"] == 100
    assert "100 images of the input are in the reference, number for number" in said(report)


def test_compressed_copies_of_the_reference_are_told_of(digits, tmp_path):
    mixed = write(tmp_path / "jpeg", np.concatenate([digits[0][:300], digits[1][:100]]), ending="jpg", quality=75)
    report = judge(mixed, digits[1])
    assert report["shared"]["examples"] == 0
    assert 0.1 < report["near_copies"]["value"] < 0.3
    assert "are nearly copies of images of the reference" in said(report)


def test_copies_of_a_third_set_are_told_of(digits, data_dir):
    others = load(name="digits", data_dir=data_dir).splits["test"]["data"]
    copies = judge(np.concatenate([digits[0][:300], others[:100]]), digits[1], against=others)
    assert copies["shared"]["against"] == 100
    assert copies["scores"]["copied"]["samples"]["low"] > copies["scores"]["copied"]["floor"]["high"]
    assert "Training images are memorised" in said(copies)
    assert "copied" not in judge(*digits)["scores"]  # nobody was trained on the other half


def test_the_chart_shows_the_nearest_of_the_set_that_copies_are_looked_for_in(digits, monkeypatch):
    shown = []
    monkeypatch.setattr(samples, "grid", lambda pairs, columns: shown.append(pairs) or np.zeros((8, 8, 1), np.uint8))
    others = np.concatenate([digits[1][:60], digits[0]])  # more than there are training examples
    judge_sets(digits[0], digits[1], Choices(others, "coordinates")).picture()
    (pairs,) = shown
    np.testing.assert_array_equal(pairs[:16], pairs[16:])


def test_a_started_model_is_judged_by_its_samples(tmp_path, monkeypatch):
    monkeypatch.setattr(started, "PLACE", tmp_path)
    report = judge("zoo:cgan", "digits:test", resolution=16, num=200)
    assert report["input"]["examples"] == 200
    assert report["input"]["run"] == str(tmp_path / "zoo-cgan")
    assert (
        report["scores"]["frechet_distance"]["samples"]["value"]
        < report["scores"]["frechet_distance"]["noise"]["value"]
    )


def test_a_fault_is_named(digits):
    noisy = np.clip(digits[0] + np.random.default_rng(0).normal(0, 60, digits[0].shape), 0, 255).astype(np.uint8)
    report = judge(noisy, digits[1])
    assert "are told from real images by" in said(report)
    assert report["two_sample_test"]["p_value"] < 1e-6
    repeated = judge(np.repeat(digits[0][:40], 10, axis=0), digits[1])
    assert repeated["input"]["duplicates"] == 360
    assert "Images repeat as if there were about" in said(repeated)


def test_pictures_of_another_size_are_brought_to_that_of_the_reference_and_the_rule_is_said(digits, tmp_path):
    larger = write(tmp_path / "larger", digits[0], side=16)
    report = judge(larger, digits[1])
    assert report["input"]["resized"] == HALF
    assert report["input"]["enlarged"] == {"2": HALF}
    assert "bicubic" in report["rule"]
    assert report["rule"] in judged(report)
    write(tmp_path / "larger" / "more", digits[0][:30])
    with pytest.raises(Refusal, match=r"pictures of 2 sizes, of which 16x16 .* as in --resolution=16x16"):
        judge(digits[1], tmp_path / "larger")
    assert judge(digits[1], tmp_path / "larger", resolution=8)["shape"] == [8, 8, 1]


@pytest.mark.slow
def test_classes_of_folders_teach_a_classifier(data_dir, tmp_path):
    train = load(name="digits", data_dir=data_dir).splits["train"]
    for name, image, label in zip(range(600), train["data"], train["label"], strict=False):
        (tmp_path / str(label)).mkdir(exist_ok=True)
        Image.fromarray(image[..., 0]).save(tmp_path / str(label) / f"{name}.png")
    report = judge("digits:test", tmp_path, features="auto")
    assert report["scores"]["label_agreement"]["samples"]["value"] > 0.9
    assert set(report["classes"]) == {str(digit) for digit in range(10)}


def test_labels_that_do_not_agree_are_told_of(tmp_path):
    """Clouds about four corners, of which the input gives two the wrong names."""
    random, corners = np.random.default_rng(0), np.array([[0, 0], [9, 0], [0, 9], [9, 9]])
    for name, wrong in (("one", 2), ("other", 0)):
        label = random.integers(0, 4, 400)
        points = corners[label] + random.normal(size=(400, 2))
        np.savez(tmp_path / name, x=points, y=np.where(label < wrong, 1 - label, label))
    report = gengen.judge(tmp_path / "one.npz", tmp_path / "other.npz")
    assert 0.4 < report["scores"]["label_agreement"]["samples"]["value"] < 0.6
    assert "Samples are often of another class than asked for" in said(report)


@pytest.mark.parametrize("shape", [(6, 2), (3, 3, 3, 1)])
def test_series_and_volumes_are_judged_too(shape):
    random = np.random.default_rng(0)
    one, other = random.normal(size=(2, 300, *shape))
    if len(shape) == 4:  # volumes have bounds
        one, other = (1 / (1 + np.exp(-each)) for each in (one, other))
    alike, apart = (
        gengen.judge(each, other) for each in (one, np.clip(1.5 * one, 0, 1) if len(shape) == 4 else one + 1)
    )
    assert "cannot be told" in said(alike)
    assert "are told from real" in said(apart)


@pytest.mark.parametrize(
    ("one", "other", "options", "sentence"),
    [
        ("nothing/there", "digits:test", {}, "nothing/there does not exist"),
        ("digits:val", "digits:test", {}, "write digits:test or digits:train"),
        ("ring:test", "digits:test", {}, "only pictures are brought to another size"),
        ("digits:train", "digits:test", {"features": "clip"}, "--features=clip is none of auto, "),
        (
            ROWS,
            ROWS,
            {"features": "digits"},
            r"sees pictures of \[8, 8, 1\], and these are of \[6, 6, 1\]; add --resol",
        ),
        (np.zeros((3, 3)), "digits:test", {}, "holds the same example 3 times"),
    ],
)
def test_what_cannot_be_judged_is_a_sentence(one, other, options, sentence):
    with pytest.raises(Refusal, match=sentence):
        judge(one, other, **options)
