"""The idx format, and the three data sets that use it."""

import bz2
import gzip
import hashlib
import lzma
import pathlib
import struct
from collections.abc import Callable

import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.data import idx, raw
from gengen.data.dataset import load


def idx_bytes(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}i", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize("packing", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("name", ["plain", "packed.gz"])
def test_arrays_are_read_packed_or_not(tmp_path: pathlib.Path, name: str, packing: Callable[[bytes], bytes]) -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / name).write_bytes(packing(idx_bytes(array)))
    np.testing.assert_array_equal(idx.read_idx(tmp_path / name, (2, 3, 4)), array)


GOOD = idx_bytes(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("cut", GOOD[:-1], "cut or damaged"),
        ("longer", GOOD + b"\0", "cut or damaged"),
        ("header", GOOD[:9], "header is wrong"),
        ("empty", b"", "header is wrong"),
        ("type", b"\0\0\x0d" + GOOD[3:], "header is wrong"),
        ("shape", idx_bytes(np.zeros((2, 4, 3), np.uint8)), "header states"),
        ("cut.gz", gzip.compress(GOOD, mtime=0)[:-9], "cannot be unpacked"),
        ("no.gz", GOOD[4:], "header is wrong"),
        (
            "flipped.gz",
            gzip.compress(GOOD, mtime=0)[:12] + b"\xff\xff" + gzip.compress(GOOD, mtime=0)[14:],
            "cannot be unpacked",
        ),
    ],
)
def test_a_damaged_file_is_named(tmp_path: pathlib.Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Refusal, match=reason) as caught:
        idx.read_idx(tmp_path / name, (2, 3, 4))
    assert str(tmp_path / name) in str(caught.value)


@pytest.fixture
def small_kmnist(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> tuple[pathlib.Path, np.ndarray]:
    """A folder with 6 + 3 made-up pictures under KMNIST's file names, and the training pictures."""
    counts = {"train": 6, "test": 3}
    folder = tmp_path / "manual"
    folder.mkdir()
    rng = np.random.default_rng(0)
    checksums, pictures = {}, {}
    for split, stem in (("train", "train"), ("test", "t10k")):
        pictures[split] = rng.integers(0, 256, (counts[split], 28, 28), np.uint8)
        labels = np.arange(counts[split], dtype=np.uint8)
        for kind, array in (("images-idx3", pictures[split]), ("labels-idx1", labels)):
            path = folder / f"{stem}-{kind}-ubyte.gz"
            path.write_bytes(gzip.compress(idx_bytes(array)))
            checksums[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    changed = idx.IDX_SETS["kmnist"]._replace(checksums=checksums, counts=counts, mirrors=())
    monkeypatch.setitem(idx.IDX_SETS, "kmnist", changed)
    return folder, pictures["train"]


def test_kmnist_is_prepared_from_its_files(
    small_kmnist: tuple[pathlib.Path, np.ndarray], tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, pictures = small_kmnist
    data = load(name="kmnist", manual_dir=folder, data_dir=tmp_path / "data")
    np.testing.assert_array_equal(data.splits["train"]["data"][..., 0], pictures)
    np.testing.assert_array_equal(data.splits["train"]["label"], np.arange(6))
    assert data.signature.classes == ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    assert data.signature.counts == {"train": 6, "test": 3}
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1  # one line of its own, and none of TFDS


def test_a_failed_preparation_leaves_nothing(
    small_kmnist: tuple[pathlib.Path, np.ndarray], tmp_path: pathlib.Path
) -> None:
    folder, _ = small_kmnist
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(b"cut")
    with pytest.raises(Refusal, match="t10k-labels-idx1-ubyte"):
        load(name="kmnist", manual_dir=folder, data_dir=tmp_path / "data")
    assert not list((tmp_path / "data").rglob("*"))


def test_labels_beyond_the_classes_are_refused(small_kmnist: tuple[pathlib.Path, np.ndarray]) -> None:
    folder, _ = small_kmnist
    few = idx.IDX_SETS["kmnist"]._replace(classes=("o", "ki"))
    files: dict[str, raw.Place] = {path.name: path for path in folder.iterdir()}
    with pytest.raises(Refusal, match="holds label 5"):
        idx.read_split(files, "train", few)


@pytest.mark.parametrize(
    ("name", "labels", "mean"),
    [("mnist", [5, 0, 4, 1, 9], 0.1307), ("fashion_mnist", [9, 0, 0, 3, 0], 0.2860)],
)
def test_published_files_hold_the_published_pictures(
    test_data: pathlib.Path, name: str, labels: list[int], mean: float
) -> None:
    """The means are those that everybody normalises these sets with; the labels are the files' first five."""
    idx_set = idx.IDX_SETS[name]
    files = raw.find(idx.raw_set(name), test_data / name).files
    images, first = idx.read_split(files, "train", idx_set)
    assert first[:5].tolist() == labels
    assert abs(images.mean() / 255 - mean) < 1e-4
    images, all_labels = idx.read_split(files, "test", idx_set)
    assert images.shape == (10_000, 28, 28) and set(all_labels) == set(range(10))


@pytest.mark.slow
def test_mnist_is_prepared_from_its_files(test_data: pathlib.Path, data_dir: pathlib.Path) -> None:
    data = load(name="mnist", manual_dir=test_data / "mnist", data_dir=data_dir)
    assert data.signature.classes == tuple("0123456789")
    assert data.signature.counts == {"train": 60_000, "test": 10_000}
    assert data.splits["train"]["label"].dtype == np.int32
    images = idx.read_idx(test_data / "mnist" / "t10k-images-idx3-ubyte.gz", (10_000, 28, 28))
    np.testing.assert_array_equal(data.splits["test"]["data"][..., 0], images)
    assert data.signature.digest == "d0fa31800b1026e7" and data.signature.split == "own"  # as in older versions
