"""Where data come from: the table of gengen's own data sets, and every other name that TFDS knows."""

import functools
import hashlib
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gengen.core.refusal import Refusal
from gengen.data import facades, idx, points, raw, scenes, solids, splits, tabular, usps
from gengen.data.arrays import find_arrays
from gengen.data.errors import explained, quiet
from gengen.data.image_folder import list_folder
from gengen.data.listing import shown
from gengen.data.splits import VERSION, VERSIONS
from gengen.data.stacks import STACKS


class Wanted(NamedTuple):
    """What is asked for of a data set before it is prepared.

    Attributes:
      data_dir: root folder of all data sets.
      manual_dir: the user's folder of raw files, or their file, or None.
      rule: of `splits.RULES`, where the data set has no split for testing.
      share: of the examples that is held out there; 0 for the usual one.
      domain: "A" or "B" of the two that a folder of pictures holds, or "".
      size: (height, width); None for what the data have.
      kind: of the user's own arrays: one of `signature.KINDS`, or "auto".
    """

    data_dir: pathlib.Path
    manual_dir: pathlib.Path | None
    rule: str = splits.RULES[0]
    domain: str = ""
    size: tuple[int, int] | None = None
    kind: str = "auto"
    share: float = 0.0


class Source(NamedTuple):
    """A data set before it is prepared.

    `digest` identifies the user's files where there are any; `builder` makes the TFDS builder. Importing TFDS takes
    half a second, so only `builder` does it, and a start with decoded data never calls it. `split` says how "test" is
    drawn: by one of `splits.RULES`, or `splits.OWN`; "" where only the prepared data can tell. `notes` are sentences
    about the files. `sized` says that the examples are drawn at the size asked for.
    """

    version: str
    digest: str
    builder: Callable[[], Any]
    split: str
    notes: tuple[str, ...] = ()
    sized: bool = False


def _own(name: str, wanted: Wanted) -> Source:
    split = wanted.rule if name in _DRAWN else splits.OWN
    if split == splits.OWN:
        splits.refuse_share(name, wanted.share)
    version = VERSIONS.get(split, VERSION)
    if name in _RAW:
        files = _RAW[name]()
        others = [known() for known in _RAW.values()]
        found = raw.find(files, wanted.manual_dir, [other for other in others if other.dataset != files.dataset])
    else:
        found = _embedded(name, wanted, f"test_{wanted.share}" if wanted.share else "")

    def builder() -> Any:
        from gengen.data.builders import OWN

        return OWN[name](found=found, data_dir=wanted.data_dir, version=version, share=wanted.share)

    return Source(version, found.digest, builder, split, found.notes)


def _embedded(name: str, wanted: Wanted, digest: str = "") -> raw.Found:
    notes = (f"{name} needs no files, so --config.data.manual_dir={wanted.manual_dir} is not looked at",)
    return raw.Found({}, digest, notes if wanted.manual_dir else ())


def _drawn_arrays(name: str, wanted: Wanted) -> Source:
    splits.refuse_share(name, wanted.share)
    found = _embedded(name, wanted)

    def builder() -> Any:
        from gengen.data.array_builders import ARRAYS

        return ARRAYS[name](found=found, data_dir=wanted.data_dir)

    return Source(VERSION, "", builder, splits.OWN, found.notes)


def _table(name: str, wanted: Wanted) -> Source:
    splits.refuse_share(name, wanted.share)
    found = tabular.find(name, wanted.manual_dir)

    def builder() -> Any:
        from gengen.data.array_builders import TABLES

        return TABLES[name](found=found, data_dir=wanted.data_dir)

    return Source(VERSION, found.digest, builder, splits.OWN)


def _solids(wanted: Wanted) -> Source:
    side, found = _drawn_at("solids", wanted, solids.SIDE, "solids lie in cubes")

    def builder() -> Any:
        from gengen.data.array_builders import Solids

        return Solids(side=side, found=found, data_dir=wanted.data_dir)

    return Source(VERSION, found.digest, builder, splits.OWN, found.notes, sized=True)


def _scenes(wanted: Wanted) -> Source:
    side, found = _drawn_at("scenes", wanted, scenes.SIDE, "scenes are square")

    def builder() -> Any:
        from gengen.data.scene_builder import Scenes

        return Scenes(side=side, found=found, data_dir=wanted.data_dir)

    return Source(VERSION, found.digest, builder, splits.OWN, found.notes, sized=True)


