"""The run folder: everything that a later task needs, without the data set and without the config file."""

import errno
import fcntl
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from gengen.core.refusal import Refusal
from gengen.data.signature import Signature, as_written_now
from gengen.files.whole import sweep, write_whole

MAY_CHANGE = (
    *("training.steps", "training.epochs", "training.quick_compilation", "training.average.width"),
    "model.truncation",
    *("data.data_dir", "data.manual_dir", "data.second.manual_dir"),
)
"""Keys in which two commands of one run may differ, beside evaluation.*, sampling.* and training.*_every.

The data's place is one, because the data itself is compared by its digest; how much is spent on compiling changes the
last bits of a step alone.
"""

WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)
"""What file systems without locks answer to one who asks for a lock."""

SECTIONS = {
    "data": ("name",),
    "networks": (),
    "model": ("name",),
    "optimizers": (),
    "training": ("steps", "batch_size", "seed", "average"),
}
"""What the config of every run holds, whichever version wrote it."""

WEIGHTS = "weights.npz"
"""File of a run of weights alone, which can be used and not gone on with."""

CURES = "cures.json"
"""File in a run folder that says what the run was healed of."""

LOCK = ".lock"
"""File in a run folder that its process locks."""

PACKAGES = ("gengen", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "tensorflow-datasets", "numpy")


def begun(folder: Path) -> bool:
    """Says whether a folder holds a run with checkpoints, or one that has been healed.

    Until then its config may still be corrected.

    Raises:
      Refusal: it holds checkpoints alone, or weights alone.
    """
    has_checkpoints = any((folder / "checkpoints").glob("[0-9]*")) or (folder / CURES).exists()
    if has_checkpoints and not (folder / "config.json").exists():
        raise Refusal(f"{folder} holds checkpoints and no config.json to tell of what; choose another --workdir.")
    if not has_checkpoints and (folder / WEIGHTS).exists():
        raise Refusal(
            f"{folder} holds weights and nothing of its optimizers, so it cannot go on: choose another --workdir, and "
            f"begin with its weights by --config.training.init_from={folder}."
        )
    return has_checkpoints


def latest_step(folder: Path) -> int:
    """The step of the latest checkpoint of a folder, by its name alone; 0 if there is none."""
    return max((int(path.name) for path in (folder / "checkpoints").glob("[0-9]*") if path.name.isdigit()), default=0)


def open_folder(
    folder: Path, config: ConfigDict, signature: dict[str, Any], defaults: Callable[[], dict[str, Any]] = dict
) -> None:
    """Makes the folder of a new run, or checks that an old one is of the same experiment.

    Args:
      folder: the run folder; it need not exist.
      config: the resolved config.
      signature: the data's signature, as JSON has it.
      defaults: says what each key was, by its path, before there was a key for it; asked where the folder lacks some.

    Raises:
      Refusal: the folder holds another experiment; the sentence names what differs.
    """
    wanted = _written_now(json.loads(config.to_json()))
    if begun(folder):
        _refuse_other(folder, _written_now(_read(folder / "config.json")), wanted, "config", defaults)
        there = as_written_now(_read(folder / "data.json"))
        _refuse_other(folder, there, json.loads(json.dumps(signature)), "data")
    folder.mkdir(parents=True, exist_ok=True)
    versions = {package: _version(package) for package in PACKAGES} | {"python": sys.version.split()[0]}
    write_whole(folder / "data.json", json.dumps(signature, indent=2))
    write_whole(folder / "versions.json", json.dumps(versions, indent=2))
    write_whole(folder / "config.json", json.dumps(wanted, indent=2))  # last: a folder with a config is complete


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keeps a run folder to this process: two that train in one folder would delete each other's checkpoints.

    What earlier processes left half-written is removed, and so is a folder that was made in vain. The lock ends with
    the process, however it ends. On a file system without locks there is none, and a line says so.

    Raises:
      Refusal: another process holds it.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / LOCK
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refusal(f"{folder} is being trained by another process; wait for it or choose another.") from error
        except OSError as error:
            if error.errno not in WITHOUT_LOCKS:
                raise
            print(f"gengen: {folder} cannot be locked ({error.strerror}); train in it once at a time.", file=sys.stderr)
        for inside in (folder, *(path for path in folder.iterdir() if path.is_dir())):
            sweep(inside)
        try:
            yield
        finally:
            if [path.name for path in folder.iterdir()] == [LOCK]:
                lock.unlink()
                with suppress(OSError):  # where somebody else has found use for one of them
                    for path in made:
                        path.rmdir()


