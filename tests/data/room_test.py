"""What does not fit is refused before anything is written, and the sentence says how much it would take."""

import collections
import pathlib
import shutil
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gengen.core.refusal import Refusal
from gengen.data import decoded, room
from gengen.data.dataset import load
from gengen.data.selection import Selection
from gengen.data.signature import DataSet, Signature

Usage = collections.namedtuple("Usage", "total used free")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets how much memory there is, and how much disk is free."""

    def set_to(memory: int = 2**40, disk: int = 2**60) -> None:
        monkeypatch.setattr(room, "memory", lambda: memory)
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(disk, 0, disk))

    return set_to


@pytest.mark.input(
    "Size of the data",
    "a resolution at which all pictures do not fit on the disk, such as 100000",
    "refused",
    "before anything is decoded; the sentence says how much it would take and how much is free",
)
@pytest.mark.parametrize(
    ("resolution", "channels", "size"), [(100_000, 1, "16.3 TiB"), ((10**6, 2 * 10**6), 3, "9.58 PiB")]
)
def test_a_resolution_beyond_the_disk_is_refused(
    machine: Any, data_dir: pathlib.Path, resolution: Any, channels: int, size: str
) -> None:
    machine(disk=3 * 2**30)
    with pytest.raises(Refusal) as caught:
        load(name="digits", data_dir=data_dir, resolution=resolution, channels=channels, crop="center")
    assert f"would take {size} on the disk of {data_dir}" in str(caught.value)
    assert "which has 3 GiB free: lower --config.data.resolution" in str(caught.value)
    assert not list(data_dir.rglob("incomplete*"))


@pytest.mark.input(
    "Size of the data",
    "pictures of which even one does not fit into memory",
    "refused",
    "the sentence says how much they would take and how much the machine has",
)
def test_pictures_beyond_the_memory_are_refused(machine: Any, data_dir: pathlib.Path) -> None:
    machine(memory=2**30)
    with pytest.raises(
        Refusal, match=r"digits at 30000x30000 with 1 channel would take 1\.68 GiB of memory.*has 1 GiB:"
    ):
        load(name="digits", data_dir=data_dir, resolution=30_000)
    machine(memory=4000)
    with pytest.raises(Refusal, match=r"digits at 9x9 with 1 channel would take 142 KiB of memory.*has 3\.91 KiB:"):
        load(name="digits", data_dir=data_dir, resolution=9)


@pytest.mark.input(
    "Size of the data",
    "a folder of huge pictures, and no resolution",
    "refused",
    "as at a resolution: the size of the first picture says how much all would take",
)
def test_huge_pictures_are_refused_without_a_resolution(machine: Any, tmp_path: pathlib.Path) -> None:
    (tmp_path / "in").mkdir()
    for place in range(5):
        Image.new("L", (3000, 1000), place).save(tmp_path / "in" / f"{place}.png")
    machine(disk=14_000_000)
    with pytest.raises(Refusal, match=r"image_folder at 1000x3000 with 1 channel would take 14\.3 MiB on the disk"):
        load(name="image_folder", manual_dir=tmp_path / "in", data_dir=tmp_path / "data")
    machine(disk=15_000_001, memory=25_000_000)
    data = load(name="image_folder", manual_dir=tmp_path / "in", data_dir=tmp_path / "data")
    assert data.signature.shape == (1000, 3000, 1)


def test_what_is_mapped_needs_no_memory(machine: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoded, "MAPPED_ABOVE", 10_000)
    machine(memory=20_000)
    assert load(name="digits", data_dir=tmp_path, resolution=9).signature.counts["test"] == 300


@pytest.mark.input(
    "Size of the data", "a selection that does not fit into memory", "refused", "before it is copied, with its size"
)
def test_a_selection_beyond_the_memory_is_refused(machine: Any, tmp_path: pathlib.Path) -> None:
    arrays = {"data": np.zeros((40, 10, 10, 1), np.uint8), "label": np.arange(40, dtype=np.int32) % 4}
    signature = Signature.of_pictures("few", (10, 10, 1), tuple("abcd"), {"train": 40, "test": 40}, "")
    data = DataSet(signature, {"train": arrays, "test": arrays}, tmp_path)
    machine(memory=2000)
    with pytest.raises(Refusal, match=r"A selection of few would take 2\.03 KiB of memory"):
        Selection(classes=("a",)).of(data)
    machine(memory=2100)
    assert Selection(classes=("a",)).of(data).signature.counts == {"train": 10, "test": 10}


def test_memory_is_that_of_the_machine_or_of_its_container(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_LIMIT", tmp_path / "memory.max")
    whole = room.memory()
    assert whole > 2**28
    (tmp_path / "memory.max").write_text("max\n")
    assert room.memory() == whole
    (tmp_path / "memory.max").write_text("123456789\n")
    assert room.memory() == 123_456_789
