"""Runs as one file: what is packed comes back bit for bit, and what a stranger changed is refused before it is used."""

import hashlib
import io
import json
import stat
import tarfile
import zipfile

import pytest

from gengen.core.refusal import Refusal
from gengen.files import archive
from gengen.files.archive import DIGESTS, pack, unpack
from gengen.runs.archived import MARK, located

FILES = {"config.json": b"{}", "data.json": b"{}", "checkpoints/3/state/d": bytes(range(256)) * 9}


def write(folder, files=FILES):
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def zipped(path, files, links=()):
    with zipfile.ZipFile(path, "w") as made:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFLNK if name in links else stat.S_IFREG) << 16
            made.writestr(entry, content)
    return path


def taped(path, files, kind=tarfile.REGTYPE):
    with tarfile.open(path, "w:gz") as made:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.type = len(content), tarfile.REGTYPE if content else kind
            info.linkname = "" if content else "../outside"
            made.addfile(info, io.BytesIO(content))
    return path


def everything(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_is_packed_comes_back_and_is_unpacked_once(tmp_path):
    sent = pack(write(tmp_path / "mine"), list(FILES), tmp_path / "run.zip")
    folder = located(sent)
    assert folder == tmp_path / "run"
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    assert everything(folder) == {*FILES, DIGESTS, MARK}
    (folder / "samples.png").write_bytes(b"made since")
    assert located(sent) == folder
    assert (folder / "samples.png").exists()
    assert located(tmp_path / "mine") == tmp_path / "mine"


def test_a_tar_and_a_folder_within_are_taken_too(tmp_path):
    for sent in (
        taped(tmp_path / "a.tar.gz", {f"./deep/er/{name}": content for name, content in FILES.items()}),
        zipped(tmp_path / "b.zip", {f"run/{name}": content for name, content in FILES.items()}),
    ):
        assert everything(located(sent)) == {*FILES, MARK}


def test_a_folder_in_the_way_is_left_alone(tmp_path):
    sent = pack(write(tmp_path / "mine"), list(FILES), tmp_path / "run.zip")
    write(tmp_path / "run", {"config.json": b"another"})
    with pytest.raises(Refusal, match="is there and not of it: move one of them"):
        located(sent)
    assert (tmp_path / "run" / "config.json").read_bytes() == b"another"


OUTSIDE = ("../evil", "/evil", "a/../../evil", "..\\evil", "C:evil")


@pytest.mark.parametrize("name", [*OUTSIDE, "weights.pkl", "checkpoints/model.pt", "hook.py"])
def test_names_that_lead_elsewhere_or_run_are_refused(tmp_path, name):
    (tmp_path / "in").mkdir()
    for sent in (
        zipped(tmp_path / "in" / "a.zip", {**FILES, name: b"x"}),
        taped(tmp_path / "in" / "b.tgz", {**FILES, name: b"x"}),
    ):
        with pytest.raises(Refusal, match=r"would lie outside of its folder|is of a kind that can run code"):
            located(sent)
    assert everything(tmp_path) == {"in/a.zip", "in/b.tgz"}


def test_links_are_refused(tmp_path):
    with pytest.raises(Refusal, match="'link' in it is a link"):
        located(zipped(tmp_path / "a.zip", {**FILES, "link": b"../outside"}, links=("link",)))
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
        with pytest.raises(Refusal, match="'link' in it is a link or a device"):
            located(taped(tmp_path / "b.tar.gz", {**FILES, "link": b""}, kind))
    assert everything(tmp_path) == {"a.zip", "b.tar.gz"}


def test_what_its_digest_does_not_know_is_refused(tmp_path):
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    told = json.dumps(digests).encode()
    cases = {
        "is not what digests.json says": {**FILES, "data.json": b"[]", DIGESTS: told},
        "is missing": {**{name: FILES[name] for name in list(FILES)[:2]}, DIGESTS: told},
        "more.*is not what digests.json says": {**FILES, "more": b"", DIGESTS: told},
        "is no JSON": {**FILES, DIGESTS: b"{"},
    }
    for index, (sentence, files) in enumerate(cases.items()):
        with pytest.raises(Refusal, match=sentence):
            located(zipped(tmp_path / f"{index}.zip", files))
    assert everything(tmp_path) == {f"{index}.zip" for index in range(len(cases))}


def test_sizes_are_bounded_before_anything_is_written(tmp_path, monkeypatch):
    sent = zipped(tmp_path / "a.zip", FILES)
    for limit, value, sentence in (
        ("MOST", 2, "more than 2 files"),
        ("TEXT", 1, r"'config.json' in it has 2 bytes, and 1 are the most"),
        ("LARGEST", 100, r"would swell to 2,308 bytes"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(archive, limit, value)
            with pytest.raises(Refusal, match=sentence):
                located(sent)
    assert everything(tmp_path) == {"a.zip"}


def test_damaged_empty_and_ambiguous_archives_are_sentences(tmp_path):
    whole = zipped(tmp_path / "whole.zip", FILES).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    two = {f"{run}/{name}": content for run in "ab" for name, content in FILES.items()}
    with pytest.raises(Refusal, match=r"cut.zip cannot be unpacked"):
        located(tmp_path / "cut.zip")
    with pytest.raises(Refusal, match=r"holds no run: there is no config.json in it"):
        located(zipped(tmp_path / "empty.zip", {"other": b""}))
    with pytest.raises(Refusal, match="holds several runs"):
        located(zipped(tmp_path / "two.zip", two))
    (tmp_path / "into").mkdir()
    unpack(tmp_path / "whole.zip", tmp_path / "into", "config.json")
    assert everything(tmp_path / "into") == set(FILES)
