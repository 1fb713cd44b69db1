"""Which task a command line reaches, and with what: in this process, with the tasks themselves replaced."""

from pathlib import Path

import pytest
from absl.testing import flagsaver

from gengen.tasks import command


@pytest.fixture
def carried_out(monkeypatch):
    """Runs a command line in this process with the tasks replaced by what notes their arguments."""
    import launch  # defines the flags

    called = {}
    for task in (command.sample, command.traverse):
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
    for mode in ("train", "traverse", "evaluate", "compare", "benchmark"):
        assert run(f"--mode={mode}", "--workdir=runs/a", "--label=3") == 2
        assert capsys.readouterr().err == (
            f"launch.py: --label=3 is for --mode=sample alone; leave it out of --mode={mode}.\n"
        )
    assert list(called) == ["sample"]


def test_a_run_is_traversed_into_the_folder_that_is_named(carried_out):
    run, called = carried_out
    assert run("--mode=traverse", "--workdir=runs/a", "--output=b", "--seed=2", "--best", "--raw") == 0
    flags = {"seed": 2, "output": Path("b"), "best": True, "raw": True}
    assert called["traverse"] == ((Path("runs/a"),), flags)
