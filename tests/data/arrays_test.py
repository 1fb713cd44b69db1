"""A user's own arrays: what they are taken for, and what is no data to train on."""

import io
import pathlib
import pickle
from typing import Any

import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.core.units import Units
from gengen.data.dataset import load
from gengen.data.listing import say
from gengen.data.signature import DataSet

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(40, 3))
LABELS = np.arange(40) % 2


@pytest.fixture
def own(tmp_path: pathlib.Path) -> Any:
    """Writes files into a folder, each from text, bytes or arrays by name, and loads it, or the only file."""

    def written(kind: str = "auto", only: bool = True, share: float = 0.0, **files: Any) -> DataSet:
        folder = tmp_path / "own"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            path = folder / name.replace("_", ".")
            if isinstance(content, dict):
                np.savez(path, **content)
            elif isinstance(content, np.ndarray):
                np.save(path, content)
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        root = path if only and len(files) == 1 else folder
        say.cache_clear()
        return load(name="array_folder", manual_dir=root, data_dir=tmp_path / "data", kind=kind, test_share=share)

    return written


def together(data: DataSet, key: str = "data") -> np.ndarray:
    return np.concatenate([data.splits[split][key] for split in ("train", "test")])


@pytest.mark.input("Arrays", "scikit-learn's wine data as a CSV file", "taken", "points; the column `class` is labels")
def test_a_table_of_wines(own: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from sklearn.datasets import load_wine

    wine = load_wine()
    rows = [
        ",".join([*map(repr, map(float, x)), wine.target_names[y]]) for x, y in zip(wine.data, wine.target, strict=True)
    ]
    data = own(wine_csv="\n".join([",".join([*wine.feature_names, "class"]), *rows]))
    signature = data.signature
    assert (signature.kind, signature.shape, signature.split) == ("points", (13,), "hash")
    assert signature.classes == ("class_0", "class_1", "class_2")
    assert signature.counts == {"train": 160, "test": 18}
    assert np.bincount(data.splits["test"]["label"]).tolist() == [6, 7, 5]  # a tenth of 59, 71 and 48
    order, theirs = np.lexsort(together(data).T), np.lexsort(wine.data.astype(np.float32).T)
    np.testing.assert_array_equal(together(data)[order], wine.data.astype(np.float32)[theirs])
    np.testing.assert_array_equal(together(data, "label")[order], wine.target[theirs])
    field, train = signature.fields["data"], data.splits["train"]["data"].astype(np.float64)
    np.testing.assert_allclose(field.mean, train.mean(0), rtol=1e-12)
    np.testing.assert_allclose(field.deviation, train.std(0), rtol=1e-12)
    seen = Units(field).to_model(data.splits["train"]["data"])
    np.testing.assert_allclose(seen.std(0), 1, rtol=1e-5)
    said = capsys.readouterr().err
    assert "points of 13 numbers, classes: 3 (class_0, class_1, class_2), 160 to train on, 18 held out" in said
    again = own(wine_csv="\n".join([",".join([*wine.feature_names, "class"]), *rows]))
    assert again.signature == signature
    more = own(wine_csv="\n".join([",".join([*wine.feature_names, "class"]), *rows]), share=0.5)
    assert more.signature.counts == {"train": 89, "test": 89}


@pytest.mark.input(
    "Arrays",
    "an array x of some axes, without `kind`",
    "guessed",
    "1 or 2: points; 3: series, or pictures of bytes; 4: pictures of 1 or 3 channels, or volumes; 5: volumes",
)
@pytest.mark.parametrize(
    ("shape", "dtype", "kind", "expected", "said"),
    [
        ((30,), "float64", "points", (1,), "points of 1 number,"),
        ((30, 4), "int16", "points", (4,), "points of 4 numbers,"),
        ((30, 6, 2), "float32", "series", (6, 2), "series of 6 steps of 2 numbers,"),
        ((30, 6, 5), "uint8", "picture", (6, 5, 1), "pictures of 6x5 with 1 channel,"),
        ((30, 6, 5, 3), "float32", "picture", (6, 5, 3), "pictures of 6x5 with 3 channels,"),
        ((30, 6, 5, 4), "bool", "volume", (6, 5, 4, 1), "volumes of 6x5x4 with 1 channel,"),
        ((30, 6, 5, 4, 2), "uint8", "volume", (6, 5, 4, 2), "volumes of 6x5x4 with 2 channels,"),
    ],
)
def test_the_axes_say_the_kind(
    own: Any,
    capsys: pytest.CaptureFixture[str],
    shape: tuple[int, ...],
    dtype: str,
    kind: str,
    expected: tuple[int, ...],
    said: str,
) -> None:
    x = (
        (RNG.random(shape) * (1 if dtype == "float32" else 200)).astype(dtype)
        if dtype != "bool"
        else RNG.random(shape) < 0.5
    )
    data = own(x_npy=x)
    assert (data.signature.kind, data.signature.shape) == (kind, expected)
    assert data.splits["train"]["data"].dtype == ("uint8" if kind in ("picture", "volume") else "float32")
    assert data.signature.fields["data"].bounded == (kind in ("picture", "volume"))
    assert said in capsys.readouterr().err
    factor = 255 if kind in ("picture", "volume") and dtype != "uint8" else 1
    assert together(data).sum(dtype=np.float64) == pytest.approx(
        np.rint(x * factor * 1e6 / 1e6).sum() if factor > 1 else x.sum(dtype=np.float64), rel=1e-5
    )


@pytest.mark.input("Arrays", "`kind` for x of one axis less", "taken", "with one feature or channel")
def test_a_kind_may_be_said(own: Any) -> None:
    assert own(kind="series", x_npy=RNG.random((9, 7))).signature.shape == (7, 1)
    assert own(kind="volume", x_npy=RNG.integers(0, 256, (9, 4, 4, 3))).signature.shape == (4, 4, 3, 1)


@pytest.mark.input("Arrays", "an .npz of one array of any name, such as `data`", "taken", "as the examples")
@pytest.mark.parametrize("names", [("data",), ("arr_0", "labels"), ("images", "label")], ids="-".join)
def test_the_only_array_of_a_file_is_the_examples(own, names: tuple[str, ...]) -> None:
    data = own(a_npz=dict(zip(names, (POINTS, LABELS), strict=False)))
    assert sorted(together(data).ravel()) == sorted(POINTS.astype(np.float32).ravel())
    assert len(data.signature.classes) == (len(set(LABELS.tolist())) if len(names) == 2 else 0)


@pytest.mark.input("Arrays", "an .npz with X and Y, whose labels are names or any whole numbers", "taken", "as classes")
@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (np.array(["dog", "cat"])[LABELS], ("cat", "dog")),
        (np.array([b"dog", b"cat"])[LABELS], ("cat", "dog")),
        (np.array([7, -1])[LABELS], ("-1", "7")),
        (np.array([2.0, 10.0])[LABELS][:, None], ("2", "10")),
        (LABELS.astype(bool), ("False", "True")),
    ],
)
def test_labels_are_numbered_in_order(own: Any, y: np.ndarray, classes: tuple[str, ...]) -> None:
    data = own(a_npz={"X": POINTS, "Y": y})
    assert data.signature.classes == classes
    found = {
        tuple(x): classes[label] for x, label in zip(together(data).tolist(), together(data, "label"), strict=True)
    }
    flat = y.reshape(-1)
    names = [
        label.decode() if isinstance(label, bytes) else str(int(label) if flat.dtype.kind == "f" else label)
        for label in flat.tolist()
    ]
    assert found == dict(zip(map(tuple, POINTS.astype(np.float32).tolist()), names, strict=True))


