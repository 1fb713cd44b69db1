"""Labels of -1 are no class: not of the classifier, the judge, probes, codes, recognition, or a map of codes."""

import dataclasses
import importlib
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from gengen.api import ready, train
from gengen.core.model import Condition, GenerativeModel
from gengen.core.refusal import Refusal
from gengen.data.dataset import load
from gengen.data.domains import joined
from gengen.data.labels import with_labels
from gengen.evaluation import domain_scores, features, trained_network
from gengen.evaluation.codes import codes
from gengen.evaluation.judging import Judge
from gengen.evaluation.likelihoods import likelihood
from gengen.evaluation.recipe import steps_for
from gengen.evaluation.recognition import recognition
from gengen.evaluation.representation import representation
from gengen.evaluation.trained_classifier import classifier_of
from gengen.metrics.examples import Examples
from gengen.metrics.interval import of_share
from gengen.pictures.maps import UNKNOWN, Map, save_maps

SETTINGS = ConfigDict({"features": "auto", "inception_weights": None})


def forgotten(data, split, indices):
    """The data set with unknown labels at some places of a split."""
    labels = data.splits[split]["label"].copy()
    labels[indices] = -1
    return dataclasses.replace(data, splits={**data.splits, split: {**data.splits[split], "label": labels}})


@pytest.fixture(scope="module")
def digits(data_dir):
    """The digits with the labels of every second training image and of all held-out ones but 60."""
    data = load(name="digits", data_dir=data_dir)
    return forgotten(forgotten(data, "train", slice(None, None, 2)), "test", slice(60, None))


@pytest.fixture
def right(digits, monkeypatch):
    """Puts a classifier in the place of the trained one that finds the class in an image's first pixels."""

    class Right:
        name, digest, accuracy, metadata = "right", "0" * 12, 1.0, {"count": 1}

        @staticmethod
        def extract(images):
            seen = images.reshape(len(images), -1)[:, 20:30].astype(np.float32) / 32
            return seen, np.asarray(jax.nn.log_softmax(seen))

    monkeypatch.setattr(features, "trained", lambda data, recipe, cache: Right)


@pytest.mark.input(
    "Labels",
    "every second training label unknown, and most test labels",
    "taken",
    "the classifier is taught and tested by images of known classes, whose number its accuracy is of",
)
def test_the_classifier_is_taught_and_tested_by_known_labels(digits, tmp_path, monkeypatch):
    taught = {}
    fed = trained_network.batches
    monkeypatch.setattr(trained_network, "batches", lambda arrays, **how: taught.update(arrays) or fed(arrays, **how))
    made = trained_network.trained(digits, classifier_of(digits, 50), tmp_path / "classifier.npz")
    assert taught["label"].min() == 0
    assert len(taught["label"]) == len(taught["data"]) == (digits.splits["train"]["label"] >= 0).sum()
    assert made.metadata["count"] == 60
    assert classifier_of(digits).steps < steps_for(digits.signature.counts["train"])


@pytest.mark.input(
    "Labels",
    "training images of one class alone, though the data name ten",
    "refused",
    "no classifier can be trained; without one, small pictures are judged by their coordinates",
)
def test_one_class_that_has_images_is_one_class_alone(digits, tmp_path):
    alone = forgotten(digits, "train", digits.splits["train"]["label"] != 3)
    with pytest.raises(Refusal, match="digits has training images of one class alone"):
        classifier_of(alone)
    assert features.extractors(alone, SETTINGS).features.name == "coordinates"


def test_shares_of_classes_are_of_known_ones_and_all_images_are_judged(digits, right):
    judge = Judge(digits, SETTINGS, num=200)
    known = with_labels(digits.splits["train"])["label"]
    np.testing.assert_array_equal(judge.real.counts, np.bincount(known))
    assert len(judge.training) == digits.signature.counts["train"]
    assert len(judge.real.reference.data) == digits.signature.counts["test"]
    assert judge.asked is None


def test_samples_are_asked_to_be_of_known_classes_and_set_beside_images_of_these(digits, right):
    judge = Judge(digits, SETTINGS, num=200, labelled=True)
    assert judge.asked.min() >= 0
    assert judge.real.reference.asked.min() >= 0
    assert len(judge.real.reference.data) == 60
    np.testing.assert_array_equal(judge.floor.data, judge.training[judge.floor.indices])


@pytest.mark.input(
    "Labels",
    "a class without a training image",
    "guessed",
    "there are no scores of classes, and one line says so; other scores are measured",
)
def test_a_class_without_an_image_is_told_in_a_line(digits, right, capsys):
    without = forgotten(digits, "train", digits.splits["train"]["label"] == 7)
    judge = Judge(without, SETTINGS, num=200)
    assert judge.real.shares is None
    assert "class_divergence" not in judge.names
    said = "gengen: 1 of the 10 classes of digits have no training image, so there are no scores of classes"
    assert said in capsys.readouterr().err


