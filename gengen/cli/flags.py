"""The flags of the command line: what they are, which mode heeds which, and a sentence for those that it would not."""

import re
import sys
from collections.abc import Sequence
from typing import Any, cast

from absl import flags
from ml_collections import ConfigDict, config_flags

from gengen.cli.tasks import TASKS
from gengen.core.refusal import Refusal

INSTEAD = {("seed", mode): ", whose seed is --config.training.seed" for mode in ("train", "benchmark")}
"""What a mode has in the place of a flag that it does not heed."""

CONFIG = "config_config"
"""The module that ml_collections loads the file of `--config` as."""

LOOKING = ("list", "keys")
"""Flags that say what there is and run nothing; a name may follow them after a "=", and nothing else."""

WITH_ALL = ("mode", "all", "workdir", "output", "seconds")
"""Flags that mean something where every experiment is measured."""

BARE = (*LOOKING, "all")
"""Flags that ask for everything where nothing follows them after a "="."""

LONGEST = 400
"""Characters of what a parser says that are shown of it."""


DEFINITIONS: tuple[tuple[str, str, object, str], ...] = (
    ("string", "workdir", None, "The run folder, runs/NAME[-VARIANT] by default; the folder of all to compare."),
    ("integer", "num", None, "Samples, images, rows or cells in a row: as many as a mode takes by default."),
    ("integer", "seed", 0, "Seed of the samples, and of the choice of held-out images."),
    ("string", "label", None, "Name or number of the class of all samples; each class in turn by default."),
    ("string", "text", None, "What all samples are told, in words; texts of the training data by default."),
    ("string", "input", None, "Your picture, or a folder of them, in the place of held-out ones."),
    ("string", "reference", None, "To judge: a folder, file, run or data set that it is compared with."),
    ("string", "against", None, "To judge: one in which copies are looked for, such as the training data."),
    ("string", "features", None, "To judge: coordinates, rotations, classifier, a data set, a file of Inception."),
    ("string", "resolution", None, "To judge: at which size pictures are compared, as in 64 or 64x48."),
    ("string", "manual_dir", None, "To judge: the folder of a named data set's raw files."),
    ("string", "direction", None, "To translate: ab, the default, or ba, back from the second domain."),
    ("integer", "steps", None, "To interpolate: images on a path, with its ends; to restore or invert: steps."),
    ("bool", "spherical", False, "To interpolate: go on arcs around the origin; a manifold keeps norms."),
    ("string", "axes", None, "Which numbers of latents: two for a manifold, as in 0,1; those to traverse."),
    ("string", "without", None, "To edit: a folder of your pictures without what those of --input have."),
    (
        "string",
        "formula",
        None,
        "To add: 0,1,2-3,4 by number, label:7-label:1+label:4 by class; to edit: label:7-label:1.",
    ),
    ("string", "op", None, "To restore: what became of pictures, such as inpaint, superres or colorize."),
    ("string", "method", None, "To restore: pigdm, ddnm, mmps, dps, repaint or inverted."),
    ("float", "amount", None, "To restore: how much became of them; each --op says of what."),
    ("float", "noise", None, "To restore: standard deviation of the noise on top, of values in [-1, 1]."),
    ("string", "format", None, "To export: some of safetensors, stablehlo and onnx; the first two by default."),
    ("string", "units", None, "To export: data, the default, such as pixels of uint8, or model, in [-1, 1]."),
    ("bool", "dark", False, "Pictures for a dark slide: light letters on a dark ground."),
    ("string", "all", None, "To benchmark: every experiment, or with --all=wgan,dcgan:tiny those named."),
    ("integer", "seconds", None, "To benchmark: for how long steps are measured; 6 by default."),
    ("bool", "best", False, "Take the best checkpoint by config.evaluation.best, not the latest."),
    ("bool", "raw", False, "Take the weights as trained, not their average."),
    (
        "integer",
        "member",
        None,
        "Of several seeds, the one of this seed; of a sweep, the member of this number, from 0 on.",
    ),
    ("string", "output", None, "File to write instead of the one in the run folder; to traverse or export, a folder."),
    ("string", "list", None, "List the experiments, or with --list=NAME say all of one."),
    ("string", "keys", None, "Print every key of an experiment, NAME[:VARIANT], with what it may be and means."),
    ("string", "grep", None, "Of the experiments, or of the keys: those that say this word."),
    ("bool", "dry_run", False, "Print the config, the networks and the data; train nothing."),
    ("bool", "distributed", False, "Join the other processes that the cluster's environment names."),
    ("string", "coordinator", None, "host:port of process 0, where the cluster names none."),
    ("integer", "processes", None, "Number of processes, where the cluster names none."),
    ("integer", "process", None, "Number of this process, where the cluster names none."),
)
"""Flags but for --config and --mode: their kind, name, default and line of --help."""


