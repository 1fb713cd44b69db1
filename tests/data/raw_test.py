"""Raw files of the user's folder: taken by what they hold, and never for those of another data set."""

import gzip
import hashlib
import lzma
import pathlib
import shutil
import struct
import zipfile

import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.data import facades, idx, raw, usps
from gengen.data.dataset import load

COUNTS = {"train": 12, "test": 5}
NAMES = tuple(idx.IDX_SETS["mnist"].checksums)


def idx_bytes(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}i", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def contents(seed: int) -> dict[str, bytes]:
    """What the four files of a small data set unpack to, by their published names."""
    random = np.random.default_rng(seed)
    made = {}
    for split, stem in (("train", "train"), ("test", "t10k")):
        pictures = random.integers(0, 256, (COUNTS[split], 28, 28), np.uint8)
        labels = random.integers(0, 10, COUNTS[split]).astype(np.uint8)
        made[f"{stem}-images-idx3-ubyte.gz"] = idx_bytes(pictures)
        made[f"{stem}-labels-idx1-ubyte.gz"] = idx_bytes(labels)
    return made


SEEDS = {"mnist": 1, "fashion_mnist": 2, "kmnist": 3}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three published data sets of made-up pictures; as with the real ones, of kmnist the packed files are known."""
    for name, seed in SEEDS.items():
        made = contents(seed)
        changed = idx.IDX_SETS[name]._replace(
            counts=COUNTS,
            mirrors=(),
            checksums={file: sha256(gzip.compress(content, mtime=0)) for file, content in made.items()},
            contents={} if name == "kmnist" else {file: sha256(content) for file, content in made.items()},
        )
        monkeypatch.setitem(idx.IDX_SETS, name, changed)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write(folder: pathlib.Path, name: str, form: str = "{stem}-{kind}-ubyte.gz", packing: str = "") -> pathlib.Path:
    """Writes the files of a small data set under other names, and packed otherwise."""
    for file, content in contents(SEEDS[name]).items():
        stem, what, kind, _ = file.split("-")
        path = folder / form.format(stem=stem, kind=f"{what}-{kind}", dotted=f"{what}.{kind}")
        path.parent.mkdir(parents=True, exist_ok=True)
        packed = {
            "gz": gzip.compress(content, mtime=0),
            "other": gzip.compress(content, 1),
            "xz": lzma.compress(content),
        }
        path.write_bytes(packed.get(packing, content))
    return folder


def zipped(folder: pathlib.Path, single: bool) -> pathlib.Path:
    """Packs all files of a folder into one zip, or each into one of its own."""
    files = sorted(folder.iterdir())
    if single:
        with zipfile.ZipFile(folder / "archive.zip", "w") as opened:
            for file in files:
                opened.write(file, f"deeper/{file.name}")
    for file in files:
        if not single:
            with zipfile.ZipFile(file.with_suffix(".zip"), "w") as opened:
                opened.write(file, file.name)
        file.unlink()
    return folder


FORMS = {
    "as published": ("{stem}-{kind}-ubyte.gz", "gz", False),
    "unpacked": ("{stem}-{kind}-ubyte", "", False),
    "unpacked under packed names": ("{stem}-{kind}-ubyte.gz", "", False),
    "with a point": ("{stem}-{dotted}-ubyte", "", True),
    "one folder deep": ("downloads/{stem}-{kind}-ubyte.gz", "gz", True),
    "as PyTorch has them": ("MNIST/raw/{stem}-{kind}-ubyte", "", True),
    "each in a folder of its name": ("{stem}-{dotted}-ubyte/{stem}-{kind}-ubyte", "", True),
    "packed anew": ("{stem}-{kind}-ubyte.gz", "other", False),
    "packed by xz": ("{stem}.{kind}.xz", "xz", True),
    "under names of no meaning": ("{stem}{kind}.dat", "", True),
}


@pytest.mark.input("Raw files and caches", "MNIST's files, unpacked or packed anew", "taken", "by their content")
@pytest.mark.input(
    "Raw files and caches",
    "MNIST's files as `train-images.idx3-ubyte`, `MNIST/raw/...`, one folder deep, under names of no meaning",
    "guessed",
    "taken by their content; a line says which file is taken for which",
)
@pytest.mark.parametrize("form", FORMS)
def test_files_are_taken_by_what_they_hold(small: None, tmp_path: pathlib.Path, form: str) -> None:
    names, packing, is_said = FORMS[form]
    folder = write(tmp_path / "in", "mnist", names, packing)
    found, published = raw.find(idx.raw_set("mnist"), folder), raw.find(idx.raw_set("mnist"), None)
    assert {name: raw.unpacked(place) for name, place in found.files.items()} == contents(SEEDS["mnist"])
    assert found.digest == published.digest  # so that its cache is that of a download
    assert len(found.notes) == is_said
    if is_said:
        first = found.files[NAMES[0]]
        assert str(first).removeprefix(f"{folder}/") + f" for {NAMES[0]}" in found.notes[0]


@pytest.mark.input("Raw files and caches", "MNIST's files in one zip, or in a zip each", "guessed", "taken, and said")
@pytest.mark.parametrize("single", [True, False])
def test_files_in_zips_are_taken(small: None, tmp_path: pathlib.Path, single: bool) -> None:
    folder = zipped(write(tmp_path / "in", "mnist", "{stem}-{kind}-ubyte"), single)
    for there in (folder, folder / "archive.zip") if single else (folder,):
        data = load(name="mnist", manual_dir=there, data_dir=tmp_path / "data")
        images = contents(SEEDS["mnist"])["train-images-idx3-ubyte.gz"][16:]
        assert data.splits["train"]["data"].tobytes() == images
    assert len(list((tmp_path / "data" / "gengen_mnist").iterdir())) == 1


@pytest.mark.input(
    "Raw files and caches",
    "MNIST's files named for `fashion_mnist`, or the other way round, packed or not",
    "refused",
    "the sentence names the file and the data set that it is of, and how to ask for that one",
)
@pytest.mark.parametrize("packing", ["", "gz", "other"])
@pytest.mark.parametrize(
    ("asked", "given"),
    [("fashion_mnist", "mnist"), ("mnist", "fashion_mnist"), ("kmnist", "mnist"), ("mnist", "kmnist")],
)
def test_files_of_another_data_set_are_never_taken(
    small: None, tmp_path: pathlib.Path, asked: str, given: str, packing: str
) -> None:
    folder = write(tmp_path / "in", given, packing=packing)
    known = "gz" if given == "kmnist" else packing  # only the packed files of kmnist are known
    if packing == known:
        with pytest.raises(Refusal, match=rf"is a file of {given}, and not of {asked}: .*config\.data\.name={given}"):
            load(name=asked, manual_dir=folder, data_dir=tmp_path / "data")
    else:
        with pytest.raises(Refusal, match=rf"differs from the published train-images-idx3-ubyte\.gz of {asked}"):
            load(name=asked, manual_dir=folder, data_dir=tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.input(
    "Raw files and caches",
    "a wrong, missing or empty folder although the data set was prepared before",
    "refused",
    "a named folder is always looked at",
)
def test_a_named_folder_is_looked_at_although_there_is_a_cache(small: None, tmp_path: pathlib.Path) -> None:
    right, data_dir = write(tmp_path / "right", "fashion_mnist"), tmp_path / "data"
    wrong = write(tmp_path / "wrong", "mnist")
    (tmp_path / "empty").mkdir()
    first = load(name="fashion_mnist", manual_dir=right, data_dir=data_dir)
    for folder, reason in (
        (wrong, "is a file of mnist"),
        (tmp_path / "nowhere", "is not a folder, and should hold train-images"),
        (tmp_path / "empty", "holds none of the files of fashion_mnist: name the folder that holds train-images"),
    ):
        with pytest.raises(Refusal, match=reason):
            load(name="fashion_mnist", manual_dir=folder, data_dir=data_dir)
    shutil.rmtree(right)
    again = load(name="fashion_mnist", data_dir=data_dir)  # from the cache of what is published
    assert again.signature == first.signature


@pytest.mark.input(
    "Raw files and caches",
    "kmnist's files unpacked or packed anew, whose checksums nobody has published",
    "guessed",
    "taken by their form if they are of no other data set; a line says that they could not be verified",
)
def test_what_cannot_be_verified_is_said_and_kept_apart(
    small: None, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published = load(
        name="kmnist", manual_dir=write(tmp_path / "gz", "kmnist", packing="gz"), data_dir=tmp_path / "data"
    )
    assert "could not be verified" not in capsys.readouterr().err
    folder = write(tmp_path / "in", "kmnist", "{stem}-{kind}-ubyte")
    same = load(name="kmnist", manual_dir=folder, data_dir=tmp_path / "data")
    assert capsys.readouterr().err.count("could not be verified: what it holds has no published checksum.") == 4
    assert same.signature == published.signature and same.folder != published.folder
    other = contents(9)["train-images-idx3-ubyte.gz"]
    (folder / "train-images-idx3-ubyte").write_bytes(other)
    changed = load(name="kmnist", manual_dir=folder, data_dir=tmp_path / "data")
    assert changed.splits["train"]["data"].tobytes() == other[16:]
    assert changed.signature.digest != published.signature.digest
    (folder / "second").write_bytes(contents(8)["train-images-idx3-ubyte.gz"])
    with pytest.raises(Refusal, match=r"second and .*train-images-idx3-ubyte hold different things|hold different"):
        load(name="kmnist", manual_dir=folder, data_dir=tmp_path / "data")


@pytest.mark.input(
    "Raw files and caches", "a damaged or cut file of the right name", "refused", "the sentence names it"
)
@pytest.mark.parametrize(
    ("name", "damage", "packing"),
    [
        ("mnist", "changed", ""),  # in kmnist nobody can know
        *(
            (name, damage, packing)
            for name in ("mnist", "kmnist")
            for damage, packing in (("cut", ""), ("cut", "gz"), ("page", ""), ("page", "gz"), ("empty", ""))
        ),
    ],
)
def test_a_damaged_file_is_named(small: None, tmp_path: pathlib.Path, name: str, damage: str, packing: str) -> None:
    folder = write(tmp_path / "in", name, "{stem}-{kind}-ubyte" + f".{packing}" * bool(packing), packing)
    path = next(folder.glob("t10k-images*"))
    content = path.read_bytes()
    changed = bytes([content[-1] ^ 1])
    path.write_bytes({"cut": content[:-9], "changed": content[:-1] + changed, "page": b"<html>"}.get(damage, b""))
    with pytest.raises(Refusal) as caught:
        load(name=name, manual_dir=folder, data_dir=tmp_path / "data")
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert not list((tmp_path / "data").rglob("*.npy"))
    good = write(tmp_path / "in" / "good", name, packing="gz")  # a whole copy beside it, in a folder of its own
    assert raw.find(idx.raw_set(name), folder).files["t10k-images-idx3-ubyte.gz"].name == NAMES[2], good


def test_a_folder_of_several_data_sets_gives_each_its_own(small: None, tmp_path: pathlib.Path) -> None:
    write(tmp_path / "in", "mnist", "MNIST/raw/{stem}-{kind}-ubyte")
    write(tmp_path / "in", "fashion_mnist", "FashionMNIST/raw/{stem}-{kind}-ubyte")
    write(tmp_path / "in", "mnist", "MNIST/copy/{stem}-{kind}-ubyte.gz", "gz")
    for name in ("mnist", "fashion_mnist"):
        found = raw.find(idx.raw_set(name), tmp_path / "in", [idx.raw_set(other) for other in SEEDS if other != name])
        assert {file: raw.unpacked(place) for file, place in found.files.items()} == contents(SEEDS[name])


def test_published_files_are_known_by_what_they_hold(test_data: pathlib.Path) -> None:
    """Of kmnist no file is at hand."""
    for wanted in (idx.raw_set("mnist"), idx.raw_set("fashion_mnist"), usps.raw_set(), facades.raw_set()):
        folder = test_data / wanted.dataset
        for name in wanted.published:
            assert wanted.digest(folder / name) == wanted.published[name]
        found = raw.find(wanted, folder)
        assert found.notes == () and found.digest == raw.find(wanted, None).digest


@pytest.mark.input(
    "Raw files and caches", "a folder of files for data that need none", "guessed", "a line says that it is not read"
)
def test_a_folder_that_nothing_is_taken_from_is_said(
    data_dir: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load(name="digits", manual_dir=data_dir, data_dir=data_dir)
    assert f"digits needs no files, so --config.data.manual_dir={data_dir} is not looked at" in capsys.readouterr().err
    with pytest.raises(
        Refusal, match=r"manual_dir=.*nowhere does not exist: name the folder of the files of gengen_digits"
    ):
        load(name="gengen_digits:1.1.0", manual_dir=data_dir / "nowhere", data_dir=data_dir)
    load(name="gengen_digits:1.1.0", manual_dir=data_dir, data_dir=data_dir)
    assert "TFDS has prepared gengen_digits:1.1.0 before" in capsys.readouterr().err