def read_folder(folder: Path) -> tuple[ConfigDict, dict[str, Any]]:
    """Reads the config and the data's signature of a run.

    Raises:
      Refusal: the folder holds no run, or what it holds is damaged.
    """
    if not (folder / "config.json").exists():
        raise Refusal(f"{folder} holds no run; train one with --config=configs/NAME.py --workdir={folder}.")
    config, data = (_read(folder / name) for name in ("config.json", "data.json"))
    for name, section in config.items():
        if name == "sweep" and isinstance(section, str | None):
            continue
        if not isinstance(section, dict):
            raise damaged(folder / "config.json", f"{name} is no section of a config")
    return ConfigDict(_tuples(_written_now(config))), data


def opened(workdir: Path) -> tuple[ConfigDict, Signature]:
    """Reads the config and the data's signature of a run.

    Raises:
      Refusal: the folder holds no run, or what it holds is damaged.
    """
    config, fields = read_folder(workdir)
    try:
        return config, Signature.from_json(fields)
    except KeyError as error:
        raise damaged(workdir / "data.json", f"it has no {error.args[0]}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise damaged(workdir / "data.json", str(error)) from error


@contextmanager
def unchanged(workdir: Path) -> Iterator[None]:
    """Holds a run folder responsible for what cannot be built of its files any more: it could be when it was trained.

    Raises:
      Refusal: something is missing, or of another type.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"what it says cannot be built: {type(error).__name__}, {str(error).strip()}"
        raise damaged(workdir / "config.json", reason) from error


def check_config(folder: Path, config: ConfigDict) -> None:
    """Checks that the config of a run holds what every version of gengen wrote.

    Raises:
      Refusal: it does not.
    """
    for section, keys in SECTIONS.items():
        missing = [key for key in keys if key not in config.get(section, {})]
        if section not in config or missing:
            name = f"{section}.{missing[0]}" if missing else section
            raise damaged(folder / "config.json", f"it has no {name}")
    for section in ("networks", "optimizers"):
        for key, value in config[section].items():
            if not isinstance(value, ConfigDict) or "name" not in value:
                raise damaged(folder / "config.json", f"{section}.{key} has no name")


def _written_now(config: dict[str, Any]) -> dict[str, Any]:
    """What any version wrote as JSON of a config, as it is written now: those before 0.3 had a dtype of each network.

    `training.precision` is bfloat16 where a network was.
    """
    training = config.get("training")
    if not isinstance(training, dict) or "precision" in training:
        return config
    sections = [_inner(game, "networks") for game in (config, _inner(_inner(config, "adaptation"), "baseline"))]
    dtypes = [_inner(section, role).pop("dtype", None) for section in sections for role in section]
    precision = "bfloat16" if "bfloat16" in dtypes else "float32"
    return {**config, "training": {**training, "precision": precision}}


def _inner(section: dict[str, Any], name: str) -> dict[str, Any]:
    """The section of a name within another; an empty one if there is none."""
    found = section.get(name)
    return found if isinstance(found, dict) else {}


def _refuse_other(
    folder: Path,
    there: dict[str, Any],
    here: dict[str, Any],
    what: str,
    defaults: Callable[[], dict[str, Any]] = dict,
) -> None:
    old, new = _flat(there), _flat(here)
    differing = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    differing = [key for key in differing if what != "config" or not _may_change(key)]
    # A key that older versions did not have changes nothing where it is empty, 0 or its default, or of the same data.
    same_data = what == "data" and old.get("digest") == new.get("digest")
    told = [key for key in differing if key not in old and new[key] and not same_data]
    before = json.loads(json.dumps(defaults())) if told else {}
    differing = [key for key in differing if key in old or (key in told and new[key] != before.get(key))]
    if differing:
        listed = ", ".join(f"{what}.{key} is {old.get(key)} there and {new.get(key)} here" for key in differing)
        raise Refusal(f"{folder} belongs to another run: {listed}; choose another --workdir.")


def _may_change(key: str) -> bool:
    section, _, name = key.partition(".")
    return (
        key in MAY_CHANGE
        or section in ("evaluation", "sampling")
        or (section == "training" and name.endswith("_every"))
    )


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _tuples(tree: Any) -> Any:
    """JSON knows no tuples; configs know no lists."""
    if isinstance(tree, dict):
        return {key: _tuples(value) for key, value in tree.items()}
    return tuple(_tuples(value) for value in tree) if isinstance(tree, list) else tree


def _read(path: Path) -> dict[str, Any]:
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError) as error:
        raise damaged(path, str(error) if isinstance(error, ValueError) else "it is missing") from error
    if not isinstance(tree, dict) or not tree:
        raise damaged(path, "it is no object of JSON, or an empty one")
    return tree


def damaged(path: Path, reason: str) -> Refusal:
    """What to say of a file of a run folder that is not what gengen wrote."""
    return Refusal(f"{path} is missing or damaged ({reason}), so this run cannot go on; choose another --workdir.")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
