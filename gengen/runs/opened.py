"""What a run folder says of itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ml_collections import ConfigDict

from gengen.data.signature import Signature
from gengen.runs.folder import damaged, read_folder


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
