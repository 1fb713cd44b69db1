"""Raw files come from the cache or a mirror, and are never taken unchecked or left half-written."""

import functools
import hashlib
import http.server
import pathlib
import threading
from collections.abc import Iterator

import pytest

from gengen.core.refusal import Refusal
from gengen.data import fetch, raw

CONTENT = b"raw bytes" * 1000
CHECKSUMS = {"a.gz": hashlib.sha256(CONTENT).hexdigest()}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server(tmp_path: pathlib.Path) -> Iterator[tuple[str, pathlib.Path]]:
    """A web server on this machine, and the folder that it serves."""
    folder = tmp_path / "served"
    for name in ("empty", "good", "damaged"):
        (folder / name).mkdir(parents=True)
    (folder / "good" / "a.gz").write_bytes(CONTENT)
    (folder / "damaged" / "a.gz").write_bytes(CONTENT[:-1])
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", folder
        running.shutdown()
        thread.join()


def find(tmp_path: pathlib.Path, mirrors: list[str]) -> pathlib.Path:
    found = fetch.find("toy", CHECKSUMS, mirrors=mirrors, given={}, data_dir=tmp_path / "data")["a.gz"]
    assert isinstance(found, pathlib.Path)
    return found


def test_the_next_mirror_serves_when_one_has_lost_or_damaged_the_file(
    server: tuple[str, pathlib.Path], tmp_path: pathlib.Path
) -> None:
    address, folder = server
    path = find(tmp_path, [f"{address}/empty/", f"{address}/damaged/", f"{address}/good/"])
    assert path.read_bytes() == CONTENT
    assert [entry.name for entry in path.parent.iterdir()] == ["a.gz"]
    (folder / "good" / "a.gz").unlink()
    assert find(tmp_path, [f"{address}/good/"]) == path  # from the cache


def test_a_damaged_download_is_refused_and_not_kept(server: tuple[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    with pytest.raises(Refusal, match=r"toy needs a\.gz.*differs from the published checksum"):
        find(tmp_path, [f"{server[0]}/damaged"])
    assert not (tmp_path / "data").exists()


def test_a_damaged_file_in_the_cache_is_fetched_again(server: tuple[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    cached = tmp_path / "data" / "downloads" / "gengen" / "toy" / "a.gz"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"cut")
    assert find(tmp_path, [f"{server[0]}/good"]).read_bytes() == CONTENT


def test_without_network_the_sentence_names_files_folder_and_embedded_data(tmp_path: pathlib.Path) -> None:
    unused = "http://127.0.0.1:9/"  # the discard port: nothing listens
    checksums = {**CHECKSUMS, "b.gz": "0" * 64}
    with pytest.raises(Refusal) as caught:
        fetch.find("toy", checksums, mirrors=[unused], given={}, data_dir=tmp_path)
    sentence = str(caught.value)
    for part in ("a.gz and b.gz", "--config.data.manual_dir=FOLDER", "--config.data.name=digits"):
        assert part in sentence
    assert "\n" not in sentence


def test_only_what_the_user_has_not_got_is_fetched(server: tuple[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    given: dict[str, raw.Place] = {"b.gz": tmp_path / "mine"}
    checksums = {**CHECKSUMS, "b.gz": "0" * 64}
    found = fetch.find("toy", checksums, mirrors=[f"{server[0]}/good"], given=given, data_dir=tmp_path / "data")
    assert found["b.gz"] == tmp_path / "mine" and found["a.gz"].read_bytes() == CONTENT


def test_reachable_means_that_any_server_answers(server: tuple[str, pathlib.Path]) -> None:
    assert fetch.is_reachable(["http://127.0.0.1:9/x", f"{server[0]}/nothing"])
    assert not fetch.is_reachable(["http://127.0.0.1:9/x"])


def test_a_file_without_a_published_checksum_is_left_to_its_reader(
    server: tuple[str, pathlib.Path], tmp_path: pathlib.Path
) -> None:
    """The reader checks what is inside; a file of that name is taken from the cache or a mirror."""
    data_dir = tmp_path / "data"
    path = fetch.find("toy", {"a.gz": None}, mirrors=[f"{server[0]}/damaged"], given={}, data_dir=data_dir)["a.gz"]
    assert path.read_bytes() == CONTENT[:-1]
    assert fetch.find("toy", {"a.gz": None}, mirrors=[], given={}, data_dir=data_dir) == {"a.gz": path}
