"""Loading: the embedded digits, the decoded cache, names that TFDS knows, and refusals."""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.data.dataset import load
from gengen.data.signature import Signature


def test_digits_are_scikit_learns(data_dir: pathlib.Path) -> None:
    from sklearn.datasets import load_digits

    data = load(name="digits", data_dir=data_dir, rule="position")
    digits = load_digits()
    is_test = np.arange(1797) % 6 == 5
    for split, chosen in (("train", ~is_test), ("test", is_test)):
        np.testing.assert_array_equal(data.splits[split]["label"], digits.target[chosen])
        image = data.splits[split]["data"]
        assert image.dtype == np.uint8 and image.shape[1:] == (8, 8, 1)
        assert abs(image[..., 0] / 255 * 16 - digits.images[chosen]).max() < 0.04


@pytest.mark.input(
    "Splits", "the embedded digits", "taken", "a sixth of each class, by the hash of the pixels, is for testing"
)
def test_a_sixth_of_each_digit_is_for_testing(data_dir: pathlib.Path) -> None:
    data, older = (load(name="digits", data_dir=data_dir, rule=rule) for rule in ("hash", "position"))
    assert load(name="digits", data_dir=data_dir, test_share=0.5).signature.counts == {"train": 899, "test": 898}
    for name in ("glyphs", "ring", "solids"):
        with pytest.raises(Refusal, match=rf"test_share=0\.5 .* and {name} has its own"):
            load(name=name, data_dir=data_dir, test_share=0.5)
    assert data.signature.counts == {"train": 1497, "test": 300} and data.signature.split == "hash"
    whole, tested = (
        np.bincount(np.concatenate([data.splits[split]["label"] for split in splits]))
        for splits in (("train", "test"), ("test",))
    )
    assert (abs(tested - whole / 6) < 1).all()
    pictures = [
        sorted(image.tobytes() for split in ("train", "test") for image in found.splits[split]["data"])
        for found in (data, older)
    ]
    assert pictures[0] == pictures[1]  # none is lost or used twice


@pytest.mark.input(
    "Splits", "a run of digits that an older version began", "taken", "keeps its split: every sixth digit for testing"
)
def test_the_older_rule_gives_the_older_data(data_dir: pathlib.Path) -> None:
    older = load(name="digits", data_dir=data_dir, rule="position").signature
    assert (older.digest, older.split) == ("4e9affc30173a807", "position")  # recorded with the older version
    assert older.counts == {"train": 1498, "test": 299}
    drawn = load(name="glyphs", data_dir=data_dir, rule="position").signature
    assert drawn == load(name="glyphs", data_dir=data_dir).signature and drawn.split == "own"


@pytest.mark.parametrize(
    ("resolution", "channels", "shape"), [(16, None, (16, 16, 1)), (32, 3, (32, 32, 3)), ((8, 8), 1, (8, 8, 1))]
)
def test_size_and_channels_by_config(
    data_dir: pathlib.Path, resolution: Any, channels: int | None, shape: tuple[int, ...]
) -> None:
    data = load(name="digits", resolution=resolution, channels=channels, data_dir=data_dir)
    assert data.splits["train"]["data"].shape == (1497, *shape)
    assert data.signature.shape == shape


def test_enlarged_digits_shrink_back_to_themselves(data_dir: pathlib.Path) -> None:
    small = load(name="digits", data_dir=data_dir).splits["test"]["data"].astype(float)
    large = load(name="digits", resolution=32, data_dir=data_dir).splits["test"]["data"].astype(float)
    back = large.reshape(-1, 8, 4, 8, 4).mean((2, 4))[..., None]
    # Bicubic strokes are softer than the squares that they come from; shifted by one square, this would be 0.5.
    assert np.corrcoef(back.ravel(), small.ravel())[0, 1] > 0.97


def test_a_wide_cut_of_square_digits(data_dir: pathlib.Path) -> None:
    with pytest.raises(Refusal, match="another aspect than 8x16"):
        load(name="digits", resolution=(8, 16), data_dir=data_dir)
    data = load(name="digits", resolution=(8, 16), crop="center", data_dir=data_dir)
    assert data.signature.shape == (8, 16, 1)


