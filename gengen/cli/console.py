"""The command `gengen`: all that `launch.py` does, with words in the place of its first flags.

`gengen train wgan:mnist` is `python launch.py --mode=train --config=configs/wgan.py:mnist`, and
`gengen sample runs/wgan` is `python launch.py --mode=sample --workdir=runs/wgan`.
"""

import difflib
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from gengen.cli import machine, streams
from gengen.cli.tasks import TASKS
from gengen.core.refusal import Refusal

LOOKING = {"list": "--list", "keys": "--keys"}
"""Words that are no modes, and the flags that they stand for."""

PREFIX = "zoo:"
"""Of the names of started models, as `gengen.runs.started` has it; importing that would take JAX."""

PLACES = {"run": ("workdir",), "folder": ("workdir",), "experiment": ("config",), "nothing": ("input", "reference")}
"""The flags of the words after a mode, by what it takes first."""


def main() -> int:
    """Does what the command line says; returns the exit status."""
    streams.open_closed()
    machine.restart_with_huge_pages(sys.argv[0])
    from gengen.cli import command

    configs = experiments_folder()
    sys.path.insert(0, str(configs.parent))  # experiments import what they share, as `from configs import base`
    try:
        argv = as_flags(sys.argv, configs)
    except Refusal as refusal:
        return command.say(str(refusal), sys.argv[0])
    return command.main(argv, configs)


def experiments_folder() -> Path:
    """The folder of experiments: beside the package in a clone, and in what was installed from a wheel.

    Raises:
      FileNotFoundError: the installation is not whole.
    """
    package = Path(__file__).parent.parent
    for folder in (package.parent / "configs", package / "experiments" / "configs"):
        if (folder / "base").is_dir():
            return folder
    raise FileNotFoundError(f"gengen {metadata.version('gengen')} was installed without its experiments")


def as_flags(argv: Sequence[str], configs: Path) -> list[str]:
    """The command line as flags: those that are there already stay, and words before them become some.

    Args:
      argv: the command line, its program first.
      configs: the folder of experiments, which words name without it.

    Raises:
      Refusal: the first word is no mode, or there are more words than it takes.
    """
    program, *rest = argv
    flags = [word for word in rest if word.startswith("-")]
    words = rest[: len(rest) - len(flags)]
    if [*words, *flags] != rest:
        wrong = next(word for word in rest[len(words) :] if not word.startswith("-"))
        raise Refusal(f"{wrong!r} follows a flag: words come first, as in gengen sample runs/wgan --num=64.")
    flags = [f"--config={_file(word[9:], configs)}" if word.startswith("--config=") else word for word in flags]
    if not words:
        return [program, *flags]
    mode, *names = words
    if mode in LOOKING:
        return [program, "=".join([LOOKING[mode], *names]), *flags]
    if mode not in TASKS:
        close = difflib.get_close_matches(mode, [*TASKS, *LOOKING], n=1)
        hint = f"did you mean {close[0]}" if close else f"modes are {', '.join(TASKS)}"
        raise Refusal(f"{mode!r} is no mode of gengen; {hint}? gengen --help says what each does.")
    takes = TASKS[mode].takes
    if len(names) > len(PLACES[takes]):
        raise Refusal(f"gengen {mode} takes {len(PLACES[takes])} name, and there are {len(names)}: {', '.join(names)}.")
    named = [_flag(flag, name, configs) for flag, name in zip(PLACES[takes], names, strict=False)]
    return [program, f"--mode={mode}", *named, *flags]


def _flag(flag: str, name: str, configs: Path) -> str:
    """A flag that says a name; what may be an experiment or a run is the run where there is one.

    Raises:
      Refusal: an experiment is asked for, and the name is that of a started model.
    """
    if flag == "config" and name.startswith(PREFIX):
        raise Refusal(
            f"{name} is a started model, of weights alone: begin with them, as in gengen train cgan "
            f"--config.training.init_from={name}."
        )
    if flag == "config" and (Path(name) / "config.json").is_file():
        return f"--workdir={name}"
    return f"--{flag}={_file(name, configs) if flag == 'config' else name}"


def _file(name: str, configs: Path) -> str:
    """The file of an experiment that is named as `--list` does; what names a file already stays."""
    stem, colon, variant = name.partition(":")
    return name if stem.endswith(".py") else f"{configs / stem}.py{colon}{variant}"
