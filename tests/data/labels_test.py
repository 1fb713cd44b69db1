"""Examples whose class is not known: in a data set, in its preparation, and before a model that needs to know."""

import dataclasses
import pathlib

import numpy as np
import pytest
from PIL import Image

from gengen.core.model import Condition, GenerativeModel
from gengen.core.refusal import Refusal
from gengen.data.dataset import load
from gengen.data.labels import only_labelled, present, with_labels
from gengen.data.listing import say
from gengen.data.signature import DataSet, Signature
from gengen.inference.conditions import shown_to

NAMES = ("ash", "birch", "cedar")


def of(train, test, classes=NAMES):
    """A data set of one pixel with these labels; pixel i of a split is i."""
    splits = {
        name: {
            "data": np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1),
            "label": np.asarray(labels, np.int32),
        }
        for name, labels in (("train", train), ("test", test))
    }
    counts = {name: len(split["label"]) for name, split in splits.items()}
    return DataSet(Signature.of_pictures("trees", (1, 1, 1), classes, counts, "d"), splits, pathlib.Path("none"))


def test_examples_of_known_classes_are_those_with_a_label_of_at_least_0():
    found = with_labels(of([2, -1, 0, -7, 1], [0]).splits["train"])
    assert found["label"].tolist() == [2, 0, 1]
    assert found["data"].ravel().tolist() == [0, 2, 4]
    whole = of([0, 1], [0]).splits["train"]
    assert with_labels(whole) is whole
    assert with_labels({"data": np.zeros((3, 1, 1, 1), np.uint8)})["label"].tolist() == []


def test_classes_that_no_training_image_has_are_not_present():
    assert present(of([0, 2, -1, 2], [1])) == [0, 2]
    assert present(of([-1, -1], [1])) == []


def test_what_is_left_counts_its_images_and_keeps_its_digest():
    data = of([0, -1, 1], [-1, 2])
    kept = only_labelled(data)
    assert kept.signature.counts == {"train": 2, "test": 1}
    assert kept.signature.digest == "d"
    assert only_labelled(kept) is kept


def model_of(*, supervised):
    conditions = {"label": Condition(classes=3)} if supervised else {}
    return GenerativeModel(None, None, conditions=conditions, supervised=supervised)


@pytest.mark.input(
    "Labels",
    "two of five training images without a label, and a model that is told labels",
    "guessed",
    "the two are left out, and one line says how many of each split",
)
@pytest.mark.input(
    "Labels",
    "two of five training images without a label, and a model that is not told labels",
    "taken",
    "all five are trained on",
)
def test_a_model_that_needs_labels_is_shown_labelled_images_and_the_others_are_counted(capsys):
    data = of([0, -1, 1, -1, 2], [1, 0, -1])
    assert shown_to(model_of(supervised=False), data) is data
    assert capsys.readouterr().err == ""
    shown = shown_to(model_of(supervised=True), data)
    assert shown.splits["train"]["data"].ravel().tolist() == [0, 2, 4]
    assert capsys.readouterr().err == (
        "gengen: images without a label are left out, as the model needs it: 2 of 5 in train, 1 of 3 in test\n"
    )


@pytest.mark.input(
    "Labels", "no label in a split, and a model that is told labels", "refused", "one sentence names the split"
)
@pytest.mark.parametrize(("train", "test", "what"), [([-1], [0], "training"), ([0, 1], [-1, -1], "held-out")])
def test_a_model_that_needs_labels_is_refused_where_a_split_has_none(train, test, what):
    with pytest.raises(Refusal, match=f"no {what} image of trees has one"):
        shown_to(model_of(supervised=True), of(train, test))


def test_a_model_told_labels_of_data_with_them_all_sees_the_data_set_itself():
    data = of([0, 1, 2], [0])
    assert shown_to(model_of(supervised=True), data) is data
    alone = dataclasses.replace(data.signature, fields={"data": data.signature.fields["data"]})
    without = dataclasses.replace(data, signature=alone)
    assert shown_to(model_of(supervised=True), without) is without


# Data sets of TFDS.