def looking(data, **conditions):
    """A model that finds the class of an image in its mean, right or wrong alike for images that are alike."""

    def recognise(key, variables, images):
        return {"label": jax.nn.one_hot((images.sum((1, 2, 3)) * 7).astype(jnp.int32) % 10, 10)}

    def encode(key, variables, images, condition=None):
        return images.reshape(len(images), -1)[:, 20:24]

    return GenerativeModel(
        None, None, conditions={"label": Condition(classes=10)} | conditions, recognise=recognise, encode=encode
    )


def test_codes_probes_and_recognition_count_images_of_known_classes(subject_of, digits):
    model = looking(digits)
    known = with_labels(digits.splits["test"])
    images = known["data"].astype(np.float32) / np.float32(127.5) - 1
    seen = np.asarray(model.recognise(None, None, images)["label"].argmax(-1))
    expected = of_share(int((seen == known["label"]).sum()), 60)
    found = recognition(subject_of(model._replace(conditions={}), digits)).found
    assert (found["images"], found["accuracy"]) == (60, expected._asdict())
    code = codes(subject_of(model, digits)).found["label"]
    assert code["test"] == 60
    assert code["error"]["value"] == pytest.approx(1 - expected.value)
    probed = representation(subject_of(model, digits)).found["linear"]
    assert (probed["train"], probed["test"]) == (len(with_labels(digits.splits["train"])["label"]), 60)


@pytest.mark.input(
    "Labels",
    "held-out images of which no class is known",
    "taken",
    "nothing is said of accuracy: no probe, no error of codes, no recognition, no agreement",
)
def test_nothing_is_said_of_classes_that_no_held_out_image_has(subject_of, digits):
    none = forgotten(digits, "test", slice(None))
    model = looking(none)
    assert recognition(subject_of(model._replace(conditions={}), none)) is None
    assert codes(subject_of(model, none)) is None
    assert representation(subject_of(model, none)) is None


def test_likelihoods_of_a_model_that_is_told_labels_are_of_images_of_known_classes(subject_of, digits):
    labels = []

    def log_likelihood(key, variables, data, condition, samples):
        jax.debug.callback(lambda label: labels.append(np.asarray(label)), condition["label"])
        return data.sum((1, 2, 3))

    model = looking(digits)._replace(log_likelihood=log_likelihood)
    found = likelihood(subject_of(model, digits, {"importance_samples": (1,)})).found
    jax.effects_barrier()
    assert found["1"]["images"] == 60
    assert np.concatenate(labels).min() >= 0


@pytest.mark.input(
    "Labels", "codes of images whose class is not known", "taken", "their points of the map are grey, and named so"
)
def test_points_of_unknown_classes_are_grey(tmp_path):
    points = np.random.default_rng(0).normal(size=(40, 2))
    save_maps(tmp_path / "known.png", "t", [Map("m", points, np.repeat([0, 1], 20))], ("a", "b"))
    save_maps(tmp_path / "some.png", "t", [Map("m", points, np.repeat([0, -1], 20))], ("a", "b"))
    from PIL import Image

    grey = np.full(3, round(float(UNKNOWN) * 255))
    counts = [
        (np.abs(np.asarray(Image.open(tmp_path / f"{name}.png")).astype(int) - grey).max(-1) <= 1).sum()
        for name in ("known", "some")
    ]
    assert counts[1] > 2 * counts[0] + 100


@pytest.mark.parametrize(("experiment", "left"), [("cgan", True), ("cvae", True), ("adapt", True), ("gan", False)])
def test_only_models_that_need_labels_train_without_the_others(digits, tmp_path, monkeypatch, capsys, experiment, left):
    config = importlib.import_module(f"configs.{experiment}").get_config("tiny")
    data = joined(digits, digits) if "second" in config.data else digits
    shown = []
    monkeypatch.setattr(ready, "load_data", lambda config, rule: data)
    monkeypatch.setattr(train._Run, "__init__", lambda self, config, workdir, made, *rest: shown.append(made.shown))
    monkeypatch.setattr(train._Run, "go", lambda self: tmp_path)
    with jax.numpy_dtype_promotion("standard"):
        train.run(config, tmp_path / "run")
    labels = shown[0].splits["train"]["label"]
    assert (labels.min() >= 0) == left
    assert ("749 of 1,497 in train, 240 of 300 in test" in capsys.readouterr().err) == left
    assert json.loads((tmp_path / "run" / "data.json").read_text())["counts"]["train"] == 1497


def test_labels_survive_among_images_of_known_classes():
    seen = Examples(*[np.zeros((4, 1))] * 3, None, np.log(np.eye(2)[[0, 1, 1, 0]] + 0.1))
    assert domain_scores._right(seen, np.array([0, -1, 1, 1])) == of_share(2, 3)
