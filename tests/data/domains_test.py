"""Two data sets in one, and pairs: what training is fed, what identifies it, and how a config asks for it."""

import dataclasses
import json
import pathlib
import shutil
from typing import Any

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image

from configs.base import defaults
from gengen.build.model import example_batch
from gengen.core.refusal import Refusal
from gengen.data.domains import GAIN, edges, edges_alone, joined, paired_alone
from gengen.data.pipeline import batches
from gengen.data.selection import Selection, streams
from gengen.data.signature import DataSet, Signature
from gengen.models.translation import pairings
from gengen.runs.folder import open_folder, opened
from gengen.runs.prepare import load_again, load_data
from tests.units import scaled


def made(train: int = 20, *, classes: tuple[str, ...] = ("cat", "dog"), side: int = 1, paired: int = 0) -> DataSet:
    """Images [N, side, side, 1] that hold their places, pairs that hold 100 more, and labels 0, 1, 0, ..."""
    splits: dict[str, dict[str, np.ndarray]] = {}
    for split, count in (("train", train), ("test", 6)):
        places = np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1)
        splits[split] = {"data": np.tile(places, (1, side, side, 1))}
        if paired:
            splits[split]["paired"] = np.tile(places + np.uint8(100), (1, side, side, paired))
        if classes:
            splits[split]["label"] = np.arange(count, dtype=np.int32) % len(classes)
    signature = Signature.of_pictures(
        "toy", (side, side, 1), classes, {"train": train, "test": 6}, f"d{train}", paired=paired
    )
    return DataSet(signature, splits, pathlib.Path("folder"))


def fed(data: DataSet, seed: int = 0, batch_size: int = 4) -> dict[str, Any]:
    """The batches of five steps, [20, ...] each."""
    (batch,) = batches(streams(data), seed=seed, batch_size=batch_size, windows=[(0, 5)], devices=1)
    return jax.tree.map(lambda array: array.reshape(-1, *array.shape[3:]), batch)


@pytest.mark.parametrize(("labelled", "classes"), [(0, ()), (0, ("cat", "dog")), (4, ("cat", "dog"))])
@pytest.mark.parametrize(("paired", "second"), [(0, ""), (0, "other"), (3, ""), (3, "other"), (3, "paired")])
def test_an_example_batch_is_built_like_a_training_batch(
    labelled: int, classes: tuple[str, ...], paired: int, second: str
) -> None:
    data = Selection(labelled=labelled).of(made(classes=classes, paired=paired))
    if second:
        other = made(7, classes=("a", "b", "c"), side=2)
        data = joined(data, paired_alone(data) if second == "paired" else other)
    (batch,) = batches(streams(data), seed=0, batch_size=4, windows=[(0, 1)], devices=1)
    shapes = jax.tree.map(lambda array: (array.shape[2:], array.dtype), batch)
    example = jax.tree.map(lambda array: (array.shape, array.dtype), example_batch(data.signature, 4))
    assert shapes == example


@pytest.fixture
def unpaired_folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """Pictures of two domains, whose levels are 1, 2, 3 and 4 for trainA, trainB, testA and testB."""
    for level, (name, count) in enumerate({"trainA": 5, "trainB": 4, "testA": 2, "testB": 3}.items(), 1):
        (tmp_path / "in" / name).mkdir(parents=True)
        for place in range(count):
            Image.new("L", (4, 4), level).save(tmp_path / "in" / name / f"{place}.png")
    return tmp_path / "in"


def of_folders(first: pathlib.Path, second: pathlib.Path | None, data_dir: pathlib.Path) -> ConfigDict:
    config = defaults()
    config.data.update(name="image_folder", data_dir=str(data_dir), manual_dir=str(first), resolution=(), channels=0)
    if second:
        config.data.second = ConfigDict({"name": "image_folder", "manual_dir": str(second)})
    return config