def builder(**splits):
    """A builder of 1x1 pictures whose splits have these labels; pictures of "test" have red 200, of others 0."""
    import tensorflow_datasets as tfds

    class GengenSomeLabels(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = {"image": tfds.features.Image(shape=(1, 1, 3)), "label": tfds.features.ClassLabel(names=NAMES)}
            return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

        def _split_generators(self, dl_manager):
            return {name: self._generate_examples(name, labels) for name, labels in splits.items()}

        def _generate_examples(self, name, labels):
            for place, label in enumerate(labels):
                red = 200 if name == "test" else 0
                yield place, {"image": Image.new("RGB", (1, 1), (red, place, 9)), "label": label}

    return GengenSomeLabels


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """Returns `(rule="hash", **labels of splits) -> the data set`."""

    def run(rule="hash", share=0.0, **splits):
        from gengen.data import dataset
        from gengen.data.sources import Source

        made = builder(**splits)(data_dir=tmp_path)
        monkeypatch.setattr(dataset, "find_source", lambda *given: Source("1", f"{rule}{share}", lambda: made, ""))
        return load(name="some_labels", data_dir=tmp_path, rule=rule, test_share=share)

    return run


@pytest.mark.input("Splits", "a TFDS data set with a split `dev`, and none named as a test", "taken", "it is held out")
@pytest.mark.parametrize("name", ["dev", "val", "eval"])
def test_a_split_for_validation_is_known_by_its_usual_names(loaded, capsys, name):
    data = loaded(**{"train": [0, 1, 2, 1], name: [2, 1]})
    assert (sorted(data.splits["test"]["label"]), data.signature.counts["train"]) == ([1, 2], 4)
    assert "held out" not in capsys.readouterr().err
    with pytest.raises(Refusal, match=r"test_share=0\.5 .* and some_labels has its own"):
        loaded(share=0.5, **{"train": [0, 1, 2, 1], name: [2, 1]})


@pytest.mark.input(
    "Splits", "a TFDS data set without a split for testing", "guessed", "a tenth is held out, and it is said"
)
def test_a_tenth_that_is_held_out_is_said(loaded, capsys):
    assert loaded(train=[0, 1] * 10).signature.counts == {"train": 18, "test": 2}
    assert (
        "some_labels has no split for testing, so a tenth of its training examples is held out"
        in capsys.readouterr().err
    )
    assert loaded(share=0.3, train=[0, 1] * 10).signature.counts == {"train": 14, "test": 6}
    assert "so 30 % of its training examples" in capsys.readouterr().err
    say.cache_clear()
    assert loaded(rule="position", train=[0, 1] * 10, dev=[1]).signature.counts == {"train": 18, "test": 2}


@pytest.mark.input(
    "Labels",
    "a TFDS data set whose test labels are all -1, with a split for validation",
    "guessed",
    "validation is held out in the place of test, and one line says so",
)
def test_validation_is_held_out_where_test_has_no_labels(loaded, capsys):
    data = loaded(train=[0, 1, 2, 1], validation=[1, 2], test=[-1, -1, -1])
    assert sorted(data.splits["test"]["label"]) == [1, 2]
    assert data.splits["test"]["data"][..., 0].max() == 0
    line = "no example of test of some_labels has a label, so its split validation is held out in its place"
    assert line in capsys.readouterr().err


@pytest.mark.input(
    "Labels",
    "a TFDS data set whose test labels are all -1, with training labels and no split for validation",
    "guessed",
    "a tenth of the training images is held out in the place of test, and one line says so",
)
@pytest.mark.parametrize(("splits", "named"), [({}, "test"), ({"validation": [-1] * 3}, "test or validation")])
def test_training_images_are_held_out_where_no_other_split_has_labels(loaded, capsys, splits, named):
    data = loaded(train=[0, 1] * 15, test=[-1] * 5, **splits)
    line = f"no example of {named} of some_labels has a label, so a tenth of its training examples is held out"
    assert line in capsys.readouterr().err
    assert data.signature.counts == {"train": 27, "test": 3}
    assert data.signature.split == "hash"
    assert data.splits["test"]["data"][..., 0].max() == 0


@pytest.mark.input(
    "Labels",
    "a TFDS data set of which some test labels are -1",
    "taken",
    "test is held out; what needs a class looks at images of known classes alone",
)
def test_one_label_is_enough_for_a_split_to_be_held_out(loaded):
    data = loaded(train=[0, 1, 2], validation=[0], test=[-1] * 300 + [2])
    assert len(data.splits["test"]["label"]) == 301
    assert with_labels(data.splits["test"])["label"].tolist() == [2]


@pytest.mark.input(
    "Labels",
    "a TFDS data set whose training labels are all -1",
    "guessed",
    "the data have no labels, and one line says so",
)
def test_training_labels_that_are_all_unknown_are_no_labels(loaded, capsys):
    data = loaded(train=[-1] * 4, test=[-1, -1])
    assert data.signature.classes == ()
    assert "label" not in data.splits["train"]
    assert data.signature.counts == {"train": 4, "test": 2}
    assert "no training example is of a known one: taken as without labels" in capsys.readouterr().err


def test_a_run_of_an_older_version_keeps_the_split_that_it_had(loaded):
    data = loaded(rule="position", train=[0, 1, 2], validation=[0], test=[-1, -1])
    assert data.splits["test"]["label"].tolist() == [-1, -1]
