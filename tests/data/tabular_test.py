"""The five tables of the benchmark of density estimation: what is published of each, and a sentence for each damage."""

import contextlib
import pathlib
import sys
import types

import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.data import tabular
from gengen.data.dataset import load

RANDOM = np.random.default_rng(0)


def power() -> np.ndarray:
    return RANDOM.normal(size=(60, 8)).cumsum(0)


def gas() -> np.ndarray:
    """16 sensors, the first eight of which are as good as those behind them."""
    own = RANDOM.normal(size=(50, 8))
    return np.concatenate([own + 0.01 * RANDOM.normal(size=own.shape), own], 1)


def write_npy(folder: pathlib.Path, name: str, rows: np.ndarray) -> pathlib.Path:
    file = folder / tabular.TABLES[name].files[0]
    file.parent.mkdir(parents=True, exist_ok=True)
    np.save(file, rows)
    return folder


def write_hepmass(folder: pathlib.Path) -> dict[str, np.ndarray]:
    """Six discrete features, and a 28th one with a mass in the file for testing, as published."""
    found = {}
    for split, count in (("train", 90), ("test", 60)):
        features = RANDOM.normal(size=(count, 27))
        features[:, 3:9] = RANDOM.integers(0, 3, (count, 6))
        label = np.arange(count) % 2
        rows = np.concatenate([label[:, None], features, np.full((count, int(split == "test")), 1000.0)], 1)
        header = ",".join(["# label", *(f"f{place}" for place in range(rows.shape[1] - 1))])
        path = folder / "hepmass" / f"1000_{split}.csv"
        path.parent.mkdir(exist_ok=True)
        np.savetxt(path, rows, "%.18e", delimiter=",", header=header, comments="")
        found[split] = features[label == 1]
    return found


