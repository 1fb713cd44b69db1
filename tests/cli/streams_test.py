"""Standard streams that are closed, that lack characters, or that nobody reads any more."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gengen.cli import command, streams

ROOT = Path(__file__).parents[2]


@pytest.mark.input("Environment", "standard streams that are closed", "taken", "no file of a run gets their numbers")
def test_closed_streams_are_opened_on_the_null_device(tmp_path):
    """The file that is opened next would otherwise be the standard error of all libraries."""
    program = (
        "import os, sys; from gengen.cli import streams; streams.open_closed()\n"
        f"with open({str(tmp_path / 'run')!r}, 'w') as file:\n"
        "    print(1, file=sys.stdout); print(2, file=sys.stderr); os.write(2, b'library'); sys.stderr.flush()\n"
        "    file.write(f'{file.fileno() > 2} {sys.stdin.read()!r}')\n"
    )
    closing = f'exec "{sys.executable}" -c "$0" <&- >&- 2>&-'
    assert subprocess.run(["bash", "-c", closing, program], cwd=ROOT, check=False).returncode == 0
    assert (tmp_path / "run").read_text() == "True ''"


@pytest.mark.input("Environment", "a terminal or a file of ASCII alone", "taken", "other characters are escaped")
def test_characters_that_a_stream_does_not_have_are_escaped(monkeypatch):
    said = {
        name: io.TextIOWrapper(io.BytesIO(), encoding=code) for name, code in (("stdout", "ascii"), ("stderr", "utf-8"))
    }
    for name, stream in said.items():
        monkeypatch.setattr(sys, name, stream)
    assert command.main(["launch.py", "--list=wgan"], ROOT / "configs") == 0
    assert command.main(["launch.py", "\udcfe"], ROOT / "configs") == 2
    written = {name: stream.buffer.getvalue().decode() for name, stream in said.items()}
    assert r"Fr\xe9chet distance" in written["stdout"]
    assert r"'\udcfe' is not a flag" in written["stderr"]


@pytest.mark.input(
    "Environment", "a closed pipe, as in --list into head -1", "taken", "it ends quietly, with status 141"
)
@pytest.mark.parametrize("flag", ["--list", "--help", "--nothing"])
def test_a_command_that_nobody_reads_ends_quietly(monkeypatch, flag):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stderr" if flag == "--nothing" else "stdout", stream)
        assert command.main(["launch.py", flag], ROOT / "configs") == streams.UNREAD
        print("what may still come is not a mistake")


def test_a_training_whose_lines_nobody_reads_ends_quietly_and_keeps_its_checkpoint(command, tmp_path):
    flags = ("--config=configs/wgan.py:tiny", "--config.training.steps=1000", f"--workdir={tmp_path / 'run'}")
    arguments, environment = command(*flags)
    with subprocess.Popen(
        arguments, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as run:
        line = run.stderr.readline()
        while not line.startswith("step "):
            line = run.stderr.readline()
        run.stderr.close()
        assert run.wait(timeout=100) == streams.UNREAD
    assert any(path.name.isdigit() for path in (tmp_path / "run" / "checkpoints").iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.input("Environment", "output into a file on a full disk", "refused", "the disk is full")
def test_output_on_a_full_disk_is_one_sentence(monkeypatch, capsys):
    with Path("/dev/full").open("w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert command.main(["launch.py", "--list"], ROOT / "configs") == 2
    assert capsys.readouterr().err == "launch.py: the disk is full; make room and give the same command again.\n"


def test_a_stream_that_is_no_file_is_always_read(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert streams.finish()
