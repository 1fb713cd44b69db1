"""What a run folder says of itself."""

from pathlib import Path

from ml_collections import ConfigDict

from gengen.data.signature import Signature
from gengen.training.run_folder import damaged, read_folder


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
