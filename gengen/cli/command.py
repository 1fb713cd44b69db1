"""What `launch.py` hands over to: one task, and one sentence if it cannot be done."""

import errno
import logging
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import absl.logging
from absl.flags import FlagValues
from ml_collections import ConfigDict, config_flags

from gengen.api import train
from gengen.cli import describe, flags, machine, streams
from gengen.core.refusal import Refusal
from gengen.files.places import place
from gengen.runs.check import check_evaluation, check_values
from gengen.runs.folder import check_config, read_folder
from gengen.runs.prepare import check_sections
from gengen.tasks import benchmark, compare, interpolate, manifold, sample, traverse

REFUSED = 2
"""Exit status of a command that could not be carried out."""

INTERRUPTED = 130
"""Exit status of a command that Ctrl-C ended before there was anything to save."""

HELP = """Trains, samples and judges generative models.

  python launch.py --list                                      what can be run; --list=wgan says all of one
  python launch.py --config=configs/wgan.py                    train, or go on
  python launch.py --mode=sample --workdir=runs/wgan --num=64  pictures of a run
  python launch.py --mode=sample --workdir=runs/cgan --label=3 pictures of one class, by its number or its name
  python launch.py --mode=traverse --workdir=runs/infogan      what each thing does that samples can be told
  python launch.py --mode=reconstruct --workdir=runs/vae       images, and what comes back of them
  python launch.py --mode=translate --workdir=runs/pix2pix     images of one domain, as images of the other
  python launch.py --mode=interpolate --workdir=runs/vae       what lies between two images
  python launch.py --mode=manifold --workdir=runs/vae          what two numbers of a latent make, as a map
  python launch.py --mode=embed --workdir=runs/vae             where images lie in the space of the latents
  python launch.py --mode=detect --workdir=runs/anomaly        which images are anomalies
  python launch.py --mode=evaluate --workdir=runs/wgan         how good they are
  python launch.py --mode=compare --workdir=runs               all that were judged, side by side
  python launch.py --mode=adapt --config=configs/adapt.py      labels of one domain, and how many are right in another
"""

NUM = {"sample": 64, "reconstruct": 64, "translate": 18, "interpolate": 8, "manifold": 20} | dict.fromkeys(
    ("embed", "detect", "evaluate"), 10_000
)
"""Default numbers of samples, images, rows or cells in a row, by mode."""

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
            print(f"{HELP}\n{flags.defined().get_help()}")
        elif made := _carry_out(flags.parse(argv), configs):
            print(made)
        sys.stdout.flush()  # a disk may be full only now
    except Refusal as refusal:
        return _say(str(refusal))
    except KeyboardInterrupt:
        print("interrupted.", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        sentence = _disk_is_full(error) or _file_is_unusable(error)
        if sentence is None:
            raise
        return _say(sentence)
    return 0


def _carry_out(flag: FlagValues, configs: Path) -> Path | None:
    if flag.list is not None:
        describe.show_experiment(configs, flag.list) if flag.list else describe.list_experiments(configs)
        return None
    machine.keep_compilations()
    if flag.distributed or any(value is not None for value in (flag.coordinator, flag.processes, flag.process)):
        machine.join_processes(flag.coordinator, flag.processes, flag.process)
    output, folder = (_place(flag, name) for name in ("output", "workdir"))
    if flag.mode == "compare":
        return compare.run(folder or Path("runs"), output)
    machine.check_devices()
    workdir = folder or _default_workdir(flag)
    if flag.mode in (*NUM, "traverse"):
        return _look(flag, workdir, {"seed": flag.seed, "output": output, "best": flag.best, "raw": flag.raw})
    config = _config(flag, workdir)
    if flag.dry_run:
        describe.dry_run(config)
        return None
    if flag.mode == "adapt":
        from gengen.tasks import adapt

        return adapt.run(config, workdir, output)
    if flag.mode == "benchmark":
        return benchmark.run(config, output or workdir / "benchmark.json")
    return train.run(config, workdir)


def _look(flag: FlagValues, workdir: Path, drawn: dict[str, Any]) -> Path:
    """Does what a run folder is enough for: looks at what its model can do, or judges it.

    What imports SciPy, scikit-learn or matplotlib, half of a start, is imported where it is asked for.
    """
    if flag.mode == "traverse":
        return traverse.run(workdir, **drawn)
    drawn["num"] = NUM[flag.mode] if flag.num is None else flag.num
    if flag.mode == "sample":
        return sample.run(workdir, label=flag.label, **drawn)
    if flag.config is not None:
        check_values(flag.config)
        check_evaluation(flag.config.evaluation)
    drawn["config"] = flag.config
    source = _place(flag, "input")
    if flag.mode == "reconstruct":
        from gengen.tasks import reconstruct

        return reconstruct.run(workdir, source=source, label=flag.label, **drawn)
    if flag.mode == "translate":
        from gengen.tasks import translate

        return translate.run(workdir, source=source, direction=flag.direction, **drawn)
    if flag.mode == "interpolate":
        steps = interpolate.STEPS if flag.steps is None else flag.steps
        return interpolate.run(workdir, steps=steps, spherical=flag.spherical, **drawn)
    if flag.mode == "manifold":
        return manifold.run(workdir, axes=flag.axes, label=flag.label, **drawn)
    if flag.mode == "embed":
        from gengen.tasks import embed

        return embed.run(workdir, **drawn)
    if flag.mode == "detect":
        from gengen.tasks import detect

        return detect.run(workdir, source=source, **drawn)
    from gengen.tasks import evaluate

    return evaluate.run(workdir, **drawn)


def _place(flag: FlagValues, name: str) -> Path | None:
    text = flag[name].value
    return None if text is None else place(f"--{name}", text)


def _config(flag: FlagValues, workdir: Path) -> ConfigDict:
    """The config that the flags name, or else the one of the run folder."""
    config = flag.config
    if config is None:
        config = read_folder(workdir)[0]
        check_config(workdir, config)
    check_sections(config, workdir)
    return config


def _default_workdir(flag: FlagValues) -> Path:
    if flag.config is None:
        raise Refusal("name an experiment with --config=configs/NAME.py, or a run with --workdir; --list names them.")
    file, _, variant = config_flags.get_config_filename(flag["config"]).partition(":")
    return Path("runs") / "-".join(filter(None, (Path(file).stem, variant)))


def _say(sentence: str) -> int:
    with suppress(OSError):  # a status can always be told
        print(f"launch.py: {sentence}", file=sys.stderr)
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
