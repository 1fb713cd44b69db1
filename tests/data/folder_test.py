"""The user's own pictures, from a folder or a zip: splits, classes, and one sentence for each thing that is wrong."""

import os
import pathlib
import zipfile

import numpy as np
import pytest
from PIL import Image

from gengen.core.refusal import Refusal
from gengen.data.dataset import load
from gengen.data.folder import list_folder


def picture(path: pathlib.Path, value: int = 0, size: tuple[int, int] = (6, 6), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, value).convert(mode).save(path)


@pytest.fixture
def two_classes(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder of 12 pictures of each of two classes, with the clutter that real folders hold."""
    root = tmp_path / "pictures"
    for place in range(12):
        picture(root / "cats" / f"{place:02}.png", place)
        picture(root / "dogs" / "deeper" / f"{place:02}.PNG", 100 + place)
    for clutter in ("notes.txt", ".DS_Store", "cats/._00.png", "__MACOSX/cats/._00.png"):
        (root / clutter).parent.mkdir(parents=True, exist_ok=True)
        (root / clutter).write_bytes(b"no picture")
    return root


def test_folders_are_classes_and_once_every_tenth_picture_was_for_testing(
    two_classes: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    data = load(name="image_folder", manual_dir=two_classes, data_dir=tmp_path / "data", rule="position")
    assert data.signature.classes == ("cats", "dogs")
    assert data.signature.counts == {"train": 21, "test": 3} and data.signature.split == "position"
    assert data.signature.shape == (6, 6, 3)
    values = [*range(12), *range(100, 112)]
    test = [values[place] for place in (0, 10, 20)]
    assert data.splits["test"]["image"][:, 0, 0, 0].tolist() == test
    assert data.splits["test"]["label"].tolist() == [0, 0, 1]
    assert data.splits["train"]["image"][:, 5, 5, 2].tolist() == [value for value in values if value not in test]


@pytest.mark.input(
    "Splits",
    "pictures of three kinds in turn",
    "taken",
    "a tenth of each class, by the hash of the path below the root, is for testing: every kind in its share",
)
@pytest.mark.parametrize("rule", ["hash", "position"])
def test_pictures_in_turn_are_tested_in_their_shares(tmp_path: pathlib.Path, rule: str) -> None:
    for place in range(300):
        picture(tmp_path / "in" / f"{place:03}.png", 100 * (place % 5 == 0))
    data = load(name="image_folder", manual_dir=tmp_path / "in", data_dir=tmp_path / "data", rule=rule)
    bright = [int((data.splits[split]["image"][:, 0, 0, 0] > 0).sum()) for split in ("train", "test")]
    assert sum(bright) == 60 and data.signature.counts == {"train": 270, "test": 30}
    assert bright[1] == 30 if rule == "position" else 2 <= bright[1] <= 12  # 6 on average, deviation 2.1


@pytest.mark.input(
    "Splits", "a class of one picture", "taken", "its picture is for training, and other classes are tested"
)
def test_every_class_keeps_a_picture_for_training(tmp_path: pathlib.Path) -> None:
    for name, count in (("ant", 1), ("bee", 1), ("cow", 25), ("dog", 14)):
        for place in range(count):
            picture(tmp_path / name / f"{place}.png", place)
    folder = list_folder(tmp_path)
    counts = {
        split: [sum(entry[1:] == (label, split) for entry in folder.entries) for label in folder.classes]
        for split in ("train", "test")
    }
    assert counts == {"train": [1, 1, 22, 13], "test": [0, 0, 3, 1]} and folder.rule == "hash"


def test_a_zip_gives_the_same_as_its_folder(two_classes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    archive = tmp_path / "pictures.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(two_classes.rglob("*")):
            file.write(path, pathlib.Path("outer") / path.relative_to(two_classes))
    packed, loose = (
        load(name="image_folder", manual_dir=path, data_dir=tmp_path / "data") for path in (archive, two_classes)
    )
    assert packed.signature == loose.signature


def test_pictures_without_class_folders_have_no_labels(tmp_path: pathlib.Path) -> None:
    for place in range(3):
        picture(tmp_path / "outer" / f"{place}.jpg", 50 * place, mode="L")
    data = load(name="image_folder", manual_dir=tmp_path / "outer", data_dir=tmp_path / "data")
    assert data.signature.classes == ()
    assert set(data.splits["train"]) == {"image"}
    assert data.signature.shape == (6, 6, 1)  # all grey


def test_folders_train_and_test_are_the_splits(tmp_path: pathlib.Path) -> None:
    for split, count in (("train", 2), ("test", 3)):
        for place in range(count):
            picture(tmp_path / "in" / split / f"class{place % 2}" / f"{place}.png")
    folder = list_folder(tmp_path / "in")
    assert folder.rule == "own"
    assert [entry.split for entry in folder.entries].count("test") == 3
    assert folder.classes == ("class0", "class1")


def test_a_changed_folder_is_prepared_again(two_classes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    first = load(name="image_folder", manual_dir=two_classes, data_dir=tmp_path / "data")
    picture(two_classes / "cats" / "11.png", 200)
    second = load(name="image_folder", manual_dir=two_classes, data_dir=tmp_path / "data")
    assert first.signature.digest != second.signature.digest
    assert 200 in second.splits["train"]["image"] and 200 not in first.splits["train"]["image"]


@pytest.mark.input(
    "Raw files and caches",
    "two folders whose files agree in names, sizes and times of change",
    "taken",
    "each has a cache of its own: the place is part of what a folder is",
)
def test_folders_that_look_alike_share_no_cache(tmp_path: pathlib.Path) -> None:
    for name, value in (("first", 0), ("second", 77)):
        for place in range(10):
            path = tmp_path / name / f"{place}.bmp"  # not packed: any pixels make files of one size
            picture(path, value)
            os.utime(path, (0, 0))
    first, second = (
        load(name="image_folder", manual_dir=tmp_path / name, data_dir=tmp_path / "data")
        for name in ("first", "second")
    )
    assert (first.splits["train"]["image"] == 0).all() and (second.splits["train"]["image"] == 77).all()


def test_every_mode_of_picture_is_accepted_in_one_folder(tmp_path: pathlib.Path) -> None:
    for place, mode in enumerate(("L", "1", "LA", "P", "RGB", "RGBA", "CMYK")):
        picture(tmp_path / "in" / f"{place}.{'tiff' if mode == 'CMYK' else 'png'}", 255, mode=mode)
    data = load(name="image_folder", manual_dir=tmp_path / "in", data_dir=tmp_path / "data")
    assert data.signature.shape == (6, 6, 3)
    assert (data.splits["train"]["image"] == 255).all() and data.signature.counts == {"train": 6, "test": 1}


def test_any_reader_of_the_records_sees_plain_upright_pictures(tmp_path: pathlib.Path) -> None:
    """Files are stored as they are only where they decode to the very pixels that gengen trains on."""
    from gengen.data.builders import ImageFolder

    exif = Image.Exif()
    exif[0x0112] = 6  # a camera's mark: to be turned by a quarter
    root = tmp_path / "in"
    picture(root / "a.png")
    Image.new("RGB", (4, 9), "red").save(root / "b.jpg", exif=exif)
    Image.new("RGBA", (9, 4), (0, 0, 0, 0)).save(root / "c.png")
    Image.new("RGB", (9, 4), "blue").save(root / "d.jpg", quality=50)
    builder = ImageFolder(folder=list_folder(root), data_dir=tmp_path / "data")
    builder.download_and_prepare(file_format="array_record")
    records = [record for split in ("train", "test") for record in builder.as_data_source(split)]
    found = {record["filename"].decode(): record["image"] for record in records}
    turned, transparent, plain = (found[name] for name in ("b.jpg", "c.png", "d.jpg"))
    assert turned.shape == transparent.shape == plain.shape == (4, 9, 3)
    assert turned[0, 0, 0] > 250 and (transparent == 255).all()
    np.testing.assert_array_equal(plain, np.asarray(Image.open(root / "d.jpg")))


@pytest.mark.parametrize("resolution", [None, 6])
def test_mixed_sizes_are_refused_by_name_and_cut_on_request(
    two_classes: pathlib.Path, tmp_path: pathlib.Path, resolution: int | None
) -> None:
    picture(two_classes / "dogs" / "wide.png", 0, size=(12, 6))
    with pytest.raises(Refusal, match=r"dogs/wide\.png is 6x12.*--config\.data\.crop=center"):
        load(name="image_folder", manual_dir=two_classes, data_dir=tmp_path / "data", resolution=resolution)
    data = load(name="image_folder", manual_dir=two_classes, data_dir=tmp_path / "data", resolution=6, crop="center")
    assert sum(len(arrays["image"]) for arrays in data.splits.values()) == 25
    assert data.signature.shape == (6, 6, 3)
    assert not list((tmp_path / "data").rglob("incomplete*"))


def test_another_aspect_is_refused_by_name(two_classes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with pytest.raises(Refusal, match=r"cats/\d\d\.png .*another aspect than 4x8.*crop=center"):
        load(name="image_folder", manual_dir=two_classes, data_dir=tmp_path / "data", resolution=(4, 8))


def test_a_damaged_picture_is_named_and_nothing_is_left(two_classes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    whole = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 6, 3), np.uint8)).save(whole)
    for content in (whole.read_bytes()[:60], b"no picture", b""):
        (two_classes / "dogs" / "bad.png").write_bytes(content)
        with pytest.raises(Refusal, match=r"dogs/bad\.png cannot be read as a picture"):
            load(name="image_folder", manual_dir=two_classes, data_dir=tmp_path / "data")
        assert not list((tmp_path / "data").rglob("*"))


def test_a_damaged_picture_in_a_zip_is_named(tmp_path: pathlib.Path) -> None:
    archive = tmp_path / "in.zip"
    picture(tmp_path / "a.png")
    with zipfile.ZipFile(archive, "w") as file:
        file.write(tmp_path / "a.png", "a.png")
        file.write(tmp_path / "a.png", "b.png")
        file.writestr("c.png", b"no picture")
    with pytest.raises(Refusal, match=r"in\.zip/c\.png"):
        load(name="image_folder", manual_dir=archive, data_dir=tmp_path / "data")
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(Refusal, match="neither a folder nor a whole zip"):
        load(name="image_folder", manual_dir=archive, data_dir=tmp_path / "data")


def test_an_empty_or_missing_folder_is_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no picture")
    with pytest.raises(Refusal, match="empty holds no pictures"):
        load(name="image_folder", manual_dir=tmp_path / "empty", data_dir=tmp_path / "data")
    picture(tmp_path / "empty" / "a.png")
    with pytest.raises(Refusal, match="only one picture"):
        load(name="image_folder", manual_dir=tmp_path / "empty", data_dir=tmp_path / "data")
    with pytest.raises(Refusal, match="nowhere does not exist"):
        load(name="image_folder", manual_dir=tmp_path / "nowhere", data_dir=tmp_path / "data")
    with pytest.raises(Refusal, match=r"needs --config\.data\.manual_dir"):
        load(name="image_folder", data_dir=tmp_path / "data")


def test_pictures_beside_class_folders_are_refused(two_classes: pathlib.Path) -> None:
    picture(two_classes / "stray.png")
    with pytest.raises(Refusal, match=r"stray\.png lies beside class folders"):
        list_folder(two_classes)


def test_cats_from_their_zip(test_data: pathlib.Path, data_dir: pathlib.Path) -> None:
    data = load(name="image_folder", manual_dir=test_data / "cats" / "cats64.zip", data_dir=data_dir, resolution=32)
    assert data.splits["train"]["image"].shape == (5400, 32, 32, 3)
    assert data.splits["test"]["image"].shape == (600, 32, 32, 3)
    assert data.signature.classes == ()
