"""Where pictures come from: the table of gengen's own data sets, and every other name that TFDS knows."""

import functools
import hashlib
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gengen.core.refusal import Refusal
from gengen.data import facades, idx, raw, splits, usps
from gengen.data.errors import explained, quiet
from gengen.data.folder import list_folder

VERSION = "1.0.0"
"""Version of gengen's builders: a change of what they yield must change it, or old caches stay in use."""

VERSIONS = {"hash": "1.1.0", "position": VERSION}
"""Versions of the builders that draw a split for testing, by rule."""


class Source(NamedTuple):
    """A data set before it is prepared.

    `digest` identifies the user's files where there are any; `builder` makes the TFDS builder. Importing TFDS takes
    half a second, so only `builder` does it, and a start with decoded data never calls it. `split` says how "test" is
    drawn: by one of `splits.RULES`, or `splits.OWN`; "" where only the prepared data can tell. `notes` are sentences
    about the files.
    """

    version: str
    digest: str
    builder: Callable[[], Any]
    split: str
    notes: tuple[str, ...] = ()


def _own(name: str, data_dir: pathlib.Path, manual_dir: pathlib.Path | None, rule: str, domain: str) -> Source:
    if domain:
        raise Refusal(f"--config.data.name={name} holds no domain {domain}; only image_folder can hold two.")
    split = rule if name in _DRAWN else splits.OWN
    version = VERSIONS.get(split, VERSION)
    if name in _RAW:
        wanted = _RAW[name]()
        others = [known() for known in _RAW.values()]
        found = raw.find(wanted, manual_dir, [other for other in others if other.dataset != wanted.dataset])
    else:
        notes = (f"{name} needs no files, so --config.data.manual_dir={manual_dir} is not looked at",)
        found = raw.Found({}, "", notes if manual_dir else ())

    def builder() -> Any:
        from gengen.data.builders import OWN

        return OWN[name](found=found, data_dir=data_dir, version=version)

    return Source(version, found.digest, builder, split, found.notes)


def _image_folder(data_dir: pathlib.Path, manual_dir: pathlib.Path | None, rule: str, domain: str) -> Source:
    folder = list_folder(manual_dir, rule, domain)
    # Files of two folders may agree in names, sizes and times of change, so the place is part of what they are.
    state = f"{manual_dir and manual_dir.resolve()}\t{folder.digest}"
    folder = folder._replace(digest=hashlib.sha256(os.fsencode(state)).hexdigest()[:16])

    def builder() -> Any:
        from gengen.data.builders import ImageFolder

        return ImageFolder(data_dir=data_dir, folder=folder, version=VERSIONS[rule])

    return Source(VERSIONS[rule], folder.digest, builder, folder.rule, folder.guessed)


_RAW: Mapping[str, Callable[[], raw.RawSet]] = {
    **{name: functools.partial(idx.raw_set, name) for name in idx.IDX_SETS},
    "usps": usps.raw_set,
    "usps_pooled": usps.raw_set,
    "facades": facades.raw_set,
}

_NAMES = ("digits", "glyphs", "photographs", *_RAW)  # of the first three there is nothing to download

_DRAWN = ("digits",)  # of these, the builder draws the split for testing

BUILDERS: Mapping[str, Callable[[pathlib.Path, pathlib.Path | None, str, str], Source]] = {
    **{name: functools.partial(_own, name) for name in _NAMES},
    "image_folder": _image_folder,
}
"""gengen's own data sets, by `config.data.name`."""


def find_source(
    name: str,
    data_dir: pathlib.Path,
    manual_dir: pathlib.Path | None,
    rule: str = splits.RULES[0],
    domain: str = "",
) -> Source:
    """Looks a data set up, in gengen's table first and then in TFDS.

    Args:
      name: a key of `BUILDERS`, or any name that `tfds.builder` takes.
      data_dir: root folder of all data sets.
      manual_dir: the user's folder of raw files or pictures, or None.
      rule: of `splits.RULES`, where the data set has no split for testing.
      domain: "A" or "B" of the two that a folder of pictures holds, or "".

    Returns:
      The source; nothing is prepared yet.

    Raises:
      Refusal: nobody knows the name, its builder cannot be made, or the user's files are missing or other ones.
    """
    if name in BUILDERS:
        return BUILDERS[name](data_dir, manual_dir, rule, domain)
    import tensorflow_datasets as tfds

    with quiet(), explained(name, BUILDERS):
        builder = tfds.builder(name, data_dir=data_dir, file_format="array_record")
    if manual_dir and not manual_dir.exists():
        raise Refusal(f"--config.data.manual_dir={manual_dir} does not exist: name the folder of the files of {name}.")
    place = pathlib.Path(builder.data_path)
    notes: tuple[str, ...] = ()
    if manual_dir and place.exists():
        notes = (f"TFDS has prepared {name} before, in {place}, so --config.data.manual_dir={manual_dir} is not read.",)
    return Source(f"{builder.version}-{rule}", "", lambda: builder, "", notes)
