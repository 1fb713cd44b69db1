"""The command `gengen`: which flags words stand for, and that what is installed has its experiments."""

import subprocess
import sys
from pathlib import Path

import pytest

from gengen.cli.console import PREFIX, as_flags, experiments_folder
from gengen.core.refusal import Refusal
from gengen.runs import started

CONFIGS = Path("configs")


def flags(*words):
    return as_flags(["gengen", *words], CONFIGS)[1:]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("train wgan:mnist --dry_run", "--mode=train --config=configs/wgan.py:mnist --dry_run"),
        ("train configs/wgan.py:tiny", "--mode=train --config=configs/wgan.py:tiny"),
        ("benchmark gan --seconds=3", "--mode=benchmark --config=configs/gan.py --seconds=3"),
        ("sample runs/wgan --num=4", "--mode=sample --workdir=runs/wgan --num=4"),
        ("compare runs", "--mode=compare --workdir=runs"),
        ("judge made digits:test", "--mode=judge --input=made --reference=digits:test"),
        ("judge --input=made --reference=digits", "--mode=judge --input=made --reference=digits"),
        ("list", "--list"),
        ("list wgan", "--list=wgan"),
        ("keys wgan --grep=clip", "--keys=wgan --grep=clip"),
        ("--mode=sample --config=wgan:tiny", "--mode=sample --config=configs/wgan.py:tiny"),
        ("--help", "--help"),
        ("", ""),
    ],
)
def test_words_stand_for_flags(words, expected):
    assert flags(*words.split()) == expected.split()


def test_the_prefix_of_started_models_is_theirs():
    assert PREFIX == started.PREFIX


def test_a_run_goes_on_by_its_folder(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    assert flags("train", str(tmp_path)) == ["--mode=train", f"--workdir={tmp_path}"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("trian wgan", "'trian' is no mode of gengen; did you mean train"),
        ("xyzzy", "'xyzzy' is no mode of gengen; modes are train, "),
        ("sample runs/a runs/b", "gengen sample takes 1 name, and there are 2: runs/a, runs/b"),
        ("train zoo:cgan", "zoo:cgan is a started model, of weights alone: begin with them, as in gengen train cgan "),
        ("--num=3 sample", "'sample' follows a flag: words come first"),
    ],
)
def test_a_mistake_is_a_sentence(words, sentence):
    with pytest.raises(Refusal, match=sentence):
        flags(*words.split())


def test_the_experiments_are_found():
    assert (experiments_folder() / "wgan.py").is_file()


def test_the_module_is_the_command_and_says_its_name():
    """In a process, as the start of one is what differs."""
    command = [sys.executable, "-m", "gengen", "trian"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("gengen: 'trian' is no mode of gengen; did you mean train?")
