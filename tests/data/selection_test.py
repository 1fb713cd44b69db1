"""A part of a data set: chosen by fixed rules, balanced where it should be, and refused in one sentence."""

import pathlib
from typing import Any

import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.data.dataset import load
from gengen.data.pipeline import batches
from gengen.data.selection import Selection, streams
from gengen.data.signature import DataSet, Signature

CLASSES = ("cat", "dog", "7", "owl")


def made(train: int = 20, test: int = 8, *, classes: tuple[str, ...] = CLASSES, digest: str = "abc") -> DataSet:
    """Images [N, 1, 1, 1] that hold their places, and labels 0, 1, 2, 3, 0, ... if there are classes."""
    splits = {}
    for split, count in (("train", train), ("test", test)):
        splits[split] = {"data": np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1)}
        if classes:
            splits[split]["label"] = np.arange(count, dtype=np.int32) % len(classes)
        for array in splits[split].values():
            array.flags.writeable = False
    signature = Signature.of_pictures("toy", (1, 1, 1), classes, {"train": train, "test": test}, digest)
    return DataSet(signature, splits, pathlib.Path("folder"))


def places(data: DataSet, split: str) -> list[int]:
    """The places that a split's images had; the arrays of the split must fit together and be for reading only."""
    arrays = data.splits[split]
    assert data.signature.counts[split] == len(arrays["data"])
    assert not any(array.flags.writeable for array in arrays.values())
    found = arrays["data"].ravel().astype(int)
    if "label" in arrays:
        assert arrays["label"].dtype == np.int32
        np.testing.assert_array_equal(arrays["label"], found % len(data.signature.classes))
    return found.tolist()


def test_the_defaults_leave_everything_as_it_was(data_dir: pathlib.Path) -> None:
    data = made()
    assert Selection().of(data) is data
    assert Selection(classes=CLASSES).of(data) is data  # all of them
    assert Selection().of(made(classes=())).signature.classes == ()
    plain = load(name="digits", data_dir=data_dir)
    again = load(name="digits", data_dir=data_dir, classes=(), held_out=0.0, labelled=0)
    assert again.signature == plain.signature and again.folder == plain.folder
    assert list(again.signature.counts) == list(again.splits) == ["train", "test"]
    # Recorded before there were selections: runs of that time must go on.
    assert plain.signature.digest == "d5071b287d06b784"


def test_classes_restrict_both_splits_and_labels_keep_their_numbers() -> None:
    data = Selection(classes=("owl", "dog")).of(made())
    assert places(data, "train") == [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]
    assert places(data, "test") == [1, 3, 5, 7]
    assert set(data.splits["train"]["label"]) == {1, 3}
    assert data.signature.classes == CLASSES
    assert data.signature.counts == {"train": 10, "test": 4}


@pytest.mark.parametrize(
    ("classes", "numbers"),
    [((0,), {0}), (("0", "dog", 0), {0, 1}), ((7,), {2}), (("7",), {2}), ((2,), {2}), ("owl", {3}), (["3"], {3})],
)
def test_a_number_is_that_of_a_class_unless_a_class_has_it_as_its_name(classes: Any, numbers: set[int]) -> None:
    assert set(Selection(classes=classes).of(made()).splits["test"]["label"]) == numbers


def test_held_out_images_are_chosen_by_a_recorded_rule() -> None:
    data = Selection(held_out=0.25).of(made())
    assert places(data, "held_out") == HELD_OUT
    assert places(data, "train") == [place for place in range(20) if place not in HELD_OUT]
    assert places(data, "test") == list(range(8))


HELD_OUT = [3, 4, 7, 8, 13]


def test_what_is_held_out_depends_on_the_number_of_images_alone() -> None:
    unlabelled = Selection(held_out=0.25).of(made(test=3, classes=(), digest="other"))
    assert places(unlabelled, "held_out") == HELD_OUT
    assert places(Selection(held_out=0.25).of(made(16)), "held_out") != [place for place in HELD_OUT if place < 16]