@pytest.mark.input("Arrays", "a folder with a file to train on and one for testing", "taken", "as the splits")
def test_files_may_be_splits(own: Any, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.array([["3", "a"], ["4", "b"], ["5", "a"]])
    rows = "\n".join(["n,label", *map(",".join, x)])
    data = own(train_csv=rows, Test_csv="n,label\n6,c\n7,c\n")
    assert data.signature.split == "own" and data.signature.classes == ("a", "b", "c")
    assert data.splits["train"]["data"].tolist() == [[3], [4], [5]] and data.splits["train"]["label"].tolist() == [
        0,
        1,
        0,
    ]
    assert data.splits["test"]["data"].tolist() == [[6], [7]] and data.splits["test"]["label"].tolist() == [2, 2]
    assert "3 to train on, 2 of the file for testing" in capsys.readouterr().err


@pytest.mark.input("Arrays", "a feature that is constant, or whose mean is large", "taken", "its deviation counts as 1")
def test_a_constant_feature_is_kept(own: Any) -> None:
    x = np.stack([np.full(40, 0.1), 1e6 + np.arange(40.0)], -1)
    data = own(x_npy=x)
    field = data.signature.fields["data"]
    assert field.mean[0] == np.float32(0.1) and field.deviation[0] == 1
    train = data.splits["train"]["data"]
    seen = Units(field).to_model(train)
    assert (seen[:, 0] == 0).all() and abs(seen[:, 1].std() - 1) < 1e-3
    np.testing.assert_array_equal(Units(field).to_data(seen), train)


def test_an_array_that_changes_is_read_again(own: Any) -> None:
    first = own(x_npy=POINTS).signature
    second = own(x_npy=POINTS + 1).signature
    assert first.digest != second.digest
    assert own(x_npy=POINTS).signature.digest == first.digest


def damaged() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, x=POINTS)
    return buffer.getvalue()[:-200]


