"""Started models: small trained runs that come with gengen, named zoo:NAME."""

import difflib
import shutil
from pathlib import Path

from gengen.core.refusal import Refusal
from gengen.data.listing import say
from gengen.files.archive import check_digests
from gengen.files.whole import whole_folder
from gengen.runs.folder import read_folder

PREFIX = "zoo:"
"""What the name of a started model begins with, where a run folder is asked for."""

ZOO = Path(__file__).parent.parent / "zoo"
"""Where they lie; each is a folder of its name."""

PLACE = Path("runs")
"""Where a started model is copied to, from where the command is given, so that what is made of it lies there, too."""


def names() -> list[str]:
    """The names of all started models, in order."""
    return sorted(path.name for path in ZOO.iterdir() if (path / "config.json").is_file())


def started(asked: str) -> Path:
    """The run folder of a started model, which is copied there once.

    Args:
      asked: its name, after `PREFIX`.

    Raises:
      Refusal: there is none of that name, what was installed is damaged, or another run lies where it would be copied.
    """
    name = asked.removeprefix(PREFIX)
    if name not in names():
        close = difflib.get_close_matches(name, names(), n=1)
        hint = f" (did you mean {PREFIX}{close[0]}?)" if close else ""
        raise Refusal(f"{asked} is no started model{hint}; there are {', '.join(names())}.")
    source, folder = ZOO / name, PLACE / f"zoo-{name}"
    check_digests(source)
    if folder.exists():
        if read_folder(folder)[0].to_dict() == read_folder(source)[0].to_dict():
            return folder
        raise Refusal(f"{folder} is another run than {asked}, which would be copied there: move it.")
    with whole_folder(folder) as partial:
        for path in source.iterdir():
            shutil.copyfile(path, partial / path.name)
    say(f"{asked} is copied to {folder}")
    return folder
