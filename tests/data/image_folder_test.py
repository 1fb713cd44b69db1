"""The user's own pictures, from a folder or a zip: splits, classes, and one sentence for each thing that is wrong."""

import dataclasses
import io
import json
import os
import pathlib
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from gengen.core.refusal import Refusal
from gengen.data.dataset import load
from gengen.data.image_folder import list_folder, taken
from gengen.data.signature import Signature


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
    assert data.splits["test"]["data"][:, 0, 0, 0].tolist() == test
    assert data.splits["test"]["label"].tolist() == [0, 0, 1]
    assert data.splits["train"]["data"][:, 5, 5, 2].tolist() == [value for value in values if value not in test]


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
    bright = [int((data.splits[split]["data"][:, 0, 0, 0] > 0).sum()) for split in ("train", "test")]
    assert sum(bright) == 60 and data.signature.counts == {"train": 270, "test": 30}
    assert bright[1] == 30 if rule == "position" else 2 <= bright[1] <= 12  # 6 on average, deviation 2.1


@pytest.mark.input(
    "Splits", "twenty pictures, data.test_share=0.5", "taken", "ten are held out; a larger share holds a smaller one"
)
def test_another_share_is_held_out_of_what_has_no_splits(tmp_path: pathlib.Path) -> None:
    for place in range(20):
        picture(tmp_path / "in" / f"{place:02}.png", 5 * place)
    given = {"name": "image_folder", "manual_dir": tmp_path / "in", "data_dir": tmp_path / "data"}
    usual, half = load(**given), load(**given, test_share=0.5)
    assert usual.signature.counts == {"train": 18, "test": 2} and half.signature.counts == {"train": 10, "test": 10}
    assert usual.signature.digest != half.signature.digest and usual.folder != half.folder
    assert load(**given, test_share=0.1).signature.digest == usual.signature.digest
    held_out = [set(data.splits["test"]["data"][:, 0, 0, 0].tolist()) for data in (usual, half)]
    assert held_out[0] < held_out[1]


@pytest.mark.parametrize("share", [-0.1, 0.95])
def test_a_share_out_of_range_is_refused(tmp_path: pathlib.Path, share: float) -> None:
    with pytest.raises(Refusal, match=r"test_share=.* should be a share from 0 to 0\.9"):
        load(name="image_folder", manual_dir=tmp_path, data_dir=tmp_path, test_share=share)


def test_what_pictures_were_taken_as_is_said_with_the_keys_that_change_it() -> None:
    signature = Signature.of_pictures("image_folder", (64, 48, 3), (), {"train": 5400, "test": 600}, "", split="hash")
    line = taken("cats.zip", signature, "data.second")
    assert "cats.zip: took 6,000 pictures at 64x48 in colour, 5,400 to train on and 600 held out; " in line
    for key in ("resolution", "channels", "test_share"):
        assert f"--config.data.second.{key} " in line
    own = dataclasses.replace(
        signature.of_shape((64, 48, 1)), split="own", counts={"train": 8, "test": 2, "held_out": 1}
    )
    line = taken("cats.zip", own, "data")
    assert "took 11 pictures at 64x48 in grey, 8 to train on, 1 set aside and 2 held out" in line
    assert "test_share" not in line


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
    assert set(data.splits["train"]) == {"data"}
    assert data.signature.shape == (6, 6, 1)  # all grey


def test_folders_train_and_test_are_the_splits(tmp_path: pathlib.Path) -> None:
    for split, count in (("train", 2), ("test", 3)):
        for place in range(count):
            picture(tmp_path / "in" / split / f"class{place % 2}" / f"{place}.png")
    folder = list_folder(tmp_path / "in")
    assert folder.rule == "own"
    with pytest.raises(Refusal, match=r"test_share=0\.2 says how many .* and .*in has its own: leave it 0"):
        list_folder(tmp_path / "in", share=0.2)
    assert [entry.split for entry in folder.entries].count("test") == 3
    assert folder.classes == ("class0", "class1")