@pytest.mark.input(
    "Folders of pictures",
    "the same folder of `trainA`, `trainB`, ... for both data sets",
    "guessed",
    "A is the first data set and B the second",
)
def test_a_folder_of_two_domains_is_both_data_sets(
    unpaired_folder: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same = unpaired_folder.parent / "." / "in"
    data = load_data(of_folders(unpaired_folder, same, tmp_path / "data"))
    assert data.second is not None
    levels = [int(one.splits[split]["data"].max()) for split in ("train", "test") for one in (data, data.second)]
    assert levels == [1, 2, 3, 4]
    assert data.signature.counts == {"train": 5, "test": 2} and data.second.signature.counts == {"train": 4, "test": 3}
    said = capsys.readouterr().err
    assert f"gengen: {unpaired_folder}: domain A is the first data set, and domain B the second\n" in said
    assert f"gengen: {unpaired_folder}: domain B, no classes, splits train (4) and test (3)\n" in said


@pytest.mark.input(
    "Folders of pictures", "`trainA`, `trainB`, ... for one data set", "refused", "says how a config of two takes both"
)
@pytest.mark.input(
    "Folders of pictures", "the same folder for both data sets, without domains", "refused", "asks for two folders"
)
def test_two_domains_and_one_are_not_taken_for_each_other(
    unpaired_folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    with pytest.raises(Refusal, match=r"two domains \(A test \(2\), A train \(5\), B test \(3\), B train \(4\)\)"):
        load_data(of_folders(unpaired_folder, None, tmp_path / "data"))
    one, other = unpaired_folder / "trainA", unpaired_folder / "trainB"
    with pytest.raises(Refusal, match=r"trainA is named for both data sets and holds no two domains"):
        load_data(of_folders(one, one, tmp_path / "data"))
    data = load_data(of_folders(one, other, tmp_path / "data"))
    assert data.second is not None and data.second.signature.counts == {"train": 3, "test": 1}


def test_pairs_are_fed_aligned() -> None:
    batch = fed(made(paired=3))
    assert set(batch) == {"data", "paired", "label"}
    np.testing.assert_array_equal(batch["paired"][..., 0] - batch["data"][..., 0], 100)
    assert len(set(batch["data"].ravel())) == 20


def test_a_second_data_set_is_fed_without_labels_in_an_order_of_its_own() -> None:
    alone, other = fed(made()), made(13, side=2)
    both = fed(joined(made(), other))
    assert set(both) == {"data", "label", "second"} and set(both["second"]) == {"data"}
    np.testing.assert_array_equal(both["data"], alone["data"])  # the order of the first stays
    assert sorted(both["second"]["data"][:13, 0, 0, 0]) == list(range(13))  # 13 and 20 images have their own epochs
    # The order of the second follows from the seed, and not from what the first is.
    again = fed(joined(made(9, classes=()), other))
    np.testing.assert_array_equal(again["second"]["data"], both["second"]["data"])
    assert (fed(joined(made(), other), seed=1)["second"]["data"] != both["second"]["data"]).any()


def test_pairs_as_a_second_data_set_are_fed_apart() -> None:
    data = made(paired=3)
    alone = paired_alone(data)
    batch = fed(joined(data, alone))
    assert set(batch) == {"data", "label", "second"}  # no pairs, or a model could see what corresponds
    matching = batch["second"]["data"][:, 0, 0, 0] - batch["data"][:, 0, 0, 0] == 100
    assert matching.sum() < 6  # one of 20 on average
    assert alone.signature.shape == (1, 1, 3) and alone.signature.paired == 0
    np.testing.assert_array_equal(alone.splits["test"]["data"], data.splits["test"]["paired"])
    np.testing.assert_array_equal(alone.splits["test"]["label"], data.splits["test"]["label"])
    assert "paired" in joined(data, alone).splits["test"]  # for judging
    with pytest.raises(Refusal, match="needs a first data set of pairs, and toy has none"):
        paired_alone(made())


@pytest.mark.parametrize("channels", [1, 3])
def test_edges_are_those_that_pairs_are_made_with(channels: int) -> None:
    """The data have them as a domain, `pix2pix` as inputs: the same filter, here of whole levels of brightness."""
    image = np.random.default_rng(0).integers(0, 256, (3, 9, 7, channels), np.uint8)
    image[0] = 77
    meant, _ = pairings.edges(gain=GAIN).of(jax.random.split(jax.random.key(0), 3), {"data": scaled(image)})
    found = edges(image)
    assert found.shape == (3, 9, 7, 1)
    assert not found[0].any()
    np.testing.assert_allclose(found[1:], (np.asarray(meant)[1:] + 1) * 127.5, atol=2.0)
    assert found[1:].max() > 100


def test_edges_as_a_second_data_set_keep_labels_and_have_a_digest_of_their_own() -> None:
    data = made(side=4)
    own = edges_alone(data)
    assert (own.signature.shape[-1], own.signature.digest != data.signature.digest) == (1, True)
    for split, arrays in data.splits.items():
        np.testing.assert_array_equal(own.splits[split]["data"], edges(arrays["data"]))
        np.testing.assert_array_equal(own.splits[split]["label"], arrays["label"])


def test_a_selection_carries_pairs_along_and_leaves_the_second_alone() -> None:
    second = made(13)
    data = Selection(classes=("dog",), held_out=0.2, labelled=2).of(joined(made(paired=1), second))
    assert data.second is second and data.signature.second == second.signature
    for split in ("train", "test", "held_out", "labelled"):
        arrays = data.splits[split]
        np.testing.assert_array_equal(arrays["paired"] - arrays["data"], 100)
        assert len(arrays["paired"]) == data.signature.counts[split]
    own = paired_alone(data)
    assert set(own.splits) == set(own.signature.counts) == {"train", "test", "held_out"}
    np.testing.assert_array_equal(own.splits["train"]["data"], data.splits["train"]["paired"])


def test_the_digest_covers_both_and_the_second_keeps_its_own() -> None:
    first, pairs = made(), made(paired=1)
    data = joined(first, made(13))
    swapped = joined(made(13), first)
    digests = [first, data, joined(first, made(7)), swapped, joined(pairs, paired_alone(pairs)), paired_alone(pairs)]
    assert len({entry.signature.digest for entry in digests}) == 6
    assert data.signature.second is not None and data.signature.second.digest == "d13"
    assert data.folder == first.folder and data.signature.counts == first.signature.counts


def test_signatures_with_a_second_survive_json_and_old_ones_are_read() -> None:
    signature = joined(made(), made(13, side=2, paired=3)).signature
    read = Signature.from_json(json.loads(json.dumps(signature.to_json())))
    assert read == signature and isinstance(read.second, Signature) and read.second.paired == 3
    old = {key: value for key, value in made().signature.to_json().items() if key not in ("paired", "second")}
    assert Signature.from_json(old) == made().signature
    with pytest.raises(KeyError):
        Signature.from_json({key: value for key, value in old.items() if key != "digest"})


def config_of(data_dir: pathlib.Path, **second: Any) -> ConfigDict:
    config = defaults()
    config.data.data_dir = str(data_dir)
    config.data.resolution = (8, 8)
    config.data.second = ConfigDict(second)
    return config


def test_a_config_joins_data_of_other_sizes_channels_and_numbers(
    data_dir: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    pictures(tmp_path / "pictures", 12)
    config = config_of(data_dir, name="image_folder", resolution=(4, 6), channels=3, crop="center", manual_dir="")
    config.data.second.manual_dir = str(tmp_path / "pictures")
    config.training.epochs = 2.0
    data = load_data(config)
    assert data.second is not None and data.signature.second == data.second.signature
    assert data.signature.shape == (8, 8, 1) and data.second.signature.shape == (4, 6, 3)
    assert data.second.signature.counts == {"train": 11, "test": 1}
    assert config.training.steps == -(-2 * 1498 // 64)  # epochs are those of the first
    config.data.unlock()
    del config.data.second
    alone = load_data(config)
    assert alone.second is None and alone.signature.digest != data.signature.digest
    assert dataclasses.replace(data.signature, second=None, digest=alone.signature.digest) == alone.signature


def pictures(folder: pathlib.Path, count: int) -> None:
    folder.mkdir()
    for place in range(count):
        Image.new("RGB", (6, 6), (place, 0, 0)).save(folder / f"{place:02}.png")


def test_a_run_finds_its_second_data_where_they_are_now(data_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    pictures(tmp_path / "before", 12)
    config = config_of(data_dir, name="image_folder", resolution=(), channels=0, crop="none", manual_dir="")
    config.data.second.manual_dir = str(tmp_path / "before")
    run, signature, before = tmp_path / "run", load_data(config).signature, ConfigDict(config.to_dict())
    open_folder(run, config, signature.to_json())
    shutil.move(tmp_path / "before", tmp_path / "after")
    with pytest.raises(Refusal, match="before does not exist"):
        load_again(run, *opened(run), before)
    config.data.second.manual_dir = str(tmp_path / "after")
    assert load_again(run, *opened(run), config).signature == signature
    pictures(tmp_path / "other", 13)
    config.data.second.manual_dir = str(tmp_path / "other")
    with pytest.raises(Refusal, match="digests differ"):
        load_again(run, *opened(run), config)


@pytest.mark.parametrize(
    ("first", "second"), [("train/cat train/dog test/cat test/dog", ""), ("train/a val/a", "cat dog"), ("cat dog", "")]
)
def test_a_run_finds_its_data_whether_splits_are_folders_or_drawn(
    data_dir: pathlib.Path, tmp_path: pathlib.Path, first: str, second: str
) -> None:
    for root, folders in (("first", first), ("second", second)):
        for folder in folders.split():
            (tmp_path / root / folder).parent.mkdir(parents=True, exist_ok=True)
            pictures(tmp_path / root / folder, 12)
    own = {"name": "image_folder", "resolution": (), "channels": 0, "crop": "none"}
    config = config_of(data_dir, **own, manual_dir=str(tmp_path / "second"))
    config.data.update(**own, manual_dir=str(tmp_path / "first"))
    if not second:
        del config.data.second
    run, signature = tmp_path / "run", load_data(config).signature
    open_folder(run, config, signature.to_json())
    assert load_again(run, *opened(run), config).signature == signature


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        ({"name": "paired"}, r"config\.data\.second\.name=paired needs a first data set of pairs, and digits has none"),
        ({"name": "paired", "resolution": (8, 8)}, r"config\.data\.second\.resolution cannot be chosen"),
        ({"name": "mnisst"}, r"config\.data\.second\.name=mnisst is known neither.*did you mean mnist"),
        ({"name": "digits", "channels": 2}, r"config\.data\.second\.channels=2 should be 1"),
        ({"name": "usps", "manual_dir": "nowhere"}, r"config\.data\.second\.manual_dir=.*nowhere is not a folder"),
        ({"name": "digits", "labelled": 10}, r"config\.data\.second should have a name, and of name, resolution"),
        ({"channels": 1}, r"config\.data\.second should have a name"),
    ],
)
def test_what_cannot_be_a_second_data_set_is_refused(
    data_dir: pathlib.Path, second: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Refusal, match=sentence) as caught:
        load_data(config_of(data_dir, **second))
    assert "\n" not in str(caught.value)
