"""Labels that survive a translation, and halves of pairs that agree, where it is known of each how many there are."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from gengen.core.model import Condition, GenerativeModel
from gengen.core.parallel import example_keys
from gengen.data.domains import joined
from gengen.data.signature import DataSet, Signature
from gengen.evaluation.domain_scores import pairs_of_samples
from gengen.evaluation.extractor import Extractor
from gengen.evaluation.features import KINDS
from gengen.evaluation.judging import pick
from gengen.evaluation.translation_scores import translation
from gengen.metrics.interval import of_share
from gengen.reports.translations import sentences

pytestmark = pytest.mark.heavy

SETTINGS = ConfigDict({"features": "auto", "inception_weights": None})

CLASSES = ("left", "middle", "right")

WRONG = 30
"""Held-out images of the target whose labels are wrong."""


@pytest.fixture(autouse=True)
def nearest_mean(monkeypatch):
    """The classifier of a data set: the class whose mean of training images is nearest; it takes no training."""

    def classifier(data):
        train = data.splits["train"]
        means = np.stack([train["data"][train["label"] == k].mean(0).ravel() for k in range(3)])

        def extract(images):
            points = images.reshape(len(images), -1).astype(np.float32)
            distances = np.square(points[:, None] - means[None]).sum(-1)
            return points / 255, np.asarray(jax.nn.log_softmax(-distances / 1e4))

        name = f"means of {data.signature.name}"
        return Extractor(name, "", data.splits["train"]["data"][0].size, "none", extract, 3, 1.0)

    monkeypatch.setitem(KINDS, "picture", KINDS["picture"]._replace(classes=classifier))


def drawn(seed, labels):
    """White bars on noise, uint8 [N, 6, 6, 1]; where they stand is the class."""
    images = np.random.default_rng(seed).integers(0, 80, (len(labels), 6, 6, 1), np.uint8)
    for index, label in enumerate(labels):
        images[index, :, 2 * label : 2 * label + 2] = 255 - images[index, :, 2 * label : 2 * label + 2]
    return images


def data_set(name, folder, seed, train=300, test=200, classes=CLASSES, negative=False, wrong=0):
    splits = {}
    for index, (split, size) in enumerate({"train": train, "test": test}.items()):
        labels = np.random.default_rng([seed, index]).integers(0, 3, size).astype(np.int32)
        images = drawn([seed, index, 1], labels)
        splits[split] = {"data": 255 - images if negative else images, "label": labels}
    splits["test"]["label"][:wrong] = (splits["test"]["label"][:wrong] + 1) % 3
    if not classes:
        splits = {split: {"data": arrays["data"]} for split, arrays in splits.items()}
    counts = {"train": train, "test": test}
    return DataSet(Signature.of_pictures(name, (6, 6, 1), classes, counts, name), splits, folder)


@pytest.fixture
def data(tmp_path):
    """White bars on black, and black bars on white."""
    return joined(data_set("white", tmp_path, 0), data_set("black", tmp_path, 1, negative=True, wrong=WRONG))


def negative(key, variables, images):
    del key, variables
    return -images


def shifted(key, variables, images):
    """The negative, of the next class."""
    del key, variables
    return jnp.roll(-images, 2, axis=2)


def translating(**directions):
    return GenerativeModel(None, None, translate=directions)


def test_labels_survive_a_perfect_translation_and_not_one_that_changes_the_class(subject_of, data):
    kept = translation(subject_of(translating(ab=negative), data, SETTINGS)).found["ab"]["survival"]
    lost = translation(subject_of(translating(ab=shifted), data, SETTINGS)).found["ab"]["survival"]
    assert kept["outputs"] == of_share(200, 200)._asdict()
    assert lost["outputs"] == of_share(0, 200)._asdict()
    assert kept["real"] == lost["real"] == of_share(200 - WRONG, 200)._asdict()
    assert kept["inputs"] == lost["inputs"]
    assert kept["inputs"]["value"] < 0.5, "white bars are not what a classifier of black ones looks for"
    assert kept["classifier"] == "means of black"


def test_labels_are_those_of_the_images_that_were_picked(subject_of, data):
    """Those whose labels are wrong lie first, and are missed where they are picked."""
    found = translation(subject_of(translating(ba=negative), data, SETTINGS, num=90)).found["ba"]["survival"]
    indices, _ = pick(data.second.splits["test"]["data"], 90)
    assert found["outputs"] == of_share(90 - int((indices < WRONG).sum()), 90)._asdict()
    assert 0 < (indices < WRONG).sum() < WRONG
    assert found["real"] == of_share(200, 200)._asdict()
    assert found["classifier"] == "means of white"


@pytest.mark.parametrize("classes", [(), ("a", "b", "c"), ("middle", "left", "right")], ids=str)
def test_without_the_same_classes_no_label_can_survive(subject_of, tmp_path, classes):
    other = data_set("other", tmp_path, 1, negative=True, classes=classes)
    data = joined(data_set("white", tmp_path, 0), other)
    report = translation(subject_of(translating(ab=negative, ba=negative), data, SETTINGS, num=100)).found
    assert report["ab"]["survival"] is report["ba"]["survival"] is None
    assert "survive" not in "\n".join(sentences(report))
    assert "names right" not in "\n".join(sentences(report))


def test_data_of_which_there_are_too_few_are_not_asked_for_labels(subject_of, tmp_path):
    data = joined(data_set("white", tmp_path, 0), data_set("few", tmp_path, 1, train=20, test=20))
    report = translation(subject_of(translating(ab=negative), data, SETTINGS, num=100)).found
    assert report["ab"]["survival"] is None
    assert "few has 20 training" in report["ab"]["unfit"]


def test_survival_is_said_in_a_table(subject_of, data):
    report = translation(subject_of(translating(ab=negative), data, SETTINGS)).found
    assert json.loads(json.dumps(report)) == report
    (said,) = [sentence for sentence in sentences(report) if sentence.startswith("Labels that a classifier")]
    header, _, row = ([cell.strip() for cell in line.strip("|").split("|")] for line in said.splitlines()[2:])
    assert header[:4] == ["direction", "translations", "held-out images of the target", "inputs as they are"]
    assert row[0] == "a to b"
    assert row[1].startswith("1 [0.98")
    assert row[2].startswith("0.85 [")


def pairing(agree):
    """A model of pairs: what stands in a half is drawn for the pair, of the same class in `agree` of all pairs."""

    def sample(key, variables, n, condition=None):
        del variables

        def one(key, domain):
            kind, same, noise = jax.random.split(key, 3)
            label = jax.random.randint(kind, (), 0, 3)
            other = jnp.where(jax.random.uniform(same) < agree, label, (label + 1) % 3)
            shown = jnp.where(domain == 0, label, other)
            image = jax.random.uniform(noise, (6, 6, 1), minval=-1.0, maxval=-0.376)
            image = jnp.where(jnp.arange(6)[None, :, None] // 2 == shown, -image, image)
            return jnp.where(domain == 0, image, -image)

        return jax.vmap(one)(example_keys(key, n), condition["domain"])

    return GenerativeModel(None, None, sample=sample, conditions={"domain": Condition(classes=2)})


def test_samples_of_pairs_are_judged_in_their_own_domain(subject_of, data):
    report = translation(subject_of(pairing(1), data, SETTINGS)).found
    assert report == pairs_of_samples(subject_of(pairing(1), data, SETTINGS))
    assert list(report) == ["a", "b"]
    for name, title in (("a", "white"), ("b", "black")):
        found = report[name]
        assert (found["domain"], found["images"], found["reference"]) == (title, 300, 200)
        distance = found["scores"]["frechet_distance"]
        assert distance["outputs"]["value"] < 2 * distance["floor"]["value"]
    swapped = pairs_of_samples(subject_of(pairing(1), joined(data.second, data), SETTINGS))
    for name in "ab":
        distance = swapped[name]["scores"]["frechet_distance"]
        assert distance["outputs"]["low"] > 5 * distance["floor"]["high"]


@pytest.mark.parametrize("agree", [1.0, 0.7, 0.0])
def test_the_agreement_of_pairs_is_the_share_whose_halves_are_of_one_class(subject_of, data, agree):
    found = pairs_of_samples(subject_of(pairing(agree), data, SETTINGS, num=300, seed=3))
    agreed = found["a"]["agreement"]
    assert agreed == found["b"]["agreement"]
    assert agreed["pairs"]["low"] - 1e-9 <= agree <= agreed["pairs"]["high"] + 1e-9
    assert agreed["by_chance"]["low"] < 1 / 3 < agreed["by_chance"]["high"]
    if agree in (0, 1):
        assert agreed["pairs"]["value"] == agree


def test_other_seeds_are_other_pairs(subject_of, data):
    one, other = (pairs_of_samples(subject_of(pairing(0.7), data, SETTINGS, num=100, seed=seed)) for seed in (0, 1))
    assert one["a"]["scores"] != other["a"]["scores"]
    assert one["a"]["images"] == 100


def test_pairs_of_domains_with_other_classes_cannot_agree(subject_of, tmp_path):
    data = joined(data_set("white", tmp_path, 0), data_set("other", tmp_path, 1, classes=("a", "b", "c")))
    found = pairs_of_samples(subject_of(pairing(1), data, SETTINGS, num=60))
    assert found["a"]["agreement"] is found["b"]["agreement"] is None


def test_pairs_are_said_in_a_table_and_a_sentence(subject_of, data):
    report = pairs_of_samples(subject_of(pairing(1), data, SETTINGS))
    assert json.loads(json.dumps(report)) == report
    said = list(sentences(report))
    assert said[0].startswith("Samples that were told their domain, as images of their domain:\n\n| domain |")
    assert "inputs" not in said[0]
    assert "| b " in said[0]
    assert said[-1].startswith(
        "Both halves of a pair are of one class, by the classifier of each domain: 1 [0.987, 1] of"
    )
