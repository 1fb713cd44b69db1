"""What `launch.py` hands over to: one task, and one sentence if it cannot be done."""

import errno
import logging
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import absl.logging
from absl.flags import FlagValues

from gengen.cli import experiments, flags, machine, streams
from gengen.cli.tasks import TASKS
from gengen.core.refusal import Refusal

REFUSED = 2
"""Exit status of a command that could not be carried out."""

INTERRUPTED = 130
"""Exit status of a command that Ctrl-C ended before there was anything to save."""

ABOUT = "Trains, samples and judges generative models."

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

UNUSABLE = (
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT),
    *(errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG),
    *(errno.ELOOP, errno.EINVAL, errno.EILSEQ),  # links that go round, and names that a file system does not allow
)


def main(argv: Sequence[str], configs: Path) -> int:
    """Reads the flags, does what they say and prints the path of what it made last.

    Args:
      argv: the command line.
      configs: the folder of experiments that `--list` lists.

    Returns:
      The exit status. A refusal, or a disk that is full, is one sentence on stderr and status 2; where nobody reads
      what is printed any more, the status is that of a command which a closed pipe ended. Any other exception is a
      mistake in gengen and keeps its traceback.
    """
    streams.make_readable()
    try:
        status = _answer(argv, configs)
    except OSError:
        if streams.finish():
            raise
        return streams.UNREAD
    return status if streams.finish() else streams.UNREAD


def _answer(argv: Sequence[str], configs: Path) -> int:
    logging.basicConfig(format="%(levelname)s: %(message)s", stream=sys.stderr)
    absl.logging.set_verbosity(absl.logging.FATAL)  # Orbax and TFDS tell much that a user cannot act on
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it goes on where it has no folder of its own
    try:
        if {"--help", "-h", "-help"} & set(argv):
            print(f"{_usage(argv[0])}\n{flags.defined().get_help()}")
        elif made := _carry_out(flags.parse(argv), configs):
            print(made)
        sys.stdout.flush()  # a disk may be full only now
    except Refusal as refusal:
        return say(str(refusal), argv[0])
    except KeyboardInterrupt:
        print("interrupted.", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        sentence = _disk_is_full(error) or _file_is_unusable(error)
        if sentence is None:
            raise
        return say(sentence, argv[0])
    return 0


def _carry_out(flag: FlagValues, configs: Path) -> Path | None:
    if flag.list:
        experiments.show_experiment(configs, flag.list)
        return None
    if flag.list is not None:
        experiments.list_experiments(configs, flag.grep or "")
        return None
    machine.collect_rarely()
    if problem := machine.problem_of_jax():
        raise Refusal(problem)
    from gengen.cli import dispatch  # with JAX, whose import is most of the time that a list takes

    return dispatch.carry_out(flag, configs)


def _usage(program: str) -> str:
    """A command of each mode, and what it does."""
    name = name_of(program)
    call = f"python {name}" if name.endswith(".py") else name
    commands = {f"{call} --mode={mode} {task.example}": task.line for mode, task in TASKS.items()}
    looking = {
        f"{call} --list": "what can be run; --list=wgan says all of one",
        f"{call} --keys=wgan": "what each key of it means; with --grep=clip those that say it",
    }
    commands = looking | commands
    width = max(map(len, commands)) + 1
    return "\n  ".join([f"{ABOUT}\n", *(f"{command:{width}}{line}" for command, line in commands.items())]) + "\n"


def name_of(program: str) -> str:
    """What a program is called: `python -m gengen` is `gengen`."""
    return Path(program).name.replace("__main__.py", "gengen")


def say(sentence: str, program: str) -> int:
    """Says on stderr why a program could not do what it was asked to; returns the exit status."""
    with suppress(OSError):  # a status can always be told
        print(f"{name_of(program)}: {sentence}", file=sys.stderr)
    return REFUSED


def _disk_is_full(error: BaseException | None) -> str | None:
    seen: list[BaseException] = []
    while error and error not in seen:  # some libraries chain errors in a circle
        seen.append(error)
        code = re.search(r"os_error_code='(\d+)'", str(error))  # as TensorStore, under Orbax, tells it
        if (error.errno if isinstance(error, OSError) else code and int(code[1])) in FULL:
            where = getattr(error, "filename", None)
            return f"the disk{f' of {where}' if where else ''} is full; make room and give the same command again."
        error = error.__cause__ or error.__context__
    return None


def _file_is_unusable(error: BaseException) -> str | None:
    """A file or folder that the user named and that cannot be what it should be."""
    if isinstance(error, OSError) and error.errno in UNUSABLE and error.filename:
        return f"{error.filename} cannot be used: {error.strerror}."
    return None
