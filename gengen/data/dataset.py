"""The one way to get data: find, prepare, decode, and next time read what was decoded."""

import os
import pathlib
import re
import sys
from collections.abc import Sequence

from gengen.core.refusal import Refusal
from gengen.data import decoded, pixels, splits
from gengen.data.arrays import described
from gengen.data.fitting import fitted
from gengen.data.handwriting import captioned_digits
from gengen.data.listing import say, shown
from gengen.data.pixels import Range
from gengen.data.prepared import WRITE_ERRORS, prepare
from gengen.data.selection import Selection
from gengen.data.signature import DataSet
from gengen.data.sources import Source, Wanted, find_source
from gengen.data.stacks import CHANNELS, STACKS, stacked
from gengen.files.places import place, plain

_FORMAT = "v3"  # of the decoded cache: to be raised when it holds more, or the same picture decodes to other pixels


def load(
    *,
    name: str,
    resolution: int | tuple[int, int] | None = None,
    channels: int | None = None,
    crop: str = "none",
    classes: Sequence[str | int] = (),
    held_out: float = 0.0,
    labelled: int = 0,
    data_dir: str | os.PathLike[str] | None = None,
    manual_dir: str | os.PathLike[str] | None = None,
    rule: str = splits.RULES[0],
    domain: str = "",
    kind: str = "auto",
    test_share: float = 0.0,
    captions: bool = False,
) -> DataSet:
    """Loads a data set as arrays: pictures of one size, and points, series or volumes as they are.

    The first call prepares a TFDS data set under `data_dir` and decodes it; later calls read the decoded arrays.

    Args:
      name: one of `gengen.data.sources.BUILDERS`, or any name that TFDS knows.
      resolution: height and width of pictures, one number for both, or None for the size that they have; of solids,
        the voxels along each axis.
      channels: 1 (grey), 3 (RGB), or None for what the pictures have.
      crop: "none" refuses pictures of mixed sizes or of another aspect than the resolution; "center" cuts the largest
        centred rectangle of the right aspect from each.
      classes: names of the classes to keep, or their numbers; () keeps all. Labels keep their numbers.
      held_out: share of the training examples to set aside, in [0, 1).
      labelled: how many training examples keep their labels for a semi-supervised model, evenly from each class.
      data_dir: root folder of data sets; by default $TFDS_DATA_DIR, else ~/tensorflow_datasets.
      manual_dir: folder of raw files that the user has got; a folder or zip of pictures, or a file or folder of arrays.
      rule: of `splits.RULES`, by which "test" is drawn where the data set has no such split.
      domain: "A" or "B" where that folder holds two domains; "" otherwise.
      kind: of the arrays of array_folder: one of `signature.KINDS`, or "auto".
      test_share: share of the examples held out as "test" where there is no such split, up to 0.9; 0 for the usual one.
      captions: whether digits have captions, as `handwriting.captioned_digits` has them; scenes have their own.

    Returns:
      The data set, with splits "train" and "test", and with "held_out" and "labelled" where they were asked for.

    Raises:
      Refusal: anything that the user can put right, in one sentence.
    """
    size = _size(resolution)
    _check(channels, crop, test_share)
    selection = Selection(classes=classes, held_out=held_out, labelled=labelled)
    root = root_of(data_dir)
    manual = place("--config.data.manual_dir", manual_dir).absolute() if manual_dir else None
    try:
        data = _whole(name, Wanted(root, manual, rule, domain, size, kind, test_share), channels, crop)
    except OSError as error:
        _refuse_unusable(root, error)
        raise
    if data.signature.range:
        say(f"{shown(manual) if manual else name}: {Range(*data.signature.range)}")
    if manual and name == "array_folder":
        say(described(shown(manual), data.signature))
    return selection.of(captioned_digits(data) if captions and data.signature.text is None else data)


