"""The classifier of a data set: how well it knows the digits, and a file that is whole, its own and true."""

import dataclasses
import json

import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.data.dataset import load
from gengen.data.signature import label_field
from gengen.evaluation import trained_network
from gengen.evaluation.recipe import steps_for
from gengen.evaluation.trained_classifier import FEATURES, classifier_of
from gengen.evaluation.trained_network import digest_of

STEPS = 100


def trained(data, cache, steps=None):
    return trained_network.trained(data, classifier_of(data, steps), cache)


@pytest.fixture(scope="module")
def data(data_dir):
    return load(name="digits", resolution=16, channels=1, data_dir=data_dir)


@pytest.fixture(scope="module")
def made(data, tmp_path_factory):
    """A classifier of the digits, trained for less than it should be, and its file."""
    cache = tmp_path_factory.mktemp("classifier") / "classifier.npz"
    return trained(data, cache, steps=STEPS), cache


@pytest.fixture
def trainings(made, monkeypatch):
    """Has every training give the weights of `made`; returns the list of the trainings' steps."""
    steps = []

    def fake(recipe, signature):
        steps.append(recipe.steps)
        return made[0].weights

    monkeypatch.setattr(trained_network, "_train", fake)
    return steps


def test_a_few_seconds_suffice_to_know_the_digits(made, data):
    assert made[0].accuracy >= 0.95
    _, log_probabilities = made[0].extract(data.splits["test"]["data"])
    right = log_probabilities.argmax(1) == data.splits["test"]["label"]
    assert made[0].accuracy == pytest.approx(right.mean())


def test_features_and_probabilities_have_the_shapes_and_sums_promised(made, data):
    features, log_probabilities = made[0].extract(data.splits["test"]["data"])
    assert (features.shape, log_probabilities.shape) == ((300, FEATURES), (300, 10))
    assert features.dtype == log_probabilities.dtype == np.float32
    np.testing.assert_allclose(np.exp(log_probabilities).sum(1), 1, rtol=1e-5)
    assert np.linalg.matrix_rank(np.cov(features.T, dtype=np.float64), rtol=1e-6) == FEATURES


def test_chunks_do_not_show_in_what_is_extracted(made, data, monkeypatch):
    images = data.splits["test"]["data"][:20]
    whole = made[0].extract(images)
    monkeypatch.setattr(trained_network, "CHUNK", 8)
    for chunked, at_once in zip(made[0].extract(images), whole, strict=True):
        np.testing.assert_allclose(chunked, at_once, atol=1e-5)
    assert [part.shape for part in made[0].extract(images[:0])] == [(0, FEATURES), (0, 10)]


@pytest.mark.parametrize("wrong", [np.zeros((2, 16, 16, 1), np.float32), np.zeros((2, 8, 8, 1), np.uint8)])
def test_other_images_are_refused(made, wrong):
    with pytest.raises(ValueError, match=r"uint8 \[N, 16, 16, 1\]"):
        made[0].extract(wrong)


def test_two_trainings_from_one_seed_are_the_same_and_from_another_differ(data, tmp_path, monkeypatch):
    first, second = (trained(data, tmp_path / name, steps=2) for name in ("a.npz", "b.npz"))
    monkeypatch.setattr(trained_network, "SEED", 1)
    other = trained(data, tmp_path / "a.npz", steps=2)
    assert first.digest == second.digest != other.digest
    assert other.metadata["seed"] == 1


