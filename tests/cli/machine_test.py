"""The machine as it is found: inside another program, without a home directory, without the device that was named."""

import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import jax
import pytest

from gengen.cli import machine
from gengen.core.refusal import Refusal

ROOT = Path(__file__).parents[2]

LISTED = re.compile(r"^wgan +\w+ +\d.* WGAN: ", re.MULTILINE)
"""What `--list` says of an experiment."""

WITHIN = """
import os, runpy, sys
os.execve = lambda *command: os.write(1, b"replaced")
for flags in {flags}:
    sys.argv = ["launch.py", *flags]
    try:
        runpy.run_path({script!r}, run_name="__main__")
    except SystemExit as end:
        print("ended with", end.code)
print("still here")
"""
"""What a notebook does with command lines."""


@pytest.fixture
def within(command, tmp_path):
    """Returns `(*command lines) -> finished process` of a program that runs `launch.py` within itself."""

    def run(*flags):
        arguments, environment = command()
        program = [sys.executable, "-c", WITHIN.format(flags=flags, script=arguments[1])]
        environment.pop("GLIBC_TUNABLES", None)
        return subprocess.run(program, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)

    return run


@pytest.mark.input("Notebooks", "%run launch.py, runpy.run_path", "taken", "the kernel stays, each has its own flags")
def test_a_program_that_runs_the_command_within_itself_stays_and_may_do_it_again(within):
    done = within(["--list"], ["--help"], ["--list"])
    assert len(LISTED.findall(done.stdout)) == 2
    assert done.stdout.endswith("still here\n")
    assert "replaced" not in done.stdout and "ended" not in done.stdout  # a notebook shows even status 0 as an error


@pytest.mark.input("Notebooks", "a mistake in %run launch.py", "refused", "the sentence, and SystemExit with status 2")
def test_a_mistake_within_another_program_is_a_status(within):
    done = within(["--mode=sample", "--num=3", "--workdir=none"], ["--mode=sample", "--steps=3"])
    assert done.stdout.split("\n")[:3] == ["ended with 2", "ended with 2", "still here"]
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["launch.py", "launch.py"]


WHOLE = "from gengen.cli import machine; print(machine.is_whole_process(__file__), *sys.argv[1:])"


@pytest.mark.input("Notebooks", "python -m pdb launch.py, coverage run launch.py", "taken", "it stays in the debugger")
@pytest.mark.parametrize(
    ("before", "whole"),
    [
        (["{script}"], True),
        (["-I", "-W", "ignore", "{script}"], True),
        (["{link}"], True),
        (["-m", "pdb", "-c", "continue", "-c", "quit", "{script}"], False),
        (["-m", "trace", "--count", "--missing", "--coverdir={folder}", "--ignore-dir=/", "{script}"], False),
        (["-c", "__file__ = {script!r}; exec(compile(open(__file__).read(), __file__, 'exec'))"], False),
        (["-c", "import runpy, sys; sys.argv[0] = {script!r}; runpy.run_path(sys.argv[0])"], False),
    ],
    ids=lambda value: " ".join(value)[:20] if isinstance(value, list) else str(value),
)
def test_only_a_process_that_is_nothing_but_the_command_is_started_again(tmp_path, before, whole):
    script, link = tmp_path / "launch.py", tmp_path / "link.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{WHOLE}\n")
    link.symlink_to(script)
    names = {"script": str(script), "link": str(link), "folder": tmp_path}
    arguments = [sys.executable, *(word.format(**names) for word in before), "--list"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert f"{whole} --list" in done.stdout, done.stderr


def test_a_process_with_threads_of_others_is_not_started_again(tmp_path):
    script = tmp_path / "launch.py"
    script.write_text(
        f"import sys, threading; sys.path.insert(0, {str(ROOT)!r})\n"
        f"stop = threading.Event(); threading.Thread(target=stop.wait).start()\n{WHOLE}\nstop.set()\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.fixture
def cache(monkeypatch):
    """Leaves JAX's cache of compiled programs as it was; no variable names one."""
    before = jax.config.jax_compilation_cache_dir, jax.config.jax_persistent_cache_min_compile_time_secs
    for name in ("JAX_COMPILATION_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    yield lambda: jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", before[0])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", before[1])


@pytest.mark.input("Environment", "no home directory", "guessed", "compiled programs are not kept, which a line says")
def test_without_a_home_directory_compiled_programs_are_not_kept(monkeypatch, capsys, cache):
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as it is without HOME and without an account
    machine.keep_compilations()
    assert cache() is None
    said = capsys.readouterr().err
    assert said == "gengen: compiled programs are not kept (no home directory); XDG_CACHE_HOME may name a folder.\n"


@pytest.mark.input("Environment", "a cache that cannot be written", "guessed", "a line has the folder and the variable")
@pytest.mark.parametrize("name", ["HOME", "XDG_CACHE_HOME", "JAX_COMPILATION_CACHE_DIR"])
def test_a_cache_that_cannot_be_written_is_done_without(monkeypatch, capsys, cache, tmp_path, name):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(name, str(tmp_path / "file" / "below"))
    machine.keep_compilations()
    assert cache() is None
    said = capsys.readouterr().err
    assert str(tmp_path / "file") in said and said.count("\n") == 1
    assert f"{'XDG_CACHE_HOME' if name == 'HOME' else name} may name a folder" in said


@pytest.mark.input("Environment", "an empty or relative XDG_CACHE_HOME", "taken", "~/.cache, as its specification says")
@pytest.mark.parametrize("given", ["", ".", "caches/mine"])
def test_caches_lie_where_the_specification_says(monkeypatch, cache, tmp_path, given):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", given)
    machine.keep_compilations()
    assert cache() == str(tmp_path / "home" / ".cache" / "gengen" / "xla")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "named"))
    machine.keep_compilations()
    assert cache() == str(tmp_path / "named" / "gengen" / "xla")