@pytest.mark.parametrize(("share", "number"), [(0.001, 1), (0.1, 150), (0.5, 748), (0.999, 1496)])
def test_held_out_and_train_are_disjoint_and_complete(data_dir: pathlib.Path, share: float, number: int) -> None:
    whole = load(name="digits", data_dir=data_dir)
    data = load(name="digits", data_dir=data_dir, held_out=share)
    assert data.signature.counts == {"train": 1497 - number, "test": 300, "held_out": number}
    both = np.concatenate([data.splits[split]["data"] for split in ("train", "held_out")])
    assert sorted(map(bytes, both)) == sorted(map(bytes, whole.splits["train"]["data"]))
    np.testing.assert_array_equal(data.splits["test"]["data"], whole.splits["test"]["data"])


def test_a_larger_share_holds_out_all_that_a_smaller_one_does() -> None:
    chosen = [set(places(Selection(held_out=share).of(made(200)), "held_out")) for share in (0.1, 0.2, 0.7)]
    assert [len(part) for part in chosen] == [20, 40, 140]
    assert chosen[0] < chosen[1] < chosen[2]


def test_held_out_images_are_drawn_evenly() -> None:
    """Of 200 places 100 are chosen: 50 of each half on average, by a hypergeometric law of deviation 3.5."""
    chosen = places(Selection(held_out=0.5).of(made(200)), "held_out")
    assert abs(sum(place < 100 for place in chosen) - 50) < 18
    assert chosen == sorted(chosen)


def test_labelled_images_are_chosen_by_a_recorded_rule() -> None:
    data = Selection(labelled=6).of(made())
    assert places(data, "labelled") == LABELLED
    assert places(data, "train") == list(range(20))


LABELLED = [1, 5, 6, 11, 12, 16]


@pytest.mark.parametrize("number", [10, 15, 100, 1000])
def test_labelled_images_are_as_many_of_each_class(data_dir: pathlib.Path, number: int) -> None:
    data = load(name="digits", data_dir=data_dir, labelled=number)
    counts = np.bincount(data.splits["labelled"]["label"], minlength=10)
    assert counts.sum() == data.signature.counts["labelled"] == number
    assert counts.max() - counts.min() == (number % 10 > 0)
    assert data.signature.counts["train"] == len(data.splits["train"]["label"]) == 1497
    pairs = {
        split: {(image.tobytes(), int(label)) for image, label in zip(arrays["data"], arrays["label"], strict=True)}
        for split, arrays in data.splits.items()
    }
    assert pairs["labelled"] <= pairs["train"] and len(pairs["labelled"]) == number


def test_all_images_may_be_labelled_where_classes_are_of_one_size() -> None:
    assert places(Selection(labelled=20).of(made()), "labelled") == list(range(20))


def test_images_without_a_known_class_are_never_labelled() -> None:
    data = made()
    label = np.where(np.arange(20) % 2, data.splits["train"]["label"], -1)
    partly = DataSet(data.signature, {**data.splits, "train": {**data.splits["train"], "label": label}}, data.folder)
    assert set(Selection(labelled=4).of(partly).splits["labelled"]["label"]) == {1, 3}


def test_selections_combine() -> None:
    data = Selection(classes=("cat", 1), held_out=0.2, labelled=4).of(made(40))
    train, held_out, labelled = (places(data, split) for split in ("train", "held_out", "labelled"))
    assert sorted(train + held_out) == [place for place in range(40) if place % 4 < 2]
    assert len(held_out) == 4 and set(labelled) <= set(train)
    assert np.bincount(data.splits["labelled"]["label"]).tolist() == [2, 2]
    assert data.signature.counts == {"train": 16, "test": 4, "held_out": 4, "labelled": 4}
    assert Signature.from_json(data.signature.to_json()) == data.signature