def test_the_second_start_needs_neither_tfds_nor_scikit_learn(data_dir: pathlib.Path) -> None:
    load(name="digits", data_dir=data_dir)
    code = (
        "import sys; from gengen.data.dataset import load; load(name='digits');"
        "assert not {'tensorflow_datasets', 'sklearn', 'jax'} & set(sys.modules)"
    )
    environment = {**os.environ, "TFDS_DATA_DIR": str(data_dir)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""


def test_the_signature_survives_json(data_dir: pathlib.Path) -> None:
    signature = load(name="digits", data_dir=data_dir).signature
    assert Signature.from_json(json.loads(json.dumps(signature.to_json()))) == signature
    assert signature.kind == "picture" and signature.split == "hash"
    older = {key: value for key, value in signature.to_json().items() if key != "split"}
    assert Signature.from_json(older) == dataclasses.replace(signature, split="position")
    with pytest.raises(KeyError):
        Signature.from_json({"name": "digits"})


def test_the_digest_tells_data_apart(data_dir: pathlib.Path) -> None:
    digests = {load(name="digits", resolution=size, data_dir=data_dir).signature.digest for size in (8, 16, None)}
    assert len(digests) == 2  # 8x8 is what the pictures have anyway


@pytest.mark.parametrize("damage", ["cut", "missing", "signature"])
def test_a_damaged_cache_is_written_again(tmp_path: pathlib.Path, damage: str) -> None:
    first = load(name="digits", data_dir=tmp_path)
    (signature,) = (tmp_path / "gengen_decoded").rglob("signature.json")
    images = signature.with_name("train.data.npy")
    if damage == "cut":
        images.write_bytes(images.read_bytes()[:-100])
    elif damage == "missing":
        images.unlink()
    else:
        signature.write_text("{")
    second = load(name="digits", data_dir=tmp_path)
    assert first.signature == second.signature
    np.testing.assert_array_equal(first.splits["train"]["data"], second.splits["train"]["data"])


@pytest.mark.heavy
def test_two_processes_may_start_at_once(tmp_path: pathlib.Path) -> None:
    code = (
        "from gengen.data.dataset import load;"
        f"print(load(name='digits', data_dir={str(tmp_path)!r}, resolution=16).signature.digest)"
    )
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = {process.communicate()[0] for process in running}
    assert [process.returncode for process in running] == [0, 0]
    assert len(printed) == 1 and printed != {""}
    assert not list(tmp_path.rglob("incomplete*"))


@pytest.mark.parametrize("limit", [50_000, 300_000])
def test_a_full_disk_is_told_in_a_sentence_and_leaves_nothing_half_written(tmp_path: pathlib.Path, limit: int) -> None:
    """The smaller limit stops TFDS, which needs 200 kB; the larger one stops the decoded pictures, which need 5 MB."""
    code = (
        "import resource; from gengen.data.dataset import load; from gengen.core.refusal import Refusal\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        f"try: load(name='digits', data_dir={str(tmp_path)!r}, resolution=64)\n"
        "except Refusal as refusal: print(refusal)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.startswith("The data do not fit below"), done.stderr
    assert not list(tmp_path.rglob("incomplete*")) and not list(tmp_path.rglob("*.npy"))


def test_the_data_are_for_reading_only(data_dir: pathlib.Path) -> None:
    image = load(name="digits", data_dir=data_dir).splits["train"]["data"]
    with pytest.raises(ValueError, match="read-only"):
        image[0] = 0


def test_any_other_name_is_passed_to_tfds(data_dir: pathlib.Path) -> None:
    own = load(name="digits", data_dir=data_dir, channels=3)
    # The records of the embedded digits, found by TFDS under the name that they have there.
    passed = load(name="gengen_digits:1.1.0", data_dir=data_dir, channels=3)
    assert own.signature.digest == passed.signature.digest
    assert passed.signature.classes == own.signature.classes


@pytest.mark.input(
    "Splits",
    "a TFDS data set without a test split",
    "taken",
    "a tenth of each class, by the hash of the stored picture, is for testing",
)
def test_a_tfds_data_set_without_test_split_lends_a_tenth_of_each_class(tmp_path: pathlib.Path) -> None:
    import tensorflow_datasets as tfds
    from PIL import Image

    class GengenOneSplit(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self) -> Any:
            label = tfds.features.ClassLabel(names=["even", "odd"])
            features = tfds.features.FeaturesDict({"photo": tfds.features.Image(shape=(4, 4, 3)), "is_odd": label})
            return tfds.core.DatasetInfo(builder=self, features=features, disable_shuffling=True)

        def _split_generators(self, dl_manager: Any) -> Any:
            return {"train": self._generate_examples()}

        def _generate_examples(self) -> Any:
            for key in range(100):
                yield key, {"photo": Image.new("RGB", (4, 4), (2 * key,) * 3), "is_odd": key % 2}

    older = load(name="gengen_one_split", data_dir=tmp_path, rule="position")
    assert older.splits["test"]["data"][:, 0, 0, 0].tolist() == list(range(0, 200, 20))
    assert older.signature.split == "position"
    data = load(name="gengen_one_split", data_dir=tmp_path)
    assert data.signature.counts == {"train": 90, "test": 10} and data.signature.split == "hash"
    assert np.bincount(data.splits["test"]["label"]).tolist() == [5, 5]  # the older rule tests even ones alone
    values = [data.splits[split]["data"][:, 0, 0, 0].tolist() for split in ("train", "test")]
    assert sorted(values[0] + values[1]) == list(range(0, 200, 2))
    assert data.signature.digest == load(name="gengen_one_split", data_dir=tmp_path).signature.digest


def test_a_tfds_data_set_that_needs_tensorflow_says_so(tmp_path: pathlib.Path) -> None:
    import tensorflow_datasets as tfds

    class GengenNeedsTensorflow(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self) -> Any:
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict({"a": tfds.features.Image()})
            )

        def _split_generators(self, dl_manager: Any) -> Any:
            return {"train": self._generate_examples()}

        def _generate_examples(self) -> Any:
            raise ImportError("No module named 'tensorflow'")
            yield

    with pytest.raises(Refusal, match=r"packages that are not installed.*tensorflow.*digits"):
        load(name="gengen_needs_tensorflow", data_dir=tmp_path)
    assert not list(tmp_path.rglob("*"))


def test_a_tfds_data_set_without_pictures_is_refused_before_it_is_downloaded(tmp_path: pathlib.Path) -> None:
    with pytest.raises(Refusal, match="imdb_reviews has no feature of 8-bit pictures"):
        load(name="imdb_reviews", data_dir=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": "mnisst"}, "did you mean mnist"),
        ({"name": "no/such set"}, "no/such set"),
        ({"name": "digits", "resolution": 0}, "resolution=0 should be a positive number"),
        ({"name": "digits", "resolution": (8, 8, 1)}, "should be a positive number, or"),
        ({"name": "digits", "channels": 2}, "channels=2 should be 1"),
        ({"name": "digits", "crop": "left"}, "crop=left should be one of none, center"),
        ({"name": "mnist", "manual_dir": "nowhere"}, "nowhere is not a folder"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: pathlib.Path, arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refusal, match=sentence) as caught:
        load(**arguments, data_dir=tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.input("Paths", "a `data_dir` that is a file, or below one", "refused", "names what is in the way")
def test_a_data_dir_that_is_a_file_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refusal, match=r"file.*cannot be used.*--config\.data\.data_dir"):
        load(name="digits", data_dir=tmp_path / "file")
    with pytest.raises(Refusal, match=r"file.* cannot be used.*--config\.data\.data_dir"):
        load(name="digits", data_dir=tmp_path / "file" / "below" / "it")


@pytest.mark.input("Environment", "no home directory for data", "refused", "TFDS_DATA_DIR and the key are named")
def test_data_without_a_home_directory_need_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as it is without HOME and without an account
    with pytest.raises(Refusal, match=r"TFDS_DATA_DIR or --config\.data\.data_dir=FOLDER"):
        load(name="digits")


@pytest.mark.skipif(not pathlib.Path("/proc/self").exists(), reason="/proc, where nobody can make a folder, is Linux's")
@pytest.mark.input("Environment", "a home directory that does not exist", "refused", "and it does not hang")
def test_data_in_a_home_that_cannot_be_made_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    monkeypatch.setenv("HOME", "/proc/nowhere")
    with pytest.raises(Refusal, match=r"/proc/nowhere.* cannot be used .*data_dir=FOLDER, or set TFDS_DATA_DIR"):
        load(name="digits")


@pytest.mark.input("Paths", "a `data_dir` where nothing can be made", "refused", "at once, and names another way")
@pytest.mark.skipif(not pathlib.Path("/proc/self").exists(), reason="needs /proc, where nobody can make anything")
@pytest.mark.parametrize("folder", ["/proc", "/proc/new", "/proc/self/new/one"])
def test_a_data_dir_where_nothing_can_be_made_is_refused(folder: str) -> None:
    with pytest.raises(Refusal, match=r"/proc.*: add --config\.data\.data_dir=FOLDER") as caught:
        load(name="digits", data_dir=folder)
    assert caught.value.__cause__ is not caught.value


@pytest.mark.parametrize(
    ("key", "path", "sentence"),
    [
        ("data_dir", "gs://bucket/x", "--config.data.data_dir=gs://bucket/x is a URL"),
        ("data_dir", "a\0b", "--config.data.data_dir=.* has a NUL"),
        ("manual_dir", "s3://bucket/x", "--config.data.manual_dir=s3://bucket/x is a URL"),
        ("manual_dir", "\0", "--config.data.manual_dir=.* has a NUL"),
        ("manual_dir", "~nobody-of-that-name", "home folder that is not known"),
    ],
)
def test_places_that_are_none_are_refused(tmp_path: pathlib.Path, key: str, path: str, sentence: str) -> None:
    with pytest.raises(Refusal, match=sentence):
        load(**{"name": "mnist", "data_dir": tmp_path, key: path})
    assert not list(tmp_path.iterdir())


def test_the_environment_may_name_the_folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", "gs://bucket")
    with pytest.raises(Refusal, match="TFDS_DATA_DIR=gs://bucket is a URL"):
        load(name="digits")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TFDS_DATA_DIR", "~/sets")
    assert load(name="digits").folder.is_relative_to(tmp_path / "sets")


@pytest.mark.input("Paths", "bytes that are not UTF-8, or patterns, in a `data_dir`", "taken", "as any other")
@pytest.mark.parametrize("name", [os.fsdecode(b"caf\xe9"), "a[0:5]*", "back\\slash"])
def test_a_data_dir_may_have_any_name(tmp_path: pathlib.Path, data_dir: pathlib.Path, name: str) -> None:
    folder = tmp_path / name
    first = load(name="digits", data_dir=folder)
    assert first.signature == load(name="digits", data_dir=data_dir).signature
    shutil.rmtree(folder / "gengen_decoded")
    assert load(name="digits", data_dir=folder).signature == first.signature  # read from the prepared records
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.input(
    "Kills", "a data set that was half prepared, or half decoded", "taken", "swept when it is prepared again"
)
def test_what_a_killed_process_left_of_a_data_set_is_swept(tmp_path: pathlib.Path) -> None:
    old, young = (tmp_path / "gengen_digits" / f"incomplete.{name}_1.1.0" for name in ("OLDONE", "YOUNG1"))
    decoded = tmp_path / "gengen_decoded" / "v3" / f"incomplete.{'0a' * 16}.digits"
    for folder in (old, young, decoded):
        (folder / "below").mkdir(parents=True)
    os.utime(old, (0, 0))
    load(name="digits", data_dir=tmp_path)
    assert (old.exists(), young.exists(), decoded.exists()) == (False, True, False)
