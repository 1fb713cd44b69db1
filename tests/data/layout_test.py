"""What folders mean: splits and domains by name, however spelled and nested; one sentence where it is not clear."""

import pytest

from gengen.core.refusal import Refusal
from gengen.data.layout import Role, places, role


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (("train", "Training", "TRN", "train_set", "train-images", "trainset", "train2017", "trainval"), "train"),
        (("test", "Testing", "TST", "test data", "TestSet", "test.split"), "test"),
        (("val", "Valid", "VALIDATION", "dev", "dev_set", "eval", "held-out", "Held_Out", "val2014"), "val"),
    ],
)
def test_usual_names_of_splits_are_known_in_any_case_and_spelling(names: tuple[str, ...], split: str) -> None:
    assert {role(name) for name in names} == {Role(split, "")}


@pytest.mark.parametrize("name", ["trainA", "train_A", "TRAIN_a", "traina", "Training-A"])
def test_a_letter_after_a_split_is_a_domain(name: str) -> None:
    assert role(name) == Role("train", "A")


@pytest.mark.parametrize(
    "name", ["a", "b", "C", "cat", "trains", "contest", "valley", "device", "interval", "train_test"]
)
def test_other_names_are_classes(name: str) -> None:
    assert role(name) is None


def placed(*folders: str) -> list[tuple[str, str, str]]:
    """(split, domain, class) of one picture in each folder."""
    found = places("F", [f"{folder}/{number}.png".removeprefix("./") for number, folder in enumerate(folders)])
    return [place[:3] for place in found]


@pytest.mark.input(
    "Folders of pictures", "`Train/{cat,dog}` beside `Val/{cat,dog}`", "guessed", "splits, of which Val is held out"
)
@pytest.mark.input(
    "Folders of pictures", "`{cat,dog}/train` and `{cat,dog}/test`", "guessed", "splits below classes cat and dog"
)
@pytest.mark.input(
    "Folders of pictures",
    "`set/train/images/{cat,dog}`",
    "guessed",
    "the single folders `set`, `images` are no classes",
)
@pytest.mark.parametrize(
    "folders",
    [
        ("train/cat", "train/dog", "test/cat", "test/dog"),
        ("outer/Training_Set/cat", "outer/Training_Set/dog", "outer/TEST/cat", "outer/TEST/dog"),
        ("cat/train", "dog/train", "cat/test", "dog/test"),
        ("x/cat/trn/deeper", "x/dog/trn", "x/cat/tst", "x/dog/tst/deeper"),
        ("train/images/cat", "train/images/dog", "test/images/cat", "test/images/dog"),
        ("images/train/cat", "images/train/dog", "images/test/cat", "images/test/dog"),
        ("seg_train/seg_train/cat", "seg_train/seg_train/dog", "seg_test/seg_test/cat", "seg_test/seg_test/dog"),
        ("set train/cat", "set train/dog", "set test/cat/deeper", "set test/dog"),
    ],
)
def test_splits_are_found_wherever_they_lie(folders: tuple[str, ...]) -> None:
    assert placed(*folders) == [("train", "", "cat"), ("train", "", "dog"), ("test", "", "cat"), ("test", "", "dog")]


@pytest.mark.input(
    "Folders of pictures", "`trainA`, `trainB`, `testA`, `testB`", "guessed", "two domains, each with its splits"
)
@pytest.mark.input("Folders of pictures", "`A` and `B` below `train` and `test`", "guessed", "two domains")
@pytest.mark.parametrize(
    "folders",
    [
        ("trainA", "trainB", "testA", "testB"),
        ("zebras/train_a", "zebras/train_b", "zebras/test_a", "zebras/test_b"),
        ("train/A", "train/B", "test/A", "test/B"),
        ("A/training", "B/training", "A/test", "B/test"),
    ],
)
def test_two_domains_are_found_wherever_they_lie(folders: tuple[str, ...]) -> None:
    assert placed(*folders) == [("train", "A", ""), ("train", "B", ""), ("test", "A", ""), ("test", "B", "")]


def test_domains_may_hold_classes_and_no_splits() -> None:
    assert placed("A/cat", "A/dog", "B/cat", "B/dog") == [
        ("", "A", "cat"),
        ("", "A", "dog"),
        ("", "B", "cat"),
        ("", "B", "dog"),
    ]


@pytest.mark.parametrize(
    "folders",
    [
        ("a", "b"),
        ("A", "B", "C"),
        ("train_station", "bus_stop"),
        ("train station", "train track"),
        ("test tube", "dev board"),
        ("vehicles", "animals"),
    ],
)
def test_what_only_resembles_splits_and_domains_are_classes(folders: tuple[str, ...]) -> None:
    assert placed(*folders) == [("", "", folder) for folder in folders]


def test_below_splits_and_classes_a_split_s_name_is_one_of_others() -> None:
    assert {label for _, _, label in placed("train/bus", "train/train", "test/bus", "test/train")} == {"bus", "train"}
    assert {label for _, _, label in placed("x/bus", "x/train", "y/car", "y/cab")} == {"x", "y"}


@pytest.mark.input(
    "Folders of pictures", "`train` beside a folder of another kind", "refused", "lists the folders and their pictures"
)
@pytest.mark.input(
    "Folders of pictures", "`train/{cat,dog}` and `test/{cat,bird}`", "refused", "lists the classes of each split"
)
@pytest.mark.input("Folders of pictures", "`test` and `val` without `train`", "refused", "lists the folders")
@pytest.mark.parametrize(
    ("folders", "words"),
    [
        (("train", "extra", "extra"), r"F holds extra \(2\), train \(1\), of which not all have names of splits"),
        (("airplane", "train", "bus"), "rename those that are classes"),
        (("trainA", "test"), "not of the same kind"),
        (("cat_train", "cat_test", "dog_train"), "not of the same kind"),
        (("seg_train", "seg_test", "seg_pred"), "not all have names of splits"),
        (("cat/train", "cat/test", "dog/day"), r"F holds day \(1\), test \(1\), train \(1\), of which"),
        (("test", "val"), r"F holds test \(1\), val \(1\), and none is named train"),
        (("train", "Train", "test"), "of which two mean the same"),
        (("val", "dev", "train"), "of which two mean the same"),
        (("train/cat", "test/dog"), "call a class the same in all of them"),
        (("cat/train", "cat/test", "dog"), r"F holds dog/2\.png beside test \(1\), train \(1\)"),
        (("train", "test", "."), r"F holds 2\.png beside test"),
        (("train/cat", "train/dog", "test"), r"F/test/2\.png lies beside class folders \(cat \(1\), dog \(1\)\)"),
    ],
)
def test_what_is_not_clear_is_one_sentence_with_what_was_seen(folders: tuple[str, ...], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        placed(*folders)


@pytest.mark.input("Names", "class folders `Café` and `Café`, composed and not", "guessed", "one class")
def test_both_spellings_of_an_accent_are_one_class() -> None:
    assert {label for _, _, label in placed("Cafe\u0301", "Caf\u00e9", "x")} == {"Caf\u00e9", "x"}
    assert {label for _, _, label in placed("train/e\u0301", "train/x", "test/\u00e9", "test/x")} == {"\u00e9", "x"}
    assert placed("n\u0303", "\u00f1") == [("", "", "")] * 2, "a single class is none"


def test_blanks_around_a_name_do_not_count_and_a_name_of_blanks_is_quoted() -> None:
    """TFDS strips the names of classes when it reads them back."""
    assert placed("cat ", " ", "dog") == [("", "", "cat"), ("", "", "' '"), ("", "", "dog")]
