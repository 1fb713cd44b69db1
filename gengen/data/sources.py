"""Where pictures come from: the table of gengen's own data sets, and every other name that TFDS knows."""

import functools
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gengen.core.refusal import Refusal
from gengen.data.folder import list_folder
from gengen.data.guard import explained, quiet
from gengen.data.listing import say

VERSION = "1.0.0"
"""Version of gengen's builders: a change of what they yield must change it, or old caches stay in use."""


class Source(NamedTuple):
    """A data set before it is prepared.

    `digest` identifies the user's files where there are any; `builder` makes the TFDS builder. Importing TFDS takes
    half a second, so only `builder` does it, and a start with decoded data never calls it.
    """

    version: str
    digest: str
    builder: Callable[[], Any]


def _own(name: str, data_dir: pathlib.Path, manual_dir: pathlib.Path | None, domain: str) -> Source:
    if domain:
        raise Refusal(f"--config.data.name={name} holds no domain {domain}; only image_folder can hold two.")

    def builder() -> Any:
        from gengen.data.builders import OWN

        return OWN[name](data_dir=data_dir, manual_dir=manual_dir)

    return Source(VERSION, "", builder)


def _image_folder(data_dir: pathlib.Path, manual_dir: pathlib.Path | None, domain: str) -> Source:
    folder = list_folder(manual_dir, domain)
    for line in folder.guessed:
        say(line)

    def builder() -> Any:
        from gengen.data.builders import ImageFolder

        return ImageFolder(data_dir=data_dir, folder=folder)

    return Source(VERSION, folder.digest, builder)


_NAMES = (
    *("digits", "glyphs", "photographs"),  # nothing to download
    *("mnist", "fashion_mnist", "kmnist", "usps", "usps_pooled", "facades"),
)

BUILDERS: Mapping[str, Callable[[pathlib.Path, pathlib.Path | None, str], Source]] = {
    **{name: functools.partial(_own, name) for name in _NAMES},
    "image_folder": _image_folder,
}
"""gengen's own data sets, by `config.data.name`."""


def find_source(name: str, data_dir: pathlib.Path, manual_dir: pathlib.Path | None, domain: str = "") -> Source:
    """Looks a data set up, in gengen's table first and then in TFDS.

    Args:
      name: a key of `BUILDERS`, or any name that `tfds.builder` takes.
      data_dir: root folder of all data sets.
      manual_dir: the user's folder of raw files or pictures, or None.
      domain: "A" or "B" of the two that a folder of pictures holds, or "".

    Returns:
      The source; nothing is prepared yet.

    Raises:
      Refusal: nobody knows the name, or its builder cannot be made.
    """
    if name in BUILDERS:
        return BUILDERS[name](data_dir, manual_dir, domain)
    import tensorflow_datasets as tfds

    with quiet(), explained(name, BUILDERS):
        builder = tfds.builder(name, data_dir=data_dir, file_format="array_record")
    return Source(str(builder.version), "", lambda: builder)
