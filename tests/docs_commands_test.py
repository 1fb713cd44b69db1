"""The commands of README and of each page, from top to bottom in a fresh folder: what one looks at was trained."""

import itertools
import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest

from gengen.cli.tasks import TASKS
from gengen.runs.started import names

ROOT = Path(__file__).parent.parent

LOOKING = {mode for mode, task in TASKS.items() if task.takes == "run"}
"""Modes that need a run to be there."""

TRAINING = {"train", "adapt"}

JUDGING = {"evaluate", "detect", "adapt"}
"""Modes that leave what `compare` reads."""

BY_HAND = ("FOLDER", "my.png", "path/to", "10.0.0.1")
"""What stands for something of the user's own."""


class Command(NamedTuple):
    """A line of a page.

    Attributes:
      line: as it stands there, in one line.
      mode: what it runs.
      folder: the run folder.
      settings: experiment and keys, which make a run what it is.
    """

    line: str
    mode: str
    folder: str
    settings: frozenset[str]


def commands(text):
    """The commands of the bash blocks of a text, in order."""
    for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            for part in line.split(" && "):
                words = shlex.split(part, comments=True)
                if "launch.py" in words:
                    yield command_of(line, words[words.index("launch.py") + 1 :])


def command_of(line, words):
    flags = dict(word.removeprefix("--").partition("=")[::2] for word in words)
    experiment = flags.get("config", "")
    name = experiment.removeprefix("configs/").replace(".py", "").replace(":", "-")
    mode = "dry" if {"dry_run", "list", "keys"} & flags.keys() else flags.get("mode", "train")
    settings = {experiment} | {word for word in words if word.startswith("--config.")}
    return Command(line, mode, flags.get("workdir", f"runs/{name}"), frozenset(settings))


def faults(found):
    """What would go wrong with commands that are run one after the other."""
    trained, judged = {f"zoo:{name}": frozenset() for name in names()}, set()
    for command in found:
        if command.mode in TRAINING:
            if trained.setdefault(command.folder, command.settings) != command.settings:
                yield f"another run is in the folder of: {command.line}"
        elif command.mode in LOOKING and command.folder not in trained:
            yield f"no line before it trained the run of: {command.line}"
        elif command.mode == "compare" and not any(folder.startswith(f"{command.folder}/") for folder in judged):
            yield f"no line before it judged a run below the folder of: {command.line}"
        if command.mode in JUDGING:
            judged.add(command.folder)


PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if page.stem != "experiments"]
"""All but the page whose loops of the shell take hours."""

FOUND = {page.stem: list(commands(page.read_text(encoding="utf-8"))) for page in PAGES}
EVERYWHERE = list(itertools.chain(*FOUND.values()))


@pytest.mark.parametrize("page", FOUND)
def test_every_command_of_a_page_works_after_those_before_it(page):
    assert list(faults(FOUND[page])) == []


def test_the_commands_of_all_pages_go_together_and_have_every_mode():
    assert len(EVERYWHERE) > 30
    assert {command.mode for command in EVERYWHERE} >= TASKS.keys() | {"dry"}
    assert list(faults(EVERYWHERE)) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("launch.py --mode=sample --workdir=runs/a", "no line before it"),
        ("launch.py --config=configs/a.py:b\nlaunch.py --mode=embed --workdir=runs/a", "no line before it"),
        ("launch.py --config=configs/a.py --config.x=1\nlaunch.py --config=configs/a.py", "another run"),
        (
            "launch.py --config=configs/a.py \\\n  --workdir=w\nlaunch.py --config=configs/b.py --workdir=w",
            "another run",
        ),
        ("launch.py --config=configs/a.py --dry_run\nlaunch.py --mode=evaluate --workdir=runs/a", "no line before it"),
        ("launch.py --config=configs/a.py\nlaunch.py --mode=compare --workdir=runs", "judged a run below"),
    ],
)
def test_faults_are_found(text, fault):
    (said,) = faults(list(commands(f"```bash\n{text}\n```")))
    assert fault in said


def test_what_is_right_has_no_fault():
    text = "pip install x && launch.py --config=configs/a.py   # a comment\nlaunch.py --mode=detect --workdir=runs/a"
    text += "\nlaunch.py --config=configs/a.py:b --config.k='(1, 2)'\nlaunch.py --mode=embed --workdir=runs/a-b"
    assert list(faults(list(commands(f"```bash\n{text}\n```")))) == []


def test_experiments_that_take_data_from_elsewhere_say_so_on_their_line():
    fetched = re.compile(r"mnist|usps|facades|iwae\.py:vae")
    for command in EVERYWHERE:
        needs = any(fetched.search(setting) for setting in command.settings)
        if needs and command.mode in TRAINING:
            assert "downloads" in command.line or "by hand" in command.line, command.line
        for placeholder in BY_HAND:
            if placeholder in command.line and command.mode != "train":
                assert "own" in command.line, command.line
