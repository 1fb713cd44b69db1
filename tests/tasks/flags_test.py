"""Which task a command line reaches, and with what: in this process, with the tasks themselves replaced."""

from pathlib import Path

import pytest
from absl.testing import flagsaver

from gengen.tasks import command, embed, reconstruct


@pytest.fixture
def carried_out(monkeypatch):
    """Runs a command line in this process with the tasks replaced by what notes their arguments."""
    import launch  # defines the flags

    called = {}
    for task in (command.sample, command.traverse, reconstruct, command.interpolate, command.manifold, embed):
        name = task.__name__.rpartition(".")[2]
        monkeypatch.setattr(task, "run", lambda *given, name=name, **named: called.update({name: (given, named)}))
    monkeypatch.setattr(command.machine, "keep_compilations", lambda: None)

    def run(*argv):
        with flagsaver.flagsaver():
            return command.main(["launch.py", *argv], Path(launch.__file__).parent / "configs")

    return run, called


def test_a_class_is_asked_for_by_a_flag_that_other_modes_refuse(carried_out, capsys):
    run, called = carried_out
    assert run("--mode=sample", "--workdir=runs/a", "--label=Sandal") == 0
    assert called["sample"][1]["label"] == "Sandal"
    assert run("--mode=sample", "--workdir=runs/a") == 0
    assert called["sample"][1]["label"] is None
    where = "--mode=sample, --mode=reconstruct and --mode=manifold"
    for mode in ("train", "traverse", "interpolate", "embed", "evaluate", "compare", "benchmark"):
        assert run(f"--mode={mode}", "--workdir=runs/a", "--label=3") == 2
        assert capsys.readouterr().err == f"launch.py: --label=3 is for {where}; leave it out of --mode={mode}.\n"
    assert list(called) == ["sample"]


def test_a_run_is_traversed_into_the_folder_that_is_named(carried_out):
    run, called = carried_out
    assert run("--mode=traverse", "--workdir=runs/a", "--output=b", "--seed=2", "--best", "--raw") == 0
    flags = {"seed": 2, "output": Path("b"), "best": True, "raw": True}
    assert called["traverse"] == ((Path("runs/a"),), flags)


def test_modes_that_look_at_codes_are_told_what_belongs_to_them(carried_out):
    run, called = carried_out
    flags = {"seed": 3, "output": None, "best": False, "raw": True, "config": None}
    given = ("--workdir=runs/a", "--seed=3", "--raw")
    assert run("--mode=reconstruct", *given, "--input=mine", "--label=2") == 0
    assert called["reconstruct"] == ((Path("runs/a"),), {**flags, "num": 64, "source": Path("mine"), "label": "2"})
    assert run("--mode=interpolate", *given) == 0
    assert called["interpolate"] == ((Path("runs/a"),), {**flags, "num": 8, "steps": 10, "spherical": False})
    assert run("--mode=interpolate", *given, "--steps=4", "--spherical", "--num=2") == 0
    assert called["interpolate"][1] == {**flags, "num": 2, "steps": 4, "spherical": True}
    assert run("--mode=manifold", *given, "--axes=1,2") == 0
    assert called["manifold"] == ((Path("runs/a"),), {**flags, "num": 20, "axes": "1,2", "label": None})
    assert run("--mode=embed", *given) == 0
    assert called["embed"] == ((Path("runs/a"),), {**flags, "num": 10_000})


FLAGS = {"--steps=3": "interpolate", "--spherical": "interpolate", "--axes=0,1": "manifold"}


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_of_one_mode_is_refused_in_others(carried_out, capsys, flag):
    run, called = carried_out
    for mode in {"train", "sample", "embed", "evaluate", *FLAGS.values()} - {FLAGS[flag]}:
        assert run(f"--mode={mode}", "--workdir=runs/a", flag) == 2
        assert capsys.readouterr().err == (
            f"launch.py: {flag} is for --mode={FLAGS[flag]} alone; leave it out of --mode={mode}.\n"
        )
    assert not called


def test_own_pictures_are_refused_by_modes_that_would_not_look_at_them(carried_out, capsys):
    run, called = carried_out
    for mode in ("train", "sample", "embed", "manifold", "evaluate"):
        assert run(f"--mode={mode}", "--workdir=runs/a", "--input=mine") == 2
        said = capsys.readouterr().err
        assert said.startswith("launch.py: --input=mine is for --mode=reconstruct")
        assert said.endswith(f"leave it out of --mode={mode}.\n")
    assert not called


NO_PATH = {
    "": "is empty",
    "a\0b": "NUL",
    "gs://bucket/run": "is a URL",
    "file:///tmp/run": "is a URL",
    "~nobody-/a": "home",
}


@pytest.mark.input("Paths", "a flag of a path that is no path", "refused", "before anything is written, in every mode")
@pytest.mark.parametrize("text", NO_PATH)
@pytest.mark.parametrize(
    ("flag", "mode"),
    [("workdir", mode) for mode in ("train", "sample", "embed", "compare", "benchmark", "evaluate")]
    + [("output", "sample"), ("output", "compare"), ("input", "reconstruct"), ("input", "detect")],
)
def test_what_is_no_path_is_refused_before_anything_is_written(
    carried_out, capsys, monkeypatch, tmp_path, flag, mode, text
):
    run, called = carried_out
    monkeypatch.chdir(tmp_path)
    assert run(f"--mode={mode}", *(() if flag == "workdir" else ("--workdir=runs/a",)), f"--{flag}={text}") == 2
    said = capsys.readouterr().err
    assert said.startswith(f"launch.py: --{flag}") and said.count("\n") == 1 and NO_PATH[text] in said
    assert not called and not list(tmp_path.iterdir())


def test_the_home_folder_is_written_out_in_every_flag(carried_out, monkeypatch, tmp_path):
    run, called = carried_out
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run("--mode=reconstruct", "--workdir=~/a", "--output=~/b.npz", "--input=~/c") == 0
    given, named = called["reconstruct"]
    assert (given, named["output"], named["source"]) == ((tmp_path / "a",), tmp_path / "b.npz", tmp_path / "c")


def test_an_error_that_led_to_itself_ends(carried_out, monkeypatch, capsys):
    def fails(*given, **named):
        error = PermissionError(13, "Permission denied", "there")
        raise error from error

    run, _ = carried_out
    monkeypatch.setattr(command.sample, "run", fails)
    assert run("--mode=sample", "--workdir=runs/a") == 2
    assert capsys.readouterr().err == "launch.py: there cannot be used: Permission denied.\n"