def with_value(value: float) -> np.ndarray:
    x = POINTS.copy()
    x[7, 2] = value
    return x


REFUSED = {
    "NaN": ({"x_npy": with_value(np.nan)}, r"x of .*x\.npy is not a finite number at \[7, 2\]"),
    "an infinite number": ({"x_npy": with_value(-np.inf)}, r"not a finite number at \[7, 2\]"),
    "numbers beyond float32": ({"x_npy": with_value(1e39)}, r"to 1e\+39, beyond 1e\+38: scale it down"),
    "complex numbers": ({"x_npy": POINTS * 1j}, "holds complex numbers"),
    "text": ({"x_npy": np.array(["a", "b"])}, "holds text"),
    "times": ({"x_npy": np.array(["2020-01-01"] * 3, "datetime64[D]")}, r"holds values of datetime64\[D\]"),
    "Python objects, which are never unpickled": (
        {"x_npy": np.array([[1], [1, 2]], object)},
        "Python objects or rows of several lengths",
    ),
    "a pickle under the name .npy": ({"x_npy": pickle.dumps([1])}, "Python objects or rows"),
    "a damaged .npz": ({"a_npz": damaged()}, "cannot be read as NumPy's arrays"),
    "an empty file": ({"x_npy": b""}, "cannot be read as NumPy's arrays"),
    "an .npz of several arrays without x": (
        {"a_npz": {"first": POINTS, "second": POINTS}},
        r"holds 2 \(first, second\), and no array x: .*savez\(FILE, x=x, y=y\)",
    ),
    "a single number": ({"x_npy": np.array(1.0)}, r"x of .*x\.npy has the shape \(\):"),
    "one row": ({"x_npy": POINTS[:1]}, r"shape \(1, 3\): it takes two examples or more"),
    "no row": ({"x_npy": POINTS[:0]}, r"shape \(0, 3\): it takes two examples or more"),
    "no column": ({"x_npy": POINTS[:, :0]}, r"shape \(40, 0\): it takes .*, of a number or more"),
    "six axes": ({"x_npy": np.ones((2,) * 6)}, r"after the examples come as many axes as 1 of points, 2 of series"),
    "a mean beside which float32 loses the deviation": (
        {"x_npy": POINTS + np.array([0, 1e9, 0])},
        r"numbers up to 1e\+09 in feature 2, whose deviation of .* is lost in float32: subtract their mean",
    ),
    "pictures of two ranges": (
        {"train_npy": RNG.random((9, 4, 4, 3)), "test_npy": RNG.integers(0, 256, (9, 4, 4, 3))},
        "one has values from 0 to 1, and the other whole numbers from 0 to 255: save both as one of them",
    ),
    "the same row again and again": ({"x_npy": np.ones((9, 2))}, "the same example 9 times"),
    "pictures of other values": ({"x_npy": RNG.normal(size=(9, 4, 4, 3))}, "whole numbers from 0 to 255, or of any"),
    "fewer labels than rows": ({"a_npz": {"x": POINTS, "y": LABELS[:-1]}}, r"y of .* the shape \(39,\), and x has 40"),
    "labels of several numbers": ({"a_npz": {"x": POINTS, "y": np.eye(2)[LABELS]}}, r"the shape \(40, 2\), and x"),
    "labels that are no whole numbers": (
        {"a_npz": {"x": POINTS, "y": LABELS / 2}},
        "labels are whole numbers or names",
    ),
    "a label without a name": ({"a_npz": {"x": POINTS, "y": np.array(["a", " "])[LABELS]}}, "holds no name at 1"),
    "a class for each row": (
        {"a_npz": {"x": POINTS, "y": np.arange(40)}},
        "one example of each class, and none can be",
    ),
    "two files that are no splits": (
        {"a_npy": POINTS, "b_npy": POINTS},
        r"several files of arrays, 2 \(a\.npy, b\.npy\)",
    ),
    "a folder without arrays": ({"a_txt": "1"}, "is or holds no file of arrays"),
    "a file for testing of another width": ({"train_npy": POINTS, "test_npy": POINTS[:, :2]}, "of another shape than"),
    "a file for testing without labels": (
        {"train_npz": {"x": POINTS, "y": LABELS}, "test_npy": POINTS},
        "only one of them has labels",
    ),
}


