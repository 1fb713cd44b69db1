"""Paths as users give them, files that appear whole or not at all, and what killed writers leave."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gengen.core.refusal import Refusal
from gengen.files.places import place, plain
from gengen.files.whole import sweep, whole, whole_folder, write_whole
from gengen.runs.folder import held

ODD = (
    *("a[x]", "[0-9]", "a[!b]c", "*", "wh?t", "a\\b", "ends\\", "{a,b}", "50%41", "a#b", "two  words", " ", "-x"),
    *(
        "gs:",
        "s3:",
        "file:",
        "a:b",
        "ä日本",
        "new\nline",
        "it's",
        '"',
        "$HOME",
        "~",
        "..x",
        os.fsdecode(b"caf\xe9"),
        "x" * 255,
    ),
)
"""Names that a file system allows and that some library reads as something else."""


@pytest.mark.input("Paths", "`~` in a flag or a key of a folder", "taken", "the home folder")
def test_the_home_folder_is_written_out(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert place("--workdir", "~/runs/a") == tmp_path / "runs" / "a"
    assert place("--workdir", "~") == tmp_path
    assert place("--workdir", "runs/~") == Path("runs/~")
    assert place("--output", "a~b") == Path("a~b")


@pytest.mark.input("Paths", "`~` of a user who does not exist", "refused", "says how to write a file of that name")
@pytest.mark.input("Paths", "an empty path", "refused", "never the current folder")
@pytest.mark.input("Paths", "a NUL character in a path", "refused", "no path can have one")
@pytest.mark.input("Paths", "`gs://`, `s3://`, `file://`, `https://`", "refused", "gengen reads and writes local files")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "--workdir is empty"),
        ("a\0b", "NUL"),
        ("\0", "NUL"),
        ("~nobody-of-that-name/a", r"home folder that is not known; write \./~nobody"),
        *(
            (url, "is a URL")
            for url in ("gs://bucket/x", "s3://b", "file:///tmp/x", "file:/tmp", "https://a.b/c", "HDFS://x")
        ),
    ],
)
def test_what_is_no_local_path_is_refused(text, reason):
    with pytest.raises(Refusal, match=reason):
        place("--workdir", text)


@pytest.mark.parametrize("text", [*ODD, "./gs:/x", "C:\\x", "gs:/bucket"])
def test_what_a_file_system_allows_is_taken_as_it_is(text):
    assert place("--output", text) == Path(text).expanduser()


@pytest.mark.parametrize("name", ODD)
def test_a_folder_of_any_name_has_a_path_that_nobody_misreads(tmp_path, name):
    with plain(tmp_path / name / "runs") as alias:
        assert not set(str(alias)) & set("[]*?\\:") and str(alias).encode()
        (alias / "a").mkdir(parents=True)
        (alias / "a" / "b").write_text("c")
    assert (tmp_path / name / "runs" / "a" / "b").read_text() == "c"


def test_errors_name_the_folder_and_not_its_other_path(tmp_path):
    with pytest.raises(FileNotFoundError) as raised, plain(tmp_path / "a[x]") as alias:
        (alias / "b" / "c").mkdir()
    assert raised.value.filename == str(tmp_path / "a[x]" / "b" / "c")


@pytest.mark.parametrize("name", ODD)
def test_a_file_of_any_name_is_written_whole(tmp_path, name):
    write_whole(tmp_path / name, "new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "new")]


def test_a_file_that_fails_on_the_way_leaves_the_old_one_and_nothing_else(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), whole(path) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


def test_an_error_names_the_file_that_was_to_be_written(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(IsADirectoryError) as raised:
        write_whole(tmp_path / "a", "x")
    assert raised.value.filename == str(tmp_path / "a")


def test_a_folder_appears_whole_and_the_first_of_two_stays(tmp_path):
    with whole_folder(tmp_path / "a") as first:
        (first / "one").touch()
        assert not (tmp_path / "a").exists()
        with whole_folder(tmp_path / "a") as second:
            (second / "two").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "two"]
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "b"):
        raise ZeroDivisionError
    assert not (tmp_path / "b").exists()


WRITES = """
import os, signal, sys
from pathlib import Path
from gengen.files.whole import whole, whole_folder
with whole(Path(sys.argv[1]) / "samples.npz") as file, whole_folder(Path(sys.argv[1]) / "data") as folder:
    file.write(b"half")
    (folder / "half").touch()
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.mark.input("Kills", "a writer that was killed", "taken", "the next start removes what it left half-written")
def test_only_what_a_killed_writer_left_is_swept(tmp_path):
    arguments = [sys.executable, "-c", WRITES, str(tmp_path)]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]
    ) as writer:
        assert writer.stdout.readline() == b"writing\n"
        before = sorted(tmp_path.iterdir())
        sweep(tmp_path)
        assert sorted(tmp_path.iterdir()) == before and len(before) == 2
        writer.kill()
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.input("Kills", "crumbs of older versions of gengen", "taken", "removed at the next start")
def test_crumbs_of_older_versions_are_swept_and_nothing_of_the_users(tmp_path):
    crumbs = (
        ".versions.json.4242",
        ".step_00000010.png.7",
        ".samples.npz.99",
        f".c.npz.{'0a' * 16}",
        f"t.gz.{'1b' * 16}.partial",
    )
    kept = (".lock", ".notes.2024", "a.partial", ".versions.json", "metrics.jsonl", ".x.partial", "incomplete.x")
    for name in (*crumbs, *kept):
        (tmp_path / name).write_text("x")
    (tmp_path / f"incomplete.{'2c' * 16}.digits" / "below").mkdir(parents=True)
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
    sweep(tmp_path / "missing")


@pytest.mark.input("Run folders", "one that a killed run left", "taken", "swept by the next run that holds it")
def test_whoever_holds_a_run_folder_sweeps_it_and_its_folders(tmp_path):
    for name in (".data.json.1", "samples/.step_00000004.png.1", f"best/.{'0' * 32}.partial"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with held(tmp_path):
        assert sorted(path.name for path in tmp_path.rglob("*")) == [".lock", "best", "samples"]


@pytest.mark.input("Run folders", "a folder that was made in vain", "refused", "goes away again with its parents")
def test_a_run_that_is_refused_leaves_no_folder(tmp_path):
    (tmp_path / "there").mkdir()
    for name, left in (("new/a/b", ["there"]), ("there", ["there"]), ("there/a", ["there"])):
        with pytest.raises(Refusal), held(tmp_path / name):
            raise Refusal("no")
        assert [path.name for path in tmp_path.rglob("*")] == left
    with pytest.raises(Refusal), held(tmp_path / "a"):
        (tmp_path / "a" / "config.json").touch()
        raise Refusal("no")
    assert {path.name for path in (tmp_path / "a").iterdir()} == {".lock", "config.json"}


@pytest.mark.input("Run folders", "one that another process trains", "refused", "says so")
def test_a_folder_that_is_held_is_refused_and_stays(tmp_path):
    with held(tmp_path / "a"):
        with pytest.raises(Refusal, match="is being trained by another process"), held(tmp_path / "a"):
            pass
        assert (tmp_path / "a" / ".lock").exists()
