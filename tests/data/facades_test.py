"""Facades: an archive of pairs, cut in two and kept aligned, and one sentence for every damage."""

import gzip
import io
import pathlib
import shutil
import tarfile

import numpy as np
import pytest
from PIL import Image

from gengen.core.refusal import Refusal
from gengen.data import facades, raw
from gengen.data.dataset import load

COUNTS = {"train": 3, "test": 2}


def jpeg(place: int, size: tuple[int, int] = (512, 256)) -> bytes:
    """A photograph in red, as bright as its place says, beside a map in blue of the same brightness."""
    picture = Image.new("RGB", size, (20 * place, 0, 0))
    picture.paste((0, 0, 20 * place), (size[0] // 2, 0, *size))
    buffer = io.BytesIO()
    picture.save(buffer, format="jpeg", quality=95)
    return buffer.getvalue()


def archive(folder: pathlib.Path, files: dict[str, bytes]) -> pathlib.Path:
    path = folder / facades.FILE
    with tarfile.open(path, "w:gz") as opened:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"facades/{name}")
            entry.size = len(content)
            opened.addfile(entry, io.BytesIO(content))
    return path


def whole(**changes: bytes) -> dict[str, bytes]:
    """The files of a small archive, in the order of their names as texts, with one that counts as none and a `val`."""
    files = {f"{split}/{place}.jpg": jpeg(place) for split, places in PLACES.items() for place in places}
    return files | {"val/1.jpg": jpeg(1), "train/._1.jpg": b"clutter"} | changes


PLACES = {"test": (2, 1), "train": (1, 10, 2)}


@pytest.fixture(autouse=True)
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "test_data" not in request.fixturenames:
        monkeypatch.setattr(facades, "COUNTS", COUNTS)


def test_photographs_and_maps_stay_aligned_and_in_the_order_of_their_numbers(tmp_path: pathlib.Path) -> None:
    archive(tmp_path, whole())
    data = load(name="facades", manual_dir=tmp_path, data_dir=tmp_path / "data", resolution=8)
    assert data.signature.shape == (8, 8, 3) and data.signature.paired == 3 and data.signature.classes == ()
    assert data.signature.counts == COUNTS
    for split, places in (("train", (1, 2, 10)), ("test", (1, 2))):
        image, paired = (data.splits[split][key].astype(int) for key in ("data", "paired"))
        wanted = 20 * np.array(places)
        assert (abs(image[:, 4, 4, 0] - wanted) < 4).all() and (image[:, 4, 4, 1:] < 4).all()  # JPEG's own errors
        assert (abs(paired[:, 4, 4, 2] - wanted) < 4).all() and (paired[:, 4, 4, :2] < 4).all()
    again = load(name="facades", manual_dir=tmp_path, data_dir=tmp_path / "data", resolution=8)  # as decoded
    np.testing.assert_array_equal(again.splits["train"]["paired"], data.splits["train"]["paired"])
    grey = load(name="facades", manual_dir=tmp_path, data_dir=tmp_path / "data", resolution=8, channels=1)
    assert grey.signature.paired == 1 and grey.splits["test"]["paired"].shape == (2, 8, 8, 1)


def test_the_digest_depends_on_the_maps(tmp_path: pathlib.Path) -> None:
    digests = set()
    for place in (1, 5):
        folder = tmp_path / str(place)
        folder.mkdir()
        picture = Image.open(io.BytesIO(jpeg(1)))
        picture.paste((0, 0, 20 * place), (256 + 64, 0, 512, 256))  # far from the photograph, for JPEG's blocks
        buffer = io.BytesIO()
        picture.save(buffer, format="jpeg", quality=95)
        archive(folder, whole(**{"test/1.jpg": buffer.getvalue()}))
        data = load(name="facades", manual_dir=folder, data_dir=folder / "data", resolution=8)
        digests.add(data.signature.digest)
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("cut", "cannot be unpacked"),
        ("page", "cannot be unpacked"),
        ("other", "cannot be unpacked"),
        ("empty", "should hold 3 files in train, but holds 0"),
        ("fewer", "should hold 2 files in test, but holds 1"),
        ("more", "should hold 2 files in test, but holds 3"),
        ("size", r"file 1 of test in .* should be 256x512 \(height x width\), but is 256x256"),
        ("picture", "file 2 of train in .* cannot be read as a picture"),
        ("half", "file 2 of train in .* cannot be read as a picture"),
    ],
)
def test_a_damaged_archive_is_refused_in_one_sentence(tmp_path: pathlib.Path, damage: str, reason: str) -> None:
    files = whole()
    if damage == "empty":
        files = {"readme": b""}
    elif damage == "fewer":
        del files["test/2.jpg"]
    elif damage in ("more", "size", "picture", "half"):
        name = {"more": "test/3.jpg", "size": "test/1.jpg"}.get(damage, "train/2.jpg")
        files[name] = {"size": jpeg(1, (256, 256)), "picture": b"none", "half": jpeg(1)[:1500]}.get(damage, jpeg(3))
    path = archive(tmp_path, files)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    elif damage in ("page", "other"):
        page = b"<html>not found</html>"
        path.write_bytes(gzip.compress(page) if damage == "other" else page)
    with pytest.raises(Refusal, match=reason) as caught:
        load(name="facades", manual_dir=tmp_path, data_dir=tmp_path / "data", resolution=8)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert not list((tmp_path / "data").rglob("*"))


@pytest.mark.input(
    "Raw files and caches",
    "facades as a folder, a zip, or a tar file of another name or packing",
    "guessed",
    "taken by their content; a line says which was taken",
)
def test_facades_are_known_however_they_are_packed(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = archive(tmp_path, whole())
    monkeypatch.setattr(facades, "CONTENT", facades.raw_set().digest(published))
    folder = tmp_path / "out"
    for name, content in whole().items():
        path = folder / "facades" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    shutil.make_archive(str(tmp_path / "zipped" / "pix2pix"), "zip", folder)
    (tmp_path / "renamed").mkdir()
    (tmp_path / "renamed" / "data.tar").write_bytes(raw.unpacked(published))
    digests = set()
    for place, notes in ((tmp_path / "renamed", 1), (folder, 1), (folder / "facades", 1), (tmp_path / "zipped", 1)):
        found = raw.find(facades.raw_set(), place)
        digests.add(found.digest)
        assert len(found.notes) == notes and "could not be verified" not in found.notes[0]
        assert facades.read_pairs(found.files[facades.FILE]) == facades.read_pairs(published)
    assert digests == {raw.find(facades.raw_set(), None).digest}


def test_the_published_archive_holds_the_published_pairs(test_data: pathlib.Path) -> None:
    """The colours of maps are pure, so that their channels differ by more than those of any photograph."""
    files = facades.read_pairs(test_data / "facades" / facades.FILE)
    assert {split: len(contents) for split, contents in files.items()} == {"train": 400, "test": 106}
    assert len({content for contents in files.values() for content in contents}) == 506  # no picture is in both
    for content in files["test"]:
        photograph, parts = (np.ptp(half, axis=-1).mean() for half in facades.read_halves(content, "a file"))
        assert parts > 150 > 100 > photograph
