"""Data of every kind come by the one way to load, and are selected and fed as pictures are."""

import itertools
import pathlib
from typing import Any

import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.data import points, solids
from gengen.data.dataset import load
from gengen.data.domains import edges_alone, joined
from gengen.data.pipeline import batches
from gengen.data.selection import streams
from gengen.data.series import read_sines
from gengen.data.signature import KINDS, DataSet
from gengen.data.sources import UNUSED
from gengen.data.tabular import TABLES

DRAWN = {
    **{name: ("points", (2,), len(cloud.classes)) for name, cloud in points.CLOUDS.items()},
    "sines": ("series", (24, 5), 0),
    "solids": ("volume", (16, 16, 16, 1), 4),
}
"""Kind, shape and number of classes of the data sets that are drawn and are no pictures."""

DIGESTS = {"ring": "d57a789ecf63622e", "sines": "b9ab64b477cde368", "solids": "0acc04b3379ece22"}
"""Of one data set of each kind, with few solids: runs of other versions hold them."""


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer solids, which are quicker."""
    monkeypatch.setattr(solids, "COUNTS", {"train": 40, "test": 12})


def test_every_data_set_that_is_drawn_is_loaded_below() -> None:
    assert DRAWN.keys() == UNUSED.keys() - {"array_folder", "scenes", *TABLES}


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_drawn_is_what_is_loaded(tmp_path: pathlib.Path, few: None, name: str) -> None:
    data = load(name=name, data_dir=tmp_path)
    signature, (kind, shape, classes) = data.signature, DRAWN[name]
    assert (signature.kind, signature.shape, len(signature.classes)) == (kind, shape, classes)
    assert signature.digest == DIGESTS.get(name, signature.digest)
    assert signature.split == "own" and len(shape) == KINDS[kind]
    for split, arrays in data.splits.items():
        drawn, labels = (
            points.read_points(name, split)
            if kind == "points"
            else (read_sines(split), None)
            if name == "sines"
            else solids.read_solids(split)
        )
        np.testing.assert_array_equal(arrays["data"], drawn)
        assert arrays["data"].dtype == signature.fields["data"].dtype and not arrays["data"].flags.writeable
        assert ("label" in arrays) == bool(classes)
        if classes:
            np.testing.assert_array_equal(arrays["label"], labels)
    assert load(name=name, data_dir=tmp_path).signature == signature


def test_bounds_are_known_or_measured(data_dir: pathlib.Path) -> None:
    fields = {name: load(name=name, data_dir=data_dir).signature.fields["data"] for name in ("ring", "sines", "digits")}
    assert (fields["sines"].low, fields["sines"].high, fields["sines"].mean) == (0, 1, ())
    assert (fields["digits"].low, fields["digits"].high, fields["digits"].mean) == (0, 255, ())
    train, _ = points.read_points("ring", "train")
    np.testing.assert_allclose(fields["ring"].mean, train.mean(0, np.float64), rtol=1e-9)
    np.testing.assert_allclose(fields["ring"].deviation, train.std(0, np.float64), rtol=1e-9)
    assert not fields["ring"].bounded


def test_a_resolution_is_the_side_of_solids(tmp_path: pathlib.Path, few: None) -> None:
    for resolution, side in ((8, 8), ((12, 12), 12), (None, 16)):
        data = load(name="solids", data_dir=tmp_path, resolution=resolution)
        np.testing.assert_array_equal(data.splits["test"]["data"], solids.read_solids("test", side, 12)[0])


@pytest.mark.input(
    "Keys of a config",
    "a resolution, channels or a crop for data that are no pictures",
    "refused",
    "only solids have a resolution, the side of their cubes",
)
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": "ring", "resolution": 8}, "data.resolution is for files of pictures, and ring holds points"),
        ({"name": "sines", "channels": 1}, "data.channels is for files of pictures, and sines holds series"),
        ({"name": "moons", "crop": "center"}, "data.crop is for files of pictures, and moons holds points"),
        ({"name": "solids", "channels": 3}, "data.channels is for files of pictures, and solids holds volumes"),
        ({"name": "solids", "resolution": (8, 9)}, r"resolution=\(8, 9\) should be one number: solids lie in cubes"),
        ({"name": "solids", "resolution": 10**5}, "solids at 100000x100000x100000 would take .* of memory"),
        ({"name": "ring", "kind": "points"}, "kind=points is for --config.data.name=array_folder; leave it auto"),
        ({"name": "ring", "domain": "A"}, "ring holds no domain A"),
    ],
)
def test_what_says_nothing_of_a_kind_is_refused(
    tmp_path: pathlib.Path, few: None, arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Refusal, match=sentence) as caught:
        load(**arguments, data_dir=tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*.npy"))


def test_a_note_says_that_files_are_not_looked_at(data_dir: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    load(name="sines", data_dir=data_dir, manual_dir=data_dir)
    assert "sines needs no files, so --config.data.manual_dir=" in capsys.readouterr().err


def test_every_kind_is_selected_from_and_fed(data_dir: pathlib.Path) -> None:
    whole = load(name="moons", data_dir=data_dir)
    data = load(name="moons", data_dir=data_dir, classes=("upper",), held_out=0.25, labelled=10)
    counts = data.signature.counts
    upper = int((whole.splits["train"]["label"] == 0).sum())
    assert counts["held_out"] == round(upper / 4) and counts["train"] == upper - counts["held_out"]
    assert counts["labelled"] == 10 and data.signature.fields == whole.signature.fields
    series = load(name="sines", data_dir=data_dir)
    fed = streams(joined(data, series))
    (batch,) = batches(fed, seed=0, batch_size=8, windows=[(0, 3)], devices=2)
    assert batch["data"].shape == (2, 3, 4, 2) and batch["labelled"]["label"].shape == (2, 3, 4)
    assert batch["second"]["data"].shape == (2, 3, 4, 24, 5)
    assert {tuple(point) for point in batch["data"].reshape(-1, 2)} <= set(map(tuple, whole.splits["train"]["data"]))


def test_the_density_of_all_classes_is_known(data_dir: pathlib.Path) -> None:
    ring = load(name="ring", data_dir=data_dir, held_out=0.5)
    density = points.density_of(ring.signature)
    test = ring.splits["test"]["data"]
    assert density is not None
    np.testing.assert_array_equal(density(test), points.log_density("ring", test))
    others = (load(name="ring", data_dir=data_dir, classes=("east",)), load(name="digits", data_dir=data_dir))
    assert [points.density_of(data.signature) for data in others] == [None, None]


def test_edges_are_of_pictures_alone(data_dir: pathlib.Path) -> None:
    with pytest.raises(Refusal, match="edges needs a first data set of pictures, and ring holds points"):
        edges_alone(load(name="ring", data_dir=data_dir))


NUMBERED = itertools.count()


def tfds_of(features: Any, count: int, tmp_path: pathlib.Path, **arguments: Any) -> DataSet:
    import tensorflow_datasets as tfds

    class GengenNumbers(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")
        name = f"gengen_numbers_{next(NUMBERED)}"  # TFDS keeps a register of names

        def _info(self) -> Any:
            return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

        def _split_generators(self, dl_manager: Any) -> Any:
            return {"train": self._generate_examples()}

        def _generate_examples(self) -> Any:
            for key in range(count):
                fill = {name: np.full(feature.shape, key, feature.np_dtype) for name, feature in features.items()}
                yield key, {**fill, "species": key % 3} if "species" in features else fill

    return load(name=GengenNumbers.name, data_dir=tmp_path, **arguments)


@pytest.mark.input(
    "Names",
    "a TFDS data set without pictures that has one array of floats, such as iris",
    "taken",
    "as points or series; `resolution` and `channels` have to be left empty",
)
@pytest.mark.parametrize(("shape", "kind", "dtype"), [((4,), "points", "float32"), ((6, 2), "series", "float64")])
def test_a_tfds_data_set_of_numbers(tmp_path: pathlib.Path, shape: tuple[int, ...], kind: str, dtype: str) -> None:
    import tensorflow_datasets as tfds

    features = {
        "features": tfds.features.Tensor(shape=shape, dtype=np.dtype(dtype)),
        "count": tfds.features.Tensor(shape=(1,), dtype=np.int64),
        "species": tfds.features.ClassLabel(names=["a", "b", "c"]),
    }
    data = tfds_of(features, 60, tmp_path)
    assert (data.signature.kind, data.signature.shape, data.signature.split) == (kind, shape, "hash")
    assert data.signature.counts == {"train": 54, "test": 6} and data.splits["train"]["data"].dtype == np.float32
    assert np.bincount(data.splits["test"]["label"]).tolist() == [2, 2, 2]
    first = np.concatenate([split["data"].reshape(len(split["data"]), -1)[:, 0] for split in data.splits.values()])
    assert sorted(first) == list(range(60))


def test_a_tfds_data_set_of_several_arrays_is_refused(tmp_path: pathlib.Path) -> None:
    import tensorflow_datasets as tfds

    tensor = tfds.features.Tensor(shape=(4,), dtype=np.float32)
    for features in ({"a": tensor, "b": tensor}, {"a": tfds.features.Tensor(shape=(None,), dtype=np.float32)}):
        with pytest.raises(Refusal, match=r"not one single feature of floats \[D\] or \[T, D\]"):
            tfds_of(features, 3, tmp_path)