def _drawn_at(name: str, wanted: Wanted, usual: int, why: str) -> tuple[int, raw.Found]:
    """The one side of what is drawn at any size, and that it needs no files."""
    splits.refuse_share(name, wanted.share)
    side, width = wanted.size or (usual, usual)
    if side != width:
        raise Refusal(f"--config.data.resolution=({side}, {width}) should be one number: {why}.")
    return side, _embedded(name, wanted, f"side_{side}")


def _array_folder(wanted: Wanted) -> Source:
    arrays = find_arrays(wanted.manual_dir, wanted.kind)
    if "test" in arrays.files:
        splits.refuse_share(shown(arrays.files["test"].parent), wanted.share)

    def builder() -> Any:
        from gengen.data.array_builders import ArrayFolder

        return ArrayFolder(arrays=arrays, data_dir=wanted.data_dir)

    return Source(f"{VERSION}-{_drawn(wanted)}", arrays.digest, builder, "")


def _drawn(wanted: Wanted) -> str:
    """How the split for testing is drawn once the data are prepared, as part of a cache's name."""
    return f"{wanted.rule}-{wanted.share}" if wanted.share else wanted.rule


def _image_folder(wanted: Wanted) -> Source:
    data_dir, manual_dir, rule, domain, *_ = wanted
    folder = list_folder(manual_dir, rule, domain, wanted.share)
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

_EMBEDDED = ("digits", "digits_smooth", "glyphs", "glyphs_varied", "faces", "photographs")

_NAMES = (*_EMBEDDED, *_RAW)  # of the embedded there is nothing to download

_ARRAYS = (*points.CLOUDS, "sines")

_DRAWN = ("digits",)  # of these, the builder draws the split for testing

BUILDERS: Mapping[str, Callable[[Wanted], Source]] = {
    **{name: functools.partial(_own, name) for name in _NAMES},
    **{name: functools.partial(_own, digits) for name, digits in STACKS.items()},
    **{name: functools.partial(_drawn_arrays, name) for name in _ARRAYS},
    **{name: functools.partial(_table, name) for name in tabular.TABLES},
    "solids": _solids,
    "scenes": _scenes,
    "image_folder": _image_folder,
    "array_folder": _array_folder,
}
"""gengen's own data sets, by `config.data.name`; the source of stacks is that of their digits."""

UNUSED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys((*_ARRAYS, *tabular.TABLES, "array_folder"), ("resolution", "channels", "crop")),
    "solids": ("channels", "crop"),
    "scenes": ("channels", "crop"),
}
"""Keys of the section `data` that say nothing of some data sets, whatever a config for pictures holds."""


def find_source(name: str, wanted: Wanted) -> Source:
    """Looks a data set up, in gengen's table first and then in TFDS.

    Args:
      name: a key of `BUILDERS`, or any name that `tfds.builder` takes.
      wanted: what is asked for.

    Returns:
      The source; nothing is prepared yet.

    Raises:
      Refusal: nobody knows the name, its builder cannot be made, or the user's files are missing or other ones.
    """
    if wanted.domain and name != "image_folder" and name in BUILDERS:
        raise Refusal(f"--config.data.name={name} holds no domain {wanted.domain}; only image_folder can hold two.")
    if wanted.kind != "auto" and name != "array_folder":
        raise Refusal(f"--config.data.kind={wanted.kind} is for --config.data.name=array_folder; leave it auto.")
    if name in BUILDERS:
        return BUILDERS[name](wanted)
    import tensorflow_datasets as tfds

    manual_dir = wanted.manual_dir
    with quiet(), explained(name, BUILDERS):
        builder = tfds.builder(name, data_dir=wanted.data_dir, file_format="array_record")
    if manual_dir and not manual_dir.exists():
        raise Refusal(f"--config.data.manual_dir={manual_dir} does not exist: name the folder of the files of {name}.")
    place = pathlib.Path(builder.data_path)
    notes: tuple[str, ...] = ()
    if manual_dir and place.exists():
        notes = (f"TFDS has prepared {name} before, in {place}, so --config.data.manual_dir={manual_dir} is not read.",)
    return Source(f"{builder.version}-{_drawn(wanted)}", "", lambda: builder, "", notes)