def test_power_is_shuffled_and_blurred_as_published(tmp_path: pathlib.Path) -> None:
    rows = power()
    splits, said = tabular.read_rows("power", tabular.find("power", write_npy(tmp_path, "power", rows)).files)
    random = np.random.RandomState(42)
    random.shuffle(rows)
    kept = rows[:, [0, 2, 4, 5, 6, 7]].copy()
    kept[:, 1] += 0.01 * random.rand(60)
    kept[:, 0] += 0.001 * random.rand(60)
    kept[:, 2:5] += random.rand(60, 3)
    mean, deviation = kept[:54].mean(0), kept[:54].std(0)
    np.testing.assert_allclose(splits["train"], (kept[:49] - mean) / deviation, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(splits["test"], (kept[54:] - mean) / deviation, rtol=1e-5, atol=1e-6)
    assert splits["train"].dtype == np.float32
    assert said == (
        "power: 49 to train and 6 to test, where 1,659,917 and 204,928 are published: what is measured here compares "
        "with no paper"
    )


def test_of_gas_the_first_of_two_that_correlate_is_left_out(tmp_path: pathlib.Path) -> None:
    rows = gas()
    splits, _ = tabular.read_rows("gas", tabular.find("gas", write_npy(tmp_path, "gas", rows)).files)
    wanted = (rows[:, 8:] - rows[:, 8:].mean(0)) / rows[:, 8:].std(0, ddof=1)
    np.testing.assert_allclose(splits["train"], wanted[:41], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(splits["test"], wanted[45:], rtol=1e-5, atol=1e-6)


def test_of_hepmass_the_signal_is_kept_without_discrete_features(tmp_path: pathlib.Path) -> None:
    raw = write_hepmass(tmp_path)
    splits, _ = tabular.read_rows("hepmass", tabular.find("hepmass", tmp_path).files)
    kept = [*range(3), *range(9, 27)]
    mean, deviation = raw["train"].mean(0)[kept], raw["train"].std(0, ddof=1)[kept]
    np.testing.assert_allclose(splits["train"], (raw["train"][:41, kept] - mean) / deviation, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(splits["test"], (raw["test"][:, kept] - mean) / deviation, rtol=1e-5, atol=1e-6)


def test_miniboone_is_standardised_without_its_rows_for_testing(tmp_path: pathlib.Path) -> None:
    rows = RANDOM.normal(3, 2, (50, 43))
    write_npy(tmp_path, "miniboone", rows)
    splits, _ = tabular.read_rows("miniboone", tabular.find("miniboone", tmp_path / "miniboone").files)
    mean, deviation = rows[:45].mean(0), rows[:45].std(0)
    np.testing.assert_allclose(splits["train"], (rows[:41] - mean) / deviation, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(splits["test"], (rows[45:] - mean) / deviation, rtol=1e-5, atol=1e-6)


def test_bsds300_is_read_as_it_is_if_its_reader_is_there(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "BSDS300" / "BSDS300.hdf5"
    file.parent.mkdir()
    file.write_bytes(b"")
    held = {split: RANDOM.normal(size=(count, 63)) for split, count in (("train", 9), ("validation", 2), ("test", 3))}
    files = tabular.find("bsds300", tmp_path).files
    monkeypatch.setitem(sys.modules, "h5py", types.SimpleNamespace(File=lambda *_: contextlib.nullcontext(held)))
    splits, _ = tabular.read_rows("bsds300", files)
    assert splits.keys() == {"train", "test"}
    np.testing.assert_array_equal(splits["test"], held["test"].astype(np.float32))
    del held["test"]
    with pytest.raises(Refusal, match=r"is no such table as BSDS300 .'test'.: copy or download it again"):
        tabular.read_rows("bsds300", files)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(Refusal, match="h5py, which reads it, is not installed: pip install h5py, or gengen"):
        tabular.read_rows("bsds300", files)


def test_a_table_is_loaded_and_known_again(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = write_npy(tmp_path / "data", "power", power())
    data = load(name="power", manual_dir=files, data_dir=tmp_path / "tfds")
    assert (data.signature.kind, data.signature.shape, data.signature.split) == ("points", (6,), "own")
    assert data.signature.counts == {"train": 49, "test": 6} and "are published" in capsys.readouterr().err
    assert load(name="power", manual_dir=tmp_path, data_dir=tmp_path / "tfds").signature == data.signature
    assert not capsys.readouterr().err
    with pytest.raises(Refusal, match="and power has its own: leave it 0"):
        load(name="power", manual_dir=files, data_dir=tmp_path / "tfds", test_share=0.2)


@pytest.mark.input(
    "Arrays",
    "a table of the benchmark of densities without its files",
    "refused",
    "the sentence says which files, and where they are published",
)
@pytest.mark.parametrize("name", tabular.TABLES)
def test_files_that_are_missing_are_named_with_the_place_where_they_are_published(
    tmp_path: pathlib.Path, name: str
) -> None:
    for root in (None, tmp_path, tmp_path / "nothing"):
        with pytest.raises(Refusal) as caught:
            tabular.find(name, root)
        said = str(caught.value)
        assert tabular.TABLES[name].files[0] in said and tabular.ARCHIVE in said and "\n" not in said
        assert "--config.data.manual_dir" in said


def test_a_pickle_is_not_opened(tmp_path: pathlib.Path) -> None:
    (tmp_path / "gas").mkdir()
    (tmp_path / "gas" / "ethylene_CO.pickle").write_bytes(b"cos\nsystem\n(S'touch opened'\ntR.")
    with pytest.raises(Refusal, match=r"ethylene_CO.pickle is a pickle, which may run any code .* numpy.save\('ethyl"):
        tabular.find("gas", tmp_path)


@pytest.mark.parametrize(
    ("name", "rows", "sentence"),
    [
        ("power", RANDOM.normal(size=(60, 43)), r"shape \(60, 43\), and should hold rows of 8 numbers"),
        ("power", RANDOM.normal(size=(9, 8)), r"of 8 numbers, 20 or more"),
        ("power", np.full((60, 8), np.nan), r"no finite number, at \[0, 0\] of train"),
        ("miniboone", np.full((60, 43), "x"), r"holds <U1 of the shape"),
        ("miniboone", np.full((60, 43), {}), "Object arrays cannot be loaded"),
        ("gas", RANDOM.normal(size=(60, 16)), "leaves rows of 16 numbers, and those of gas have 8"),
    ],
)
def test_another_table_is_told_apart(tmp_path: pathlib.Path, name: str, rows: np.ndarray, sentence: str) -> None:
    files = tabular.find(name, write_npy(tmp_path, name, rows)).files
    with pytest.raises(Refusal, match=sentence) as caught, np.errstate(invalid="ignore"):
        tabular.read_rows(name, files)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "10 of the latter or more"),
        ("names\n1,2\n", "cannot be read as a table of HEPMASS"),
        ("names\n" + ",".join(["1"] * 28) + "\n", "10 of the latter or more"),
        ("names\n" + 20 * (",".join(["2"] * 28) + "\n") + 20 * (",".join(["1"] * 28) + "\n"), "classes 0 and 1"),
    ],
)
def test_another_csv_is_told_apart(tmp_path: pathlib.Path, content: str, sentence: str) -> None:
    write_hepmass(tmp_path)
    (tmp_path / "hepmass" / "1000_test.csv").write_text(content)
    with pytest.raises(Refusal, match=sentence) as caught:
        tabular.read_rows("hepmass", tabular.find("hepmass", tmp_path).files)
    assert "\n" not in str(caught.value)