def _whole(name: str, wanted: Wanted, channels: int | None, crop: str) -> DataSet:
    """Gets all of a data set; stacks are made of digits that were decoded."""
    if name not in STACKS:
        return _decoded(name, wanted, channels, crop)
    if channels not in (None, CHANNELS):
        raise Refusal(f"--config.data.channels={channels} should be {CHANNELS}: {name} has a digit in each channel.")
    return stacked(name, _decoded(STACKS[name], wanted, 1, crop))


def _decoded(name: str, wanted: Wanted, channels: int | None, crop: str) -> DataSet:
    """Reads what was decoded before, or prepares and decodes it."""
    root, source = wanted.data_dir, find_source(name, wanted)
    for note in source.notes:
        say(note)
    folder = root / "gengen_decoded" / _FORMAT / _key(name, source, wanted.size, channels, crop)
    data = decoded.read(folder)
    if data is not None:
        return data
    print(f"gengen: preparing {name} in {root}", file=sys.stderr)
    with plain(root) as readable:
        source = find_source(name, wanted._replace(data_dir=readable))
        prepared = prepare(name, source, wanted.manual_dir, wanted.rule, wanted.share)
        size = None if source.sized else wanted.size
        return decoded.write(folder, name, prepared, fitted(name, prepared, size=size, channels=channels, crop=crop))


def _key(name: str, source: Source, size: tuple[int, int] | None, channels: int | None, crop: str) -> str:
    """Names a cache by all that its contents depend on: what the raw files hold, and not where they lie, too."""
    shape = f"{f'{size[0]}x{size[1]}' if size else 'native'}x{channels or 'native'}"
    return "-".join([re.sub(r"[^\w.-]+", "_", name), source.version, shape, crop, *filter(None, [source.digest])])


def _size(resolution: int | tuple[int, int] | None) -> tuple[int, int] | None:
    if resolution is None:
        return None
    size = (resolution, resolution) if isinstance(resolution, int) else tuple(resolution)
    if len(size) != 2 or min(size) < 1:
        raise Refusal(f"--config.data.resolution={resolution} should be a positive number, or (height, width).")
    return size[0], size[1]


def _check(channels: int | None, crop: str, test_share: float) -> None:
    if channels not in (None, 1, 3):
        raise Refusal(f"--config.data.channels={channels} should be 1 (grey) or 3 (RGB).")
    if crop not in pixels.CROPS:
        raise Refusal(f"--config.data.crop={crop} should be one of {', '.join(pixels.CROPS)}.")
    if not 0 <= test_share <= splits.LARGEST_SHARE:
        raise Refusal(f"--config.data.test_share={test_share} should be a share from 0 to {splits.LARGEST_SHARE}.")


def root_of(data_dir: str | os.PathLike[str] | None = None) -> pathlib.Path:
    """The root folder of all data sets, as `load` takes it.

    Raises:
      Refusal: there is no home directory to put it into.
    """
    for flag, folder in (("--config.data.data_dir", data_dir), ("TFDS_DATA_DIR", os.environ.get("TFDS_DATA_DIR"))):
        if folder:
            return place(flag, folder).absolute()
    try:
        return pathlib.Path("~/tensorflow_datasets").expanduser()
    except RuntimeError as error:
        raise Refusal(
            "there is no home directory for data: name a folder with TFDS_DATA_DIR or --config.data.data_dir=FOLDER."
        ) from error


def _refuse_unusable(root: pathlib.Path, error: OSError) -> None:
    """Puts a disk that is full, or a folder that cannot be used, into a sentence."""
    where = pathlib.Path(error.filename or root)
    if error.errno in WRITE_ERRORS:
        reason = f"The data do not fit below {root} ({error.strerror}): free some space, or"
    elif error.errno is None:  # as TFDS tells it where nothing at all is free
        reason = f"The data cannot be prepared below {root} ({error}):"
    elif where.is_relative_to(root) or root.is_relative_to(where):
        reason = f"{where} cannot be used ({error.strerror}):"
    else:
        return
    raise Refusal(f"{reason} add --config.data.data_dir=FOLDER, or set TFDS_DATA_DIR.") from error