@pytest.mark.input(
    "Arrays",
    "NaN, complex numbers, text, Python objects, one row, labels of another length, the same row again and again",
    "refused",
    "each in a sentence that says where it is and what to do; nothing is ever unpickled",
)
@pytest.mark.parametrize("given", REFUSED)
def test_what_cannot_be_trained_on_is_one_sentence(own: Any, tmp_path: pathlib.Path, given: str) -> None:
    files, sentence = REFUSED[given]
    with pytest.raises(Refusal, match=sentence) as caught:
        own(**files, only=given != "a folder without arrays")
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
    assert not list((tmp_path / "data").rglob("*.npy"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "array_folder needs --config.data.manual_dir=FILE"),
        ({"manual_dir": "nowhere.csv"}, "nowhere.csv does not exist"),
        ({"manual_dir": "x.npy", "kind": "picture"}, r"shape \(40, 3\): after the examples come as many axes as"),
        ({"manual_dir": "x.npy", "kind": "text"}, "kind=text should be one of auto, points, series"),
        ({"manual_dir": "x.npy", "resolution": 8}, "config.data.resolution is for files of pictures, and array_folder"),
        ({"manual_dir": "x.npy", "channels": 1}, "config.data.channels is for files of pictures, .* holds points"),
        ({"manual_dir": "x.npy", "crop": "center"}, "config.data.crop is for files of pictures"),
    ],
)
def test_what_is_asked_for_has_to_fit(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", POINTS)
    with pytest.raises(Refusal, match=sentence):
        load(name="array_folder", data_dir=tmp_path / "data", **arguments)