class OrNone(flags.ArgumentParser[Any]):
    """Reads "None" as None, and all else as another parser does: what may be None is for the checks of a config."""

    def __init__(self, parser: flags.ArgumentParser[Any]) -> None:
        self._parser = parser
        self.syntactic_help = parser.syntactic_help

    def parse(self, argument: Any) -> Any:
        """Parses what was written, or takes what is a value already."""
        return None if argument in (None, "None") else self._parser.parse(argument)

    def flag_type(self) -> str:
        """What messages call it."""
        return self._parser.flag_type()


for plain, parser in ((float, flags.FloatParser()), (int, flags.IntegerParser()), (str, flags.ArgumentParser())):
    config_flags.register_flag_parser_for_type(plain, OrNone(parser))


def parse(argv: Sequence[str]) -> flags.FlagValues:
    """Parses a command line.

    The flags are defined anew each time, because a notebook gives several command lines to one process.

    Args:
      argv: the command line, its program first.

    Returns:
      The flags, all of which the mode heeds.

    Raises:
      Refusal: a flag is unknown, has a wrong type or is out of range, names a config or a variant that does not exist,
        or is given to a mode that would not heed it.
    """
    argv = [f"{word}=" if word.lstrip("-") in BARE and word[0] == "-" else word for word in argv]
    sys.modules.pop(CONFIG, None)  # it would keep what the file of the last command line defined
    try:
        values = defined(argv)
        rest = values(argv)
        if values.config is not None:
            values.config.lock()
    except (AttributeError, KeyError) as error:
        raise Refusal(_unknown_key(argv, error)) from error
    except OSError as error:
        raise Refusal(f"there is no such experiment ({_last_line(error)}); --list names all of them.") from error
    except flags.UnrecognizedFlagError as error:
        known = "" if "config" not in str(error) else "; keys of a config need --config=configs/NAME.py before them"
        raise Refusal(f"{_last_line(error).rstrip('?. ')}{known}.") from error
    except (flags.Error, ValueError, TypeError, SyntaxError) as error:
        said, _, no_truth = _last_line(error).removeprefix("ValueError: ").partition(": ('Non-boolean")
        raise Refusal(f"{said} must be True or False." if no_truth else said) from error
    except Exception as error:  # a config is a program, and may be a user's own
        raise Refusal(f"the file that --config names fails ({type(error).__name__}: {_last_line(error)}).") from error
    if bare := [name for name in BARE if len(rest) > 1 and values[name].value == ""]:
        raise Refusal(f"a name follows --{bare[0]} after a '=': write --{bare[0]}={rest[1]}.")
    if len(rest) > 1:
        raise Refusal(f"{rest[1]!r} is not a flag; write --config=configs/NAME.py, or --list for all experiments.")
    _check(values)
    return values


def defined(argv: Sequence[str] = ()) -> flags.FlagValues:
    """Defines the flags, with the defaults that `--help` shows; `argv` is where keys of the config are looked for."""
    values: flags.FlagValues = cast("Any", flags.FlagValues)()  # absl leaves it untyped
    line = "The experiment: configs/NAME.py, or configs/NAME.py:VARIANT."
    config_flags.DEFINE_config_file("config", None, line, flag_values=values, sys_argv=list(argv))
    flags.DEFINE_enum("mode", "train", tuple(TASKS), "What to do.", flag_values=values)
    for kind, name, default, line in DEFINITIONS:
        getattr(flags, f"DEFINE_{kind}")(name, default, line, flag_values=values)
    return values