@pytest.mark.input("Environment", "JAX_PLATFORMS=cuda without one", "refused", "JAX_PLATFORMS=cpu is named")
@pytest.mark.parametrize("error", [AssertionError(), RuntimeError("Unable to initialize\n backend 'rocm'. ")], ids=repr)
def test_a_device_that_is_not_there_is_one_sentence(monkeypatch, error):
    def devices():
        raise error

    monkeypatch.setattr(jax, "devices", devices)
    monkeypatch.setenv("JAX_PLATFORMS", "rocm")
    known = r" \(Unable to initialize backend 'rocm'\)" if str(error) else ""
    with pytest.raises(
        Refusal, match=rf"^JAX_PLATFORMS=rocm finds no device that it could use{known}; set JAX_PLATFORMS="
    ):
        machine.check_devices()


@pytest.mark.input("Environment", "JAX_ENABLE_X64=maybe", "refused", "JAX's own reason, with the name of the variable")
@pytest.mark.parametrize(("name", "value"), [("JAX_ENABLE_X64", "perhaps"), ("JAX_NUM_CPU_DEVICES", "two")])
def test_a_variable_that_jax_cannot_take_is_one_sentence(launch, name, value):
    done = launch("--keys=wgan", **{name: value})
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert (
        line.startswith("launch.py: JAX cannot take one of its environment variables") and name.lower() in line.lower()
    )


@pytest.mark.input("Environment", "launch.py from another folder, by a link, or with python -I", "taken", "as it is")
def test_the_command_is_found_from_anywhere(command, tmp_path):
    arguments, environment = command("--list")
    (tmp_path / "link.py").symlink_to(ROOT / "launch.py")
    arguments[0:2] = [sys.executable, "-I", "link.py"]
    done = subprocess.run(arguments, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert LISTED.search(done.stdout)


ADDRESSES = (
    "garbage",
    ":",
    "host",
    "host:",
    ":80",
    "host:port",
    "h:1:2",
    "host:65536",
    "host:0",
    "host:-1",
    "http://h:1",
    "",
)


@pytest.mark.input("Flags", "--coordinator=garbage", "refused", "host:port is asked for")
@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_none_is_one_sentence(address):
    with pytest.raises(Refusal, match=f"^--coordinator={re.escape(address)} must be host:port"):
        machine.join_processes(address, 2, 1)


@pytest.mark.input("Flags", "--process that is not below --processes", "refused", "the sentence has the range")
@pytest.mark.parametrize(("processes", "process"), [(0, 0), (-1, 0), (10**20, 0), (2, 2), (2, -1), (3, 10**20)])
def test_processes_are_numbered_from_0(processes, process):
    with pytest.raises(Refusal, match=r"^--process(es)?=-?\d+ must lie in \["):
        machine.join_processes("localhost:1", processes, process)


@pytest.mark.input("Flags", "--coordinator of a host that is unknown or silent", "refused", "JAX would abort instead")
def test_a_coordinator_that_does_not_answer_is_one_sentence(monkeypatch):
    with pytest.raises(Refusal, match=r"there is no host 'nobody\.invalid'"):
        machine.join_processes("nobody.invalid:80", 2, 1)
    monkeypatch.setattr(machine, "PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(Refusal, match=f"127.0.0.1:{port}: the port cannot be used"):
            machine.join_processes(f"127.0.0.1:{port}", 2, 0)
    with pytest.raises(Refusal, match=f"127.0.0.1:{port} did not answer for"):
        machine.join_processes(f"127.0.0.1:{port}", 2, 1)


def test_a_process_waits_for_the_first_one(monkeypatch):
    joined = []
    monkeypatch.setattr(jax.distributed, "initialize", lambda *given: joined.append(given))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    def late():
        time.sleep(0.5)
        with socket.create_server(("127.0.0.1", port)) as server:
            server.accept()[0].close()

    thread = threading.Thread(target=late)
    thread.start()
    machine.join_processes(f"127.0.0.1:{port}", 2, 1)
    thread.join()
    assert joined == [(f"127.0.0.1:{port}", 2, 1)]