def test_the_file_is_read_back_as_it_was_written(made, data, trainings):
    classifier_made, cache = made
    before = cache.stat().st_mtime_ns
    again = trained(data, cache, steps=STEPS)
    assert not trainings
    assert cache.stat().st_mtime_ns == before
    assert (again.name, again.digest, again.accuracy) == ("classifier-v1", classifier_made.digest, made[0].accuracy)
    assert again.metadata == classifier_made.metadata
    images = data.splits["test"]["data"][:10]
    for ours, theirs in zip(again.extract(images), classifier_made.extract(images), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with np.load(cache, allow_pickle=False) as file:
        assert json.loads(str(file["metadata"]))["data"] == data.signature.digest


def with_other_weights(content, cache):
    cache.write_bytes(content)
    with np.load(cache) as file:
        arrays = {name: file[name] for name in file.files}
    arrays["params/Dense_1/bias"] = arrays["params/Dense_1/bias"] + np.float32(1e-6)
    np.savez(cache, **arrays)


def with_metadata(change):
    def damage(content, cache):
        cache.write_bytes(content)
        with np.load(cache) as file:
            arrays = {name: file[name] for name in file.files}
        metadata = {**json.loads(str(arrays["metadata"])), **change}
        np.savez(cache, **{**arrays, "metadata": np.asarray(json.dumps(metadata))})

    return damage


DAMAGES = {
    "empty": lambda content, cache: cache.write_bytes(b""),
    "cut": lambda content, cache: cache.write_bytes(content[: len(content) // 2]),
    "flipped": lambda content, cache: cache.write_bytes(
        content[: len(content) // 2] + b"\xff\x00\xff" + content[len(content) // 2 + 3 :]
    ),
    "no archive": lambda content, cache: cache.write_bytes(b"weights" * 100),
    "other weights": with_other_weights,
    "no metadata": lambda content, cache: np.savez(cache, weights=np.zeros(3)),
    "metadata of another kind": lambda content, cache: np.savez(cache, metadata=np.asarray("[1]")),
    "other data": with_metadata({"data": "another"}),
    "other architecture": with_metadata({"architecture": "another"}),
    "other steps": with_metadata({"steps": STEPS + 1}),
    "a folder that is not there": lambda content, cache: cache.parent.rmdir(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_damaged_or_of_something_else_is_written_anew(made, data, trainings, tmp_path, damage):
    cache = tmp_path / "folder" / "classifier.npz"
    cache.parent.mkdir()
    DAMAGES[damage](made[1].read_bytes(), cache)
    again = trained(data, cache, steps=STEPS)
    assert trainings == [STEPS]
    assert trained(data, cache, steps=STEPS).digest == again.digest == made[0].digest
    assert trainings == [STEPS]
    assert [file.name for file in cache.parent.iterdir()] == ["classifier.npz"]


def test_a_file_that_cannot_be_written_leaves_nothing_and_takes_nothing(
    made, data, trainings, tmp_path, monkeypatch, capsys
):
    def full(file, **arrays):
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    again = trained(data, tmp_path / "classifier.npz", steps=STEPS)
    assert again.digest == made[0].digest
    assert not list(tmp_path.iterdir())
    assert "No space left on device" in capsys.readouterr().err


def test_a_training_says_what_it_does_in_two_lines_and_a_reading_nothing(data, made, trainings, tmp_path, capsys):
    trained(data, tmp_path / "classifier.npz", steps=STEPS)
    first, second = capsys.readouterr().err.splitlines()
    assert "training the classifier whose features judge samples of digits" in first
    assert made[0].digest in second
    trained(data, tmp_path / "classifier.npz", steps=STEPS)
    assert not capsys.readouterr().err


@pytest.mark.parametrize(("classes", "words"), [((), "no labels"), (("only",), "training images of one class alone")])
def test_data_without_labels_are_refused(data, tmp_path, classes, words):
    signature = dataclasses.replace(
        data.signature, fields={"data": data.signature.fields["data"], "label": label_field(classes)}
    )
    with pytest.raises(Refusal, match=f"digits has {words}"):
        trained(dataclasses.replace(data, signature=signature), tmp_path / "classifier.npz")


def test_the_digest_covers_names_shapes_and_values_but_not_their_order():
    a, b = np.arange(6, dtype=np.float32), np.ones(2, np.float32)
    digest = digest_of({"a": a, "b": b})
    assert digest == digest_of({"b": b, "a": a})
    others = [{"a": b, "b": a}, {"a": a.reshape(2, 3), "b": b}, {"a": a + 1, "b": b}, {"a": a}]
    assert len({digest, *map(digest_of, others)}) == 5


@pytest.mark.parametrize(("images", "steps"), [(1, 50), (1_498, 400), (50_000, 2_250), (60_000, 2_450)])
def test_steps_grow_with_the_root_of_the_number_of_images(images, steps):
    assert steps_for(images) == steps


@pytest.mark.slow
@pytest.mark.parametrize("resolution", [8, 16])
def test_the_embedded_digits_are_known(resolution, data_dir, tmp_path):
    data = load(name="digits", resolution=resolution, channels=1, data_dir=data_dir)
    assert trained(data, tmp_path / "classifier.npz").accuracy >= 0.98


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("mnist", 0.992), ("fashion_mnist", 0.91)])
def test_the_classifier_reaches_the_accuracy_expected_of_it(name, least, data_dir, test_data, tmp_path):
    data = load(name=name, resolution=28, channels=1, data_dir=data_dir, manual_dir=test_data / name)
    assert trained(data, tmp_path / "classifier.npz").accuracy >= least