def test_a_changed_folder_is_prepared_again(two_classes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    first = load(name="image_folder", manual_dir=two_classes, data_dir=tmp_path / "data")
    picture(two_classes / "cats" / "11.png", 200)
    second = load(name="image_folder", manual_dir=two_classes, data_dir=tmp_path / "data")
    assert first.signature.digest != second.signature.digest
    assert 200 in second.splits["train"]["data"] and 200 not in first.splits["train"]["data"]


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
    assert (first.splits["train"]["data"] == 0).all() and (second.splits["train"]["data"] == 77).all()


def test_every_mode_of_picture_is_accepted_in_one_folder(tmp_path: pathlib.Path) -> None:
    for place, mode in enumerate(("L", "1", "LA", "P", "RGB", "RGBA", "CMYK")):
        picture(tmp_path / "in" / f"{place}.{'tiff' if mode == 'CMYK' else 'png'}", 255, mode=mode)
    data = load(name="image_folder", manual_dir=tmp_path / "in", data_dir=tmp_path / "data")
    assert data.signature.shape == (6, 6, 3)
    assert (data.splits["train"]["data"] == 255).all() and data.signature.counts == {"train": 6, "test": 1}


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
    assert sum(len(arrays["data"]) for arrays in data.splits.values()) == 25
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


@pytest.mark.input(
    "Pictures", "several damaged files", "refused", "says how many, names up to ten, and what the first one has"
)
def test_all_damaged_pictures_are_counted_and_ten_named(two_classes: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for place in range(7):
        (two_classes / "cats" / f"{place:02}.png").write_bytes(b"no picture")
        (two_classes / "dogs" / f"{place:02}.png").write_bytes(b"")
    with pytest.raises(
        Refusal, match=r"^14 \(cats/00\.png, .*cats/06\.png, dogs/00\.png, .*dogs/02\.png, \.\.\.\) of the"
    ):
        load(name="image_folder", manual_dir=two_classes, data_dir=tmp_path / "data")


def test_files_whose_pixels_are_cut_off_are_found_in_all_splits(tmp_path: pathlib.Path) -> None:
    """Their first bytes are whole, so that only reading all of them tells."""
    for split, count in (("train", 3), ("test", 3)):
        for place in range(count):
            noise = np.random.default_rng(place).integers(0, 256, (16, 16, 3), np.uint8)
            (tmp_path / "in" / split).mkdir(parents=True, exist_ok=True)
            Image.fromarray(noise).save(tmp_path / "in" / split / f"{place}.png")
    for path in ("train/1.png", "test/0.png", "test/2.png"):
        whole = (tmp_path / "in" / path).read_bytes()
        (tmp_path / "in" / path).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Refusal, match=r"^3 \(test/0\.png, test/2\.png, train/1\.png\) of the pictures in .*truncated"):
        load(name="image_folder", manual_dir=tmp_path / "in", data_dir=tmp_path / "data")
    assert not list((tmp_path / "data").rglob("*"))
    (tmp_path / "in" / "train" / "2.png").write_bytes(b"")  # which the first look finds, without reading the others
    with pytest.raises(Refusal, match=r"^4 \(.*train/1\.png, train/2\.png\) of the pictures in .*train/2\.png because"):
        load(name="image_folder", manual_dir=tmp_path / "in", data_dir=tmp_path / "data")


@pytest.mark.input("Pictures", "PNG with texts or a colour profile beyond Pillow's limits", "taken", "by its pixels")
@pytest.mark.parametrize("place", ["compressed", "international", "profile", "behind", "many"])
def test_texts_that_are_too_long_for_pillow_do_not_cost_a_picture(tmp_path: pathlib.Path, place: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (6, 6, 3), np.uint8)
    info, more = PngImagePlugin.PngInfo(), {}
    if place == "many":
        for number in range(70):
            info.add_text(f"key{number}", "x" * 1_000_000)
    elif place == "profile":
        more = {"icc_profile": bytes(1_500_000)}
    elif place == "international":
        info.add_itxt("Comment", "x" * 1_500_000, zip=True)
    else:
        info.add_text("Comment", "x" * 1_500_000, zip=True)
    (tmp_path / "in").mkdir()
    for name in ("a", "b", "c"):
        Image.fromarray(noise).save(tmp_path / "in" / f"{name}.png", pnginfo=info, **more)
        if place == "behind":  # the text stands before the pixels: it is moved to the end
            content = (tmp_path / "in" / f"{name}.png").read_bytes()
            start = content.index(b"zTXt") - 4
            end = start + 12 + int.from_bytes(content[start : start + 4], "big")
            moved = content[:start] + content[end:-12] + content[start:end] + content[-12:]
            (tmp_path / "in" / f"{name}.png").write_bytes(moved)
    with pytest.raises(ValueError, match=r"text chunks|MAX_TEXT_CHUNK"):
        Image.open(io.BytesIO((tmp_path / "in" / "a.png").read_bytes())).load()
    data = load(name="image_folder", manual_dir=tmp_path / "in", data_dir=tmp_path / "data")
    np.testing.assert_array_equal(data.splits["train"]["data"], [noise, noise])


@pytest.mark.input("Pictures", "a picture that unpacks to more pixels than Pillow allows", "refused", "named, not read")
def test_pillow_s_guard_against_pictures_that_grow_stays(
    two_classes: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)
    picture(two_classes / "cats" / "big.png", size=(16, 16))
    with pytest.raises(Refusal, match=r"cats/big\.png cannot be read as a picture .*decompression bomb"):
        load(name="image_folder", manual_dir=two_classes, data_dir=tmp_path / "data")


@pytest.mark.input("Folders of pictures", "`train` and `val` without `test`", "guessed", "val is held out for testing")
@pytest.mark.input("Folders of pictures", "`val` beside `train` and `test`", "guessed", "val is not used")
@pytest.mark.parametrize(
    ("splits", "counts", "words"),
    [
        ({"train": 5, "val": 3}, {"train": 5, "test": 3}, "splits train (5) and val as held-out (3)"),
        ({"Training": 4, "DEV": 2}, {"train": 4, "test": 2}, "splits train (4) and val as held-out (2)"),
        (
            {"trn": 4, "valid": 2, "testing": 3},
            {"train": 4, "test": 3},
            "splits train (4) and test (3); val (2) is not used, as there is test",
        ),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_splits_by_name_are_said_in_a_line(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    splits: dict[str, int],
    counts: dict[str, int],
    words: str,
    packed: bool,
) -> None:
    root = tmp_path / "outer"
    for value, (split, count) in enumerate(splits.items()):
        for place in range(count):
            picture(root / "in" / split / "xy"[place % 2] / f"{place}.png", 50 * value)
    if packed:
        root = pathlib.Path(shutil.make_archive(str(tmp_path / "in"), "zip", root))
    for _ in range(2):
        data = load(name="image_folder", manual_dir=root, data_dir=tmp_path / "data")
    assert data.signature.counts == counts and data.signature.classes == ("x", "y")
    assert (data.splits["train"]["data"] == 0).all()
    assert (data.splits["test"]["data"] == 50 * (len(splits) - 1)).all()
    assert capsys.readouterr().err.count(f"gengen: {root}: 2 classes (x, y), {words}\n") == 1


def test_another_reading_of_the_same_files_is_prepared_anew(tmp_path: pathlib.Path) -> None:
    """The digest of a listing covers what its folders are taken for, or a cache of an older rule stayed in use."""
    for split in ("trainA", "trainB"):
        for place in range(3):
            picture(tmp_path / split / f"{place}.png")
    assert len({list_folder(tmp_path, domain=domain).digest for domain in ("A", "B")}) == 2


@pytest.mark.input("Names", "folders and files whose names are not UTF-8", "taken", "bytes are shown as `\\xe9`")
def test_names_that_are_not_utf8_work_from_end_to_end(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for value, folder in enumerate((b"caf\xe9", b"\xff\n", b"plain")):
        for place in range(4):
            path = tmp_path / os.fsdecode(b"in\xe8/" + folder + b"/\xfe%d.png" % place)
            try:
                picture(path, 100 * value, mode="L")
            except OSError:
                pytest.skip("this file system takes UTF-8 only")
    root = tmp_path / os.fsdecode(b"in\xe8")
    data = load(name="image_folder", manual_dir=root, data_dir=tmp_path / "data")
    assert data.signature.classes == (r"\xff\n", r"caf\xe9", "plain")
    pixels, labels = data.splits["train"]["data"][:, 0, 0, 0], data.splits["train"]["label"]
    assert {(int(a), int(b)) for a, b in zip(pixels, labels, strict=True)} == {(100, 0), (0, 1), (200, 2)}
    assert Signature.from_json(json.loads(json.dumps(data.signature.to_json()))) == data.signature
    again = load(name="image_folder", manual_dir=root, data_dir=tmp_path / "data", resolution=2, classes=[r"\xff\n"])
    assert (again.splits["train"]["data"] == 100).all()
    (root / os.fsdecode(b"caf\xe9") / os.fsdecode(b"bad\xfd.png")).write_bytes(b"no picture")
    with pytest.raises(Refusal, match=r"in\\xe8/caf\\xe9/bad\\xfd\.png cannot be read"):
        load(name="image_folder", manual_dir=root, data_dir=tmp_path / "data")
    assert r"in\xe8: 3 classes (\xff\n, caf\xe9, plain), " in capsys.readouterr().err


@pytest.mark.input(
    "Folders of pictures", "a link to a class folder that lies elsewhere", "taken", "as a folder of its own"
)
def test_a_linked_class_is_a_class_and_what_is_passed_over_is_said_once(
    two_classes: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in range(4):
        picture(tmp_path / "far" / f"{place}.png", 200)
    (two_classes / "birds").symlink_to(tmp_path / "far")
    (two_classes / "horses").mkdir()
    for _ in range(2):
        data = load(name="image_folder", manual_dir=two_classes, data_dir=tmp_path / "data")
    assert data.signature.classes == ("birds", "cats", "dogs")
    assert sum((data.splits[split]["data"] == 200).all((1, 2, 3)).sum() for split in ("train", "test")) == 4
    line = f"gengen: {two_classes}: passed over no pictures: 1 (notes.txt); folders without pictures: 1 (horses)\n"
    assert capsys.readouterr().err.count(line) == 1


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


@pytest.mark.slow
def test_cats_from_their_zip(test_data: pathlib.Path, data_dir: pathlib.Path) -> None:
    data = load(name="image_folder", manual_dir=test_data / "cats" / "cats64.zip", data_dir=data_dir, resolution=32)
    assert data.splits["train"]["data"].shape == (5400, 32, 32, 3)
    assert data.splits["test"]["data"].shape == (600, 32, 32, 3)
    assert data.signature.classes == ()


@pytest.mark.input(
    "Folders of pictures",
    "classes that are tested and not trained on, as anomalies are",
    "guessed",
    "says which they are; there must be one class that is trained on and tested",
)
def test_anomalies_are_classes_that_are_only_tested(tmp_path: pathlib.Path) -> None:
    for path, count in {"train/fine": 4, "test/fine": 2, "test/scratch": 3, "test/dent": 1}.items():
        for place in range(count):
            picture(tmp_path / "parts" / path / f"{place}.png", place)
    folder = list_folder(tmp_path / "parts")
    assert folder.classes == ("dent", "fine", "scratch")
    assert [entry.label for entry in folder.entries if entry.split == "train"] == ["fine"] * 4
    assert folder.guessed[0].endswith("splits train (4) and test (6); classes that are only tested: 2 (dent, scratch)")
