"""What `launch.py` hands over to: one task, and one sentence if it cannot be done."""

import errno
import logging
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import absl.logging
from absl import flags
from ml_collections import ConfigDict, config_flags

from gengen.core.refusal import Refusal
from gengen.files.places import place
from gengen.tasks import benchmark, compare, describe, interpolate, machine, manifold, sample, train, traverse
from gengen.tasks.prepare import check_sections
from gengen.training.run_folder import check_config, read_folder

REFUSED = 2
"""Exit status of a command that could not be carried out."""

INTERRUPTED = 130
"""Exit status of a command that Ctrl-C ended before there was anything to save."""

HELP = """Trains, samples and judges generative models.

  python launch.py --list                                      what can be run
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

MODES_OF = {
    "label": ("sample", "reconstruct", "manifold"),
    "input": ("reconstruct", "translate", "detect"),
    "direction": ("translate",),
    "steps": ("interpolate",),
    "spherical": ("interpolate",),
    "axes": ("manifold",),
}
"""Flags that not every mode takes, and the modes that do."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

UNUSABLE = (
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT),
    *(errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG),
    *(errno.ELOOP, errno.EINVAL, errno.EILSEQ),  # links that go round, and names that a file system does not allow
)


def main(argv: Sequence[str], configs: Path) -> int:
    """Reads the flags that `launch.py` defines, does what they say and prints the path of what it made last.

    Args:
      argv: the command line.
      configs: the folder of experiments that `--list` lists.

    Returns:
      The exit status. A refusal, or a disk that is full, is one sentence on stderr and status 2; any other exception
      is a mistake in gengen and keeps its traceback.
    """
    logging.basicConfig(format="%(levelname)s: %(message)s", stream=sys.stderr)
    if {"--help", "-h", "-help"} & set(argv):
        print(f"{HELP}\n{flags.FLAGS.main_module_help()}")
        return 0
    absl.logging.set_verbosity(absl.logging.FATAL)  # Orbax and TFDS tell much that a user cannot act on
    try:
        made = _carry_out(_parse(argv), configs)
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
    if made:
        print(made)
    return 0


def _parse(argv: Sequence[str]) -> flags.FlagValues:
    """Parses the command line.

    Raises:
      Refusal: a flag is unknown, has a wrong type, or names a config or a variant that does not exist.
    """
    try:
        rest = flags.FLAGS(argv)
        if flags.FLAGS.config is not None:
            flags.FLAGS.config.lock()
    except (AttributeError, KeyError) as error:
        raise Refusal(_unknown_key(argv, error)) from error
    except OSError as error:
        raise Refusal(f"there is no such experiment ({_last_line(error)}); --list names all of them.") from error
    except flags.UnrecognizedFlagError as error:
        known = "" if "config" not in str(error) else "; keys of a config need --config=configs/NAME.py before them"
        raise Refusal(f"{_last_line(error).rstrip('?. ')}{known}.") from error
    except (flags.Error, ValueError, TypeError, SyntaxError) as error:
        raise Refusal(_last_line(error).removeprefix("ValueError: ")) from error
    if len(rest) > 1:
        raise Refusal(f"{rest[1]!r} is not a flag; write --config=configs/NAME.py, or --list for all experiments.")
    return flags.FLAGS


def _unknown_key(argv: Sequence[str], error: Exception) -> str:
    """Finds the flag that names a key which the config does not have; ml_collections only tells the key."""
    keys = [argument.split("=")[0].lstrip("-") for argument in argv if argument.lstrip("-").startswith("config.")]
    wrong, meant = re.search(r"\w+", str(error)), re.search(r'Did you mean "(\w+)"', str(error))
    named = [key for key in keys if wrong and wrong[0] in key.split(".")] or keys
    if not named:
        return f"the file that --config names is not an experiment ({_last_line(error)}); --list names all of them."
    hint = f" (did you mean {meant[1]}?)" if meant else ""
    return f"{' or '.join(named)} is not a key of this experiment{hint}; --dry_run prints all of them."


def _last_line(error: Exception) -> str:
    return " ".join(str(error).strip().splitlines()[-1].split())


def _carry_out(flag: flags.FlagValues, configs: Path) -> Path | None:
    if flag.list:
        describe.list_experiments(configs)
        return None
    machine.keep_compilations()
    if flag.distributed or any(value is not None for value in (flag.coordinator, flag.processes, flag.process)):
        machine.join_processes(flag.coordinator, flag.processes, flag.process)
    _check_modes(flag)
    output, folder = (_place(flag, name) for name in ("output", "workdir"))
    if flag.mode == "compare":
        return compare.run(folder or Path("runs"), output)
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


def _check_modes(flag: flags.FlagValues) -> None:
    """Checks that no flag is given to a mode that would not heed it.

    Raises:
      Refusal: one is.
    """
    for name, modes in MODES_OF.items():
        value = flag[name].value
        if value is None or value is False or flag.mode in modes:
            continue
        given = f"--{name}" if value is True else f"--{name}={value}"
        *others, last = (f"--mode={mode}" for mode in modes)
        where = f"{', '.join(others)} and {last}" if others else f"{last} alone"
        raise Refusal(f"{given} is for {where}; leave it out of --mode={flag.mode}.")


def _look(flag: flags.FlagValues, workdir: Path, drawn: dict[str, Any]) -> Path:
    """Does what a run folder is enough for: looks at what its model can do, or judges it.

    What imports SciPy, scikit-learn or matplotlib, half of a start, is imported where it is asked for.
    """
    if flag.mode == "traverse":
        return traverse.run(workdir, **drawn)
    drawn["num"] = NUM[flag.mode] if flag.num is None else flag.num
    if flag.mode == "sample":
        return sample.run(workdir, label=flag.label, **drawn)
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


def _place(flag: flags.FlagValues, name: str) -> Path | None:
    text = flag[name].value
    return None if text is None else place(f"--{name}", text)


def _config(flag: flags.FlagValues, workdir: Path) -> ConfigDict:
    """The config that the flags name, or else the one of the run folder."""
    config = flag.config
    if config is None:
        config = read_folder(workdir)[0]
        check_config(workdir, config)
    check_sections(config, workdir)
    return config


def _default_workdir(flag: flags.FlagValues) -> Path:
    if flag.config is None:
        raise Refusal("name an experiment with --config=configs/NAME.py, or a run with --workdir; --list names them.")
    file, _, variant = config_flags.get_config_filename(flag["config"]).partition(":")
    return Path("runs") / "-".join(filter(None, (Path(file).stem, variant)))


def _say(sentence: str) -> int:
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
