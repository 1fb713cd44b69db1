"""The run folder: everything that a later task needs, without the data set and without the config file."""

import errno
import fcntl
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from gengen.core.refusal import Refusal
from gengen.training.writer import write_whole

MAY_CHANGE = ("training.steps", "training.epochs", "data.data_dir", "data.manual_dir", "data.second.manual_dir")
"""Keys in which two commands of one run may differ, beside evaluation.* and training.*_every. The data's place is one,
because the data itself is compared by its digest."""

WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)
"""What file systems without locks answer to one who asks for a lock."""

PACKAGES = ("gengen", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "tensorflow-datasets", "numpy")


def begun(folder: Path) -> bool:
    """Says whether a folder holds a run with checkpoints; until then its config may still be corrected.

    Raises:
      Refusal: it holds checkpoints alone.
    """
    has_checkpoints = any((folder / "checkpoints").glob("[0-9]*"))
    if has_checkpoints and not (folder / "config.json").exists():
        raise Refusal(f"{folder} holds checkpoints and no config.json to tell of what; choose another --workdir.")
    return has_checkpoints


def open_folder(folder: Path, config: ConfigDict, signature: dict[str, Any]) -> None:
    """Makes the folder of a new run, or checks that an old one is of the same experiment.

    Args:
      folder: the run folder; it need not exist.
      config: the resolved config.
      signature: the data's signature, as JSON has it.

    Raises:
      Refusal: the folder holds another experiment; the sentence names what differs.
    """
    wanted = json.loads(config.to_json())
    if begun(folder):
        _refuse_other(folder, _read(folder / "config.json"), wanted, "config")
        _refuse_other(folder, _read(folder / "data.json"), json.loads(json.dumps(signature)), "data")
    folder.mkdir(parents=True, exist_ok=True)
    versions = {package: _version(package) for package in PACKAGES} | {"python": sys.version.split()[0]}
    write_whole(folder / "data.json", json.dumps(signature, indent=2))
    write_whole(folder / "versions.json", json.dumps(versions, indent=2))
    write_whole(folder / "config.json", json.dumps(wanted, indent=2))  # last: a folder with a config is complete


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keeps a run folder to this process: two that train in one folder would delete each other's checkpoints.

    The lock ends with the process, however it ends. On a file system without locks there is none, and a line says so.

    Raises:
      Refusal: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refusal(f"{folder} is being trained by another process; wait for it or choose another.") from error
        except OSError as error:
            if error.errno not in WITHOUT_LOCKS:
                raise
            print(f"gengen: {folder} cannot be locked ({error.strerror}); train in it once at a time.", file=sys.stderr)
        yield


def read_folder(folder: Path) -> tuple[ConfigDict, dict[str, Any]]:
    """Reads the config and the data's signature of a run.

    Raises:
      Refusal: the folder holds no run.
    """
    if not (folder / "config.json").exists():
        raise Refusal(f"{folder} holds no run; train one with --config=configs/NAME.py --workdir={folder}.")
    return ConfigDict(_tuples(_read(folder / "config.json"))), _read(folder / "data.json")


def _refuse_other(folder: Path, there: dict[str, Any], here: dict[str, Any], what: str) -> None:
    old, new = _flat(there), _flat(here)
    differing = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    # A key that older versions did not have changes nothing where it is empty or 0, or tells of the same data.
    same_data = what == "data" and old.get("digest") == new.get("digest")
    differing = [key for key in differing if key in old or (new[key] and not same_data)]
    differing = [key for key in differing if what != "config" or not _may_change(key)]
    if differing:
        listed = ", ".join(f"{what}.{key} is {old.get(key)} there and {new.get(key)} here" for key in differing)
        raise Refusal(f"{folder} belongs to another run: {listed}; choose another --workdir.")


def _may_change(key: str) -> bool:
    section, _, name = key.partition(".")
    return key in MAY_CHANGE or section == "evaluation" or (section == "training" and name.endswith("_every"))


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
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError) as error:
        raise Refusal(f"{path} is missing or damaged, so this run cannot go on; choose another --workdir.") from error


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