def test_digest_and_folder_tell_parts_of_the_judged_data_apart() -> None:
    data = made(40)
    selections = [{}, {"classes": ("cat",)}, {"classes": ("dog",)}, {"held_out": 0.2}, {"held_out": 0.4}]
    parts = [Selection(**selection).of(data) for selection in selections]
    assert len({part.signature.digest for part in parts}) == len({part.folder for part in parts}) == 5
    assert all(part.folder.parent == data.folder for part in parts[1:])
    other = Selection(classes=("cat",)).of(made(40, digest="other"))
    assert other.signature.digest != parts[1].signature.digest
    # What keeps its label changes neither what is learnt from nor what is judged against.
    labelled = Selection(labelled=4).of(data)
    assert labelled.signature.digest == data.signature.digest and labelled.folder == data.folder
    assert Selection(held_out=0.2).of(data).signature.digest == parts[3].signature.digest


def test_a_model_sees_no_label_that_it_should_not() -> None:
    data = made()
    assert streams(data) == data.splits["train"]
    assert set(streams(made(classes=()))) == {"data"}
    fed = streams(Selection(labelled=4).of(data))
    assert set(fed) == {"data", "labelled"}
    (batch,) = batches(fed, seed=0, batch_size=20, windows=[(0, 1)], devices=1)
    np.testing.assert_array_equal(np.sort(batch["data"].ravel()), np.arange(20))
    assert np.bincount(batch["labelled"]["label"].ravel()).tolist() == [5, 5, 5, 5]


@pytest.mark.parametrize(
    ("data", "selection", "sentence"),
    [
        (
            made(),
            {"classes": ("dgo",)},
            r"classes=dgo is no class of toy; did you mean dog\? It has cat, dog, 7, owl\.",
        ),
        (made(), {"classes": (4,)}, "classes=4 is no class of toy; it has cat, dog, 7, owl"),
        (made(), {"classes": (-1,)}, "classes=-1 is no class"),
        (made(), {"classes": ("",)}, "classes= is no class"),
        (
            made(classes=tuple(f"c{n}" for n in range(30))),
            {"classes": ("x",)},
            "classes=x is no class of toy; it has 30, from c0 to c29",
        ),
        (made(classes=()), {"classes": (0, "dog")}, "classes=0, dog needs labels, and toy has none"),
        (made(test=3), {"classes": ("owl",)}, "classes=owl leaves no example of toy in test"),
        (made(train=2), {"classes": ("7", "owl")}, "classes=7, owl leaves no example of toy in train"),
        (made(), {"held_out": 0.01}, "held_out=0.01 sets aside 0 of 20 training examples; each part needs one"),
        (made(), {"held_out": 0.99}, "held_out=0.99 sets aside 20 of 20"),
        (made(), {"labelled": 3}, "labelled=3 should be at least 4, one example of each class"),
        (made(), {"labelled": 21}, "labelled=21 needs 6 training examples of class cat, and there are 5"),
        (made(19), {"labelled": 20}, "labelled=20 needs 5 training examples of class owl, and there are 4"),
        (made(classes=()), {"labelled": 4}, "labelled=4 needs labels, and toy has none"),
    ],
)
def test_what_cannot_be_selected_is_refused(data: DataSet, selection: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refusal, match="^--config.data." + sentence) as caught:
        Selection(**selection).of(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("selection", "sentence"),
    [
        ({"held_out": 1.0}, r"held_out=1\.0 should be a share"),
        ({"held_out": -0.1}, r"held_out=-0\.1 should be a share"),
        ({"held_out": float("nan")}, "held_out=nan should be a share"),
        ({"labelled": -1}, "labelled=-1 should be a number of examples, or 0"),
    ],
)
def test_numbers_out_of_range_are_refused_before_data_are_prepared(
    tmp_path: pathlib.Path, selection: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Refusal, match="^--config.data." + sentence):
        load(name="digits", data_dir=tmp_path, **selection)
    assert not list(tmp_path.iterdir())