def _check(values: flags.FlagValues) -> None:
    """Checks that no flag, and no key of a config, is given that would not be heeded; False asks for nothing."""
    own = set(values) - {"config"}
    own = {name for name in own if not name.startswith("config.")} | {"config"}
    given = sorted(name for name in own if values[name].present and values[name].value is not False)
    if values.list is not None or values.keys is not None:
        _check_looking(values, given)
        return
    if "grep" in given:
        raise Refusal(f"{_as_given(values, 'grep')} looks through --list or --keys=NAME: give one of them, too.")
    for name in given:
        modes = [mode for mode, task in TASKS.items() if name in task.flags]
        if name != "mode" and values.mode not in modes:
            *others, last = (f"--mode={mode}" for mode in modes)
            where = f"{', '.join(others)} and {last}" if others else f"{last} alone"
            instead = INSTEAD.get((name, values.mode), "")
            raise Refusal(f"{_as_given(values, name)} is for {where}; leave it out of --mode={values.mode}{instead}.")
    if values.all is not None and (others := [_as_given(values, name) for name in given if name not in WITH_ALL]):
        raise Refusal(f"--all measures each experiment as it is, one by one; leave {' and '.join(others)} out.")
    task = TASKS[values.mode]
    if values["config"].present:
        keys = config_flags.get_override_values(values["config"])
        if task.keys is not None:
            _check_keys(values.mode, task.keys, keys)
        _check_sizes(values["config"].value, keys)
    for name, number in task.numbers.items():
        if values[name].present:
            number.check(name, getattr(values, name))
    if values["seed"].present:
        from gengen.runs.limits import check_seed  # with NumPy and Pillow, which help and lists do not need

        check_seed(values.seed)


def _check_looking(values: flags.FlagValues, given: Sequence[str]) -> None:
    """Checks the flags of a command that runs nothing."""
    asked, does = ("list", "lists the experiments") if values.list is not None else ("keys", "prints keys")
    takes = (asked,) if values.list else (asked, "grep")
    if others := [_as_given(values, name) for name in given if name not in takes]:
        raise Refusal(f"--{asked} {does} and does nothing else; leave {' and '.join(others)} out.")
    if values.keys == "":
        raise Refusal("--keys needs the name of an experiment, as in --keys=wgan or --keys=wgan:mnist; --list has all.")


def _check_keys(mode: str, heeded: Sequence[str], keys: Sequence[str]) -> None:
    for key in keys:
        if not any(f"{key}.".startswith(f"{known}.") for known in heeded):
            listed = f" but {', '.join(f'config.{known}' for known in heeded)}" if heeded else ""
            raise Refusal(
                f"--config.{key} would not be heeded: --mode={mode} takes everything{listed} from the run folder; "
                f"leave it out."
            )


def _check_sizes(config: ConfigDict, keys: Sequence[str]) -> None:
    """Checks that no size of pictures is given for data that have none, or one of their own."""
    from gengen.data.sources import UNUSED  # with NumPy and Pillow, which help does not need

    data = config.get("data") or {}
    for place, section in (("data", data), ("data.second", data.get("second") or {})):
        name = section.get("name", "")
        for key in UNUSED.get(name, ()):
            if f"{place}.{key}" in keys:
                raise Refusal(f"--config.{place}.{key} would not be heeded: {name} has no such choice; leave it out.")


def _as_given(values: flags.FlagValues, name: str) -> str:
    if name == "config":
        return f"--config={config_flags.get_config_filename(values['config'])}"
    value = values[name].value
    return f"--{name}" if value is True or value == "" else f"--{name}={value}"


def _unknown_key(argv: Sequence[str], error: Exception) -> str:
    """Finds the flag that names a key which the config does not have; ml_collections only tells the key."""
    keys = [argument.split("=")[0].lstrip("-") for argument in argv if argument.lstrip("-").startswith("config.")]
    wrong, meant = re.search(r"\w+", str(error)), re.search(r'Did you mean "(\w+)"', str(error))
    named = [key for key in keys if wrong and wrong[0] in key.split(".")] or keys
    if named and all(key.endswith(".dtype") for key in named):
        return f"{' or '.join(named)} is not a key any more: --config.training.precision is that of all networks."
    if not named:
        return f"the file that --config names is not an experiment ({_last_line(error)}); --list names all of them."
    hint = f" (did you mean {meant[1]}?)" if meant else ""
    return f"{' or '.join(named)} is not a key of this experiment{hint}; --keys={_asked(argv)} prints all of them."


def _asked(argv: Sequence[str]) -> str:
    """The experiment that a command line names, as `--keys` takes it."""
    names = [argument.partition("=")[2] for argument in argv if argument.lstrip("-").startswith("config=")]
    return names[-1].removeprefix("configs/").replace(".py", "") if names else "NAME"


def _last_line(error: Exception) -> str:
    line = " ".join((str(error).strip().splitlines() or [repr(error)])[-1].split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"
