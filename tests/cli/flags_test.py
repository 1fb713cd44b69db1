"""Which task a command line reaches, and with what: in this process, with the tasks themselves replaced."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from gengen.cli import command, dispatch, flags
from gengen.cli.tasks import TASKS, USED_UP, main_of
from gengen.core.refusal import Refusal
from gengen.data.signature import Signature
from gengen.runs.limits import check_room

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.quick

WGAN = f"--config={ROOT / 'configs' / 'wgan.py'}:tiny"


@pytest.fixture
def carried_out(monkeypatch):
    """Runs a command line in this process with runs and modes replaced by what notes how they were called."""
    called = {}

    def main_of(mode):
        return lambda first, *rest, **named: called.update({mode: (first, *rest, named)}) or Path("made")

    monkeypatch.setattr(dispatch, "main_of", main_of)
    monkeypatch.setattr(dispatch, "open_run", lambda folder, **chosen: (folder, chosen))
    monkeypatch.setattr(command.machine, "keep_compilations", lambda: None)

    def run(*argv):
        return command.main(["launch.py", *argv], ROOT / "configs")

    return run, called


LATEST = {"best": False, "raw": False, "given": None, "seed": None, "every": False}


def test_a_class_is_asked_for_by_a_flag_that_other_modes_refuse(carried_out, capsys):
    run, called = carried_out
    assert run("--mode=sample", "--workdir=runs/a", "--label=Sandal") == 0
    assert called["sample"][1]["label"] == "Sandal"
    assert run("--mode=sample", "--workdir=runs/a") == 0
    assert called["sample"][1]["label"] is None
    capsys.readouterr()
    where = (
        "--mode=sample, --mode=trajectory, --mode=traverse, --mode=reconstruct, --mode=interpolate, --mode=manifold, "
        "--mode=arithmetic, --mode=mix and --mode=edit"
    )
    for mode in ("train", "embed", "evaluate", "compare", "benchmark"):
        assert run(f"--mode={mode}", "--workdir=runs/a", "--label=3") == 2
        assert capsys.readouterr().err == f"launch.py: --label=3 is for {where}; leave it out of --mode={mode}.\n"
    assert list(called) == ["sample"]


def test_a_run_is_traversed_into_the_folder_that_is_named(carried_out):
    run, called = carried_out
    assert run("--mode=traverse", "--workdir=runs/a", "--output=b", "--seed=2", "--best", "--raw") == 0
    opened = (Path("runs/a"), {**LATEST, "best": True, "raw": True})
    given = {"seed": 2, "output": Path("b"), "dark": False, "label": None, "axes": None}
    assert called["traverse"] == (opened, given)


def test_modes_that_look_at_codes_are_told_what_belongs_to_them(carried_out):
    run, called = carried_out
    flags, opened = {"seed": 3, "output": None, "dark": False}, (Path("runs/a"), {**LATEST, "raw": True})
    given = ("--workdir=runs/a", "--seed=3", "--raw")
    assert run("--mode=reconstruct", *given, "--input=mine", "--label=2") == 0
    assert called["reconstruct"] == (opened, {**flags, "num": 64, "source": Path("mine"), "label": "2"})
    flags |= {"label": None, "source": None}
    assert run("--mode=interpolate", *given) == 0
    assert called["interpolate"] == (opened, {**flags, "num": 8, "steps": 10, "spherical": False})
    assert run("--mode=interpolate", *given, "--steps=4", "--spherical", "--num=2") == 0
    assert called["interpolate"][1] == {**flags, "num": 2, "steps": 4, "spherical": True}
    assert run("--mode=manifold", *given, "--axes=1,2") == 0
    assert called["manifold"] == (opened, {**flags, "num": 20, "axes": "1,2", "spherical": False})
    assert run("--mode=arithmetic", *given, "--formula=0-1") == 0
    assert called["arithmetic"] == (opened, {**flags, "num": 3, "formula": "0-1"})
    assert run("--mode=edit", *given, "--input=mine", "--without=others") == 0
    folders = {"source": Path("mine"), "without": Path("others")}
    assert called["edit"] == (opened, {**flags, **folders, "num": 4, "formula": None})
    assert run("--mode=embed", *given) == 0
    assert called["embed"] == (opened, {"seed": 3, "output": None, "num": 10_000})


FLAGS = {"--op=inpaint": "restore", "--without=others": "edit", "--direction=ab": "translate"}


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
    for mode in ("train", "sample", "embed", "traverse", "evaluate"):
        assert run(f"--mode={mode}", "--workdir=runs/a", "--input=mine") == 2
        said = capsys.readouterr().err
        assert said.startswith("launch.py: --input=mine is for --mode=reconstruct")
        assert said.endswith(f"leave it out of --mode={mode}.\n")
    assert not called


GIVEN = {
    "workdir": "a", "num": "150", "seed": "0", "label": "1", "input": "a", "formula": "0-1", "direction": "ab",
    "without": "b", "reference": "a", "against": "a", "features": "a", "resolution": "8", "manual_dir": "a",
    "op": "inpaint", "method": "pigdm", "amount": "0.5", "noise": "0.1",
    "format": "onnx", "units": "model", "steps": "4", "all": "ae", "seconds": "2", "member": "1",
    "text": "a", "axes": "0,1", "output": "a", "spherical": None, "best": None, "raw": None, "dark": None,
    "dry_run": None,
    "distributed": None, "coordinator": "a:1", "processes": "1", "process": "0",
}  # fmt: skip
"""A value of every flag that some mode heeds, config apart; None where it takes none."""


def test_a_row_of_the_table_is_all_that_a_mode_needs():
    """Its main takes first what the row says, and then the flags of the row: neither more nor less."""
    first = {"run": ["run"], "experiment": ["config", "workdir"], "folder": ["folder"], "nothing": []}
    files = {path.stem for path in (ROOT / "gengen" / "tasks").glob("*.py")} - {"__init__"}
    assert files == set(TASKS)
    for mode, task in TASKS.items():
        parameters = inspect.signature(main_of(mode)).parameters
        given = {"source" if name == "input" else name for name in task.flags if name not in USED_UP}
        assert list(parameters)[: len(first[task.takes])] == first[task.takes], mode
        assert set(parameters) == {*first[task.takes], *given}, mode
        assert set(task.numbers) == {"num", "steps", "seconds"} & set(task.flags), mode
        assert ("best" in task.flags) == (task.takes == "run") and ("dry_run" in task.flags) == (
            task.takes == "experiment"
        )


def test_help_has_a_command_of_every_mode_that_would_be_taken(capsys):
    command.main(["launch.py", "--help"], ROOT / "configs")
    said = capsys.readouterr().out
    for mode, task in TASKS.items():
        assert re.search(
            rf"^  python launch\.py --mode={mode} {re.escape(task.example)} +{re.escape(task.line)}$", said, re.M
        )
        flags.parse(["launch.py", f"--mode={mode}", *task.example.split()])


def test_every_flag_is_heeded_by_some_mode():
    heeded = {name for task in TASKS.values() for name in task.flags}
    assert (
        heeded == {*GIVEN, "config"} == set(flags.defined()) - {"mode", "list", "keys", "grep", "flagfile", "undefok"}
    )


@pytest.mark.input("Flags", "--seed, --raw or --best to train", "refused", "the modes that heed the flag are named")
@pytest.mark.input("Flags", "any flag to a mode that would not heed it", "refused", "by one table of modes and flags")
@pytest.mark.parametrize("mode", TASKS)
def test_a_flag_is_heeded_or_refused(mode):
    for name, value in GIVEN.items():
        flag = f"--{name}" if value is None else f"--{name}={value}"
        argv = ["launch.py", f"--mode={mode}", flag]
        if name in TASKS[mode].flags:
            assert flags.parse(argv)[name].present
        else:
            with pytest.raises(Refusal, match=f"^{flag} is for --mode=.*; leave it out of --mode={mode}[.,]"):
                flags.parse(argv)


def test_the_seed_of_a_training_is_a_key_of_its_config():
    with pytest.raises(Refusal, match=r"leave it out of --mode=train, whose seed is --config\.training\.seed\.$"):
        flags.parse(["launch.py", WGAN, "--seed=0"])


@pytest.mark.input("Flags", "--nobest, --raw=false to train", "taken", "False asks for nothing")
def test_false_asks_for_nothing():
    assert not flags.parse(["launch.py", WGAN, "--nobest", "--raw=false"]).raw


@pytest.mark.input("Flags", "--list beside other flags", "refused", "it does nothing else")
@pytest.mark.parametrize("other", ["--mode=sample", "--seed=2", "--dry_run"])
def test_a_list_is_asked_for_alone(other):
    with pytest.raises(Refusal, match=f"leave {other} out"):
        flags.parse(["launch.py", "--list", other])


@pytest.mark.input(
    "Flags",
    "a key of the config to a mode that looks at a run",
    "refused",
    "but for the places of data and what judges",
)
def test_keys_of_a_config_that_would_not_be_heeded_are_refused():
    for mode, key in (
        ("sample", "evaluation.num=200"),
        ("embed", "evaluation.num=200"),
        ("detect", "training.steps=3"),
    ):
        with pytest.raises(Refusal, match=f"^--config.{key.partition('=')[0]} would not be heeded: --mode={mode} "):
            flags.parse(["launch.py", f"--mode={mode}", WGAN, f"--config.{key}"])
    for mode, key in (("detect", "evaluation.num=200"), ("embed", "data.data_dir=a"), ("train", "training.steps=3")):
        assert flags.parse(["launch.py", f"--mode={mode}", WGAN, f"--config.{key}"]).mode == mode


@pytest.mark.input(
    "Keys of a config",
    "the size of pictures, as a config has it, for data that are none",
    "taken",
    "it is not looked at; given as a flag it is refused",
)
def test_a_size_of_pictures_is_refused_where_data_are_none():
    for name, key in (("ring", "resolution=8"), ("solids", "channels=1"), ("array_folder", "crop=center")):
        with pytest.raises(
            Refusal, match=f"^--config.data.{key.partition('=')[0]} would not be heeded: {name} has no such"
        ):
            flags.parse(["launch.py", WGAN, f"--config.data.name={name}", f"--config.data.{key}"])
    for name, key in (("ring", "kind=auto"), ("solids", "resolution=(12,)"), ("digits", "channels=1")):
        assert flags.parse(["launch.py", WGAN, f"--config.data.name={name}", f"--config.data.{key}"]).mode == "train"


def test_keys_are_read_from_the_command_line_that_is_given_and_each_is_its_own():
    """A notebook has no command line, and gives several to one process."""
    assert flags.parse(["launch.py", WGAN, "--config.training.steps=7"]).config.training.steps == 7
    assert flags.parse(["launch.py", WGAN, "--config.model.clip=0.5"]).config.training.steps == 20
    assert flags.parse(["launch.py", "--mode=sample", "--num=5"]).num == 5
    assert flags.parse(["launch.py", "--mode=sample"]).num is None


@pytest.mark.input("Flags", "--num of 2147483648 or more", "refused", "JAX's integers cannot number so many")
@pytest.mark.input("Flags", "--num or --seed below what they can be", "refused", "the sentence has the least")
def test_numbers_have_ends():
    """Of every mode and every number that it takes, before a run is looked for."""
    for mode, task in TASKS.items():
        for name, number in task.numbers.items():
            for value in (-(10**20), -3, number.least - 1, number.most + 1, 2**31, 10**20):
                with pytest.raises(Refusal, match=f"^--{name}={value} must be at (least|most) "):
                    flags.parse(["launch.py", f"--mode={mode}", f"--{name}={value}"])
            for value in (number.least, number.default, number.most):
                assert flags.parse(["launch.py", f"--mode={mode}", f"--{name}={value}"])[name].value == value
        if "seed" in task.flags:
            for seed in (-1, 2**32, 10**20):
                with pytest.raises(Refusal, match=f"^--seed={seed} must lie in"):
                    flags.parse(["launch.py", f"--mode={mode}", f"--seed={seed}"])
            assert flags.parse(["launch.py", f"--mode={mode}", f"--seed={2**32 - 1}"]).seed == 2**32 - 1
    with pytest.raises(Refusal, match=r"^--steps=1 must be at least 2, the two ends\.$"):
        flags.parse(["launch.py", "--mode=interpolate", "--steps=1"])
    with pytest.raises(Refusal, match=r"^--num=201 must be at most 200, the cells in a row\.$"):
        flags.parse(["launch.py", "--mode=manifold", "--num=201"])


@pytest.mark.input(
    "Flags", "--num or --steps of more images than memory holds", "refused", "it says how much they take"
)
def test_images_that_would_not_fit_into_memory_are_refused(looked, coding):
    few = np.zeros((4, 4, 4, 1), np.uint8)
    for given in ({"num": 2**31 - 1}, {"num": 2, "steps": 10**15}):
        with pytest.raises(
            Refusal, match=r"--num=\d+ --steps=\d+ would take [\d,]+ GiB of memory, and this machine has"
        ):
            looked("interpolate", coding(draws=np.zeros((1, 2)), encodes=False), few, **given)
    shape = Signature.of_pictures("few", (4, 4, 1), (), {"train": 1, "test": 1}, "")
    with pytest.raises(Refusal, match="--num=2147483647 would take"):
        check_room(2**31 - 1, shape, "--num=2147483647")
    check_room(10_000, shape, "--num=10000")


WORDS = {
    "--num=1.5": "--num=1.5",
    "--num=": "--num=",
    f"--seed={'9' * 5000}": "4300",
    "--flagfile=nowhere": "nowhere",
    "--config=": "no such experiment",
    "--\udcff": r"'\\udcff'",
    "\udcff": r"'\\udcff' is not a flag",
}


@pytest.mark.input("Flags", "a word that is not UTF-8", "refused", "its bytes are shown as in \\udcff")
@pytest.mark.parametrize("word", WORDS, ids=lambda word: ascii(word)[:20])
def test_what_cannot_be_parsed_is_one_sentence(carried_out, capsys, word):
    assert carried_out[0](word) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("launch.py: ") and len(line) < 600
    assert re.search(WORDS[word], line)


FILES = {"import nothing": "nothing", "1 / 0": "division by zero", "def get_config(variant=None): return 3": "int"}


@pytest.mark.input("Flags", "--config of a program that fails", "refused", "the sentence has what it failed with")
@pytest.mark.parametrize("text", FILES)
def test_a_config_that_fails_is_one_sentence(tmp_path, text):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(Refusal, match=FILES[text]):
        flags.parse(["launch.py", f"--config={tmp_path / 'mine.py'}"])


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
    (folder, _), named = called["reconstruct"]
    assert (folder, named["output"], named["source"]) == (tmp_path / "a", tmp_path / "b.npz", tmp_path / "c")


def test_an_error_that_led_to_itself_ends(carried_out, monkeypatch, capsys):
    def fails(*given, **named):
        error = PermissionError(13, "Permission denied", "there")
        raise error from error

    run, _ = carried_out
    monkeypatch.setattr(dispatch, "main_of", lambda mode: fails)
    assert run("--mode=sample", "--workdir=runs/a") == 2
    assert capsys.readouterr().err == "launch.py: there cannot be used: Permission denied.\n"


@pytest.mark.input("Notebooks", "a file that is no experiment after one that is", "refused", "nothing of it is kept")
def test_nothing_of_the_last_experiment_is_left_in_the_next_one():
    flags.parse(["launch.py", WGAN])
    with pytest.raises(Refusal, match="is not an experiment"):
        flags.parse(["launch.py", f"--config={ROOT / 'configs' / 'base' / 'gans.py'}"])
