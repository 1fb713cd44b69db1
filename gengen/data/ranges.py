"""From which range of values a set of pictures is brought to 8 bits: one for all, from what they use."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import ImageFile, TiffImagePlugin

from gengen.core.refusal import Refusal
from gengen.data import pixels
from gengen.data.listing import few
from gengen.data.pixels import Range

_HIGHEST = tuple(2**bits - 1 for bits in (8, 10, 12, 14, 16))
_CUT = 63  # of 8-bit values: what 14 bits leave of those that Pillow takes for 16
_PNG_DEPTH = 24  # place of the bits of a sample in a PNG file


class Measured(NamedTuple):
    """One picture: whether it is grey, of which kind its values are, and the least and the greatest.

    Kinds are "whole" and "real" numbers of grey, "colour" of 16 bits, of which Pillow keeps the upper 8, and "" for
    8 bits, whose values are not looked at.
    """

    is_grey: bool
    kind: str
    low: float = 0.0
    high: float = 0.0


class Survey(NamedTuple):
    """What pictures have in common: channels, the range of those that are deeper than 8 bits, and lines to say."""

    channels: int
    values: Range | None
    lines: tuple[str, ...]


def measured(image: ImageFile.ImageFile, content: bytes) -> Measured:
    """Measures a picture; only one with more than 8 bits is decoded for it.

    Args:
      image: as Pillow has opened it, before it is loaded.
      content: the bytes of its file.

    Raises:
      Exception: whatever Pillow's decoder raises on a damaged file.
    """
    grey = pixels.is_grey(image)
    stated = image.format == "PPM" and image.mode == "I" and image.tile[0].codec_name.startswith("ppm")
    values = pixels.deep_values(image)
    if stated:  # the file names its greatest value, and Pillow brings that to 65535
        return Measured(grey, "whole", 0, _HIGHEST[-1])
    if values is not None:
        return Measured(grey, "real" if values.dtype.kind == "f" else "whole", float(values.min()), float(values.max()))
    is_deep = image.format == "PNG" and content[_PNG_DEPTH] == 16
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        is_deep = 16 in image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, ())
    if is_deep:
        return Measured(grey, "colour", 0, float(np.asarray(image.convert("RGB")).max()))
    return Measured(grey, "")


def surveyed(root: str, found: Iterable[tuple[str, str, Measured]], kept: Range | None = None) -> Survey:
    """Finds the range of values that pictures use.

    Whole numbers from 0 on have 8, 10, 12, 14 or 16 bits, the least number that holds all; other whole numbers go from
    the least to the greatest; real numbers from 0 to 1 if all lie there, and otherwise from the least to the greatest.
    Pictures for training decide; 8-bit ones among deeper ones stay as they are.

    Args:
      root: where they lie, for sentences.
      found: path, split and measures of each picture.
      kept: the range, if it is settled already.

    Returns:
      The survey.

    Raises:
      Refusal: some values are whole numbers and others are not, or most bits of colour would be lost.
    """
    all_of = list(found)
    channels = 1 if all(of.is_grey for _, _, of in all_of) else 3
    _check_colours(root, [of for _, _, of in all_of if of.kind == "colour"])
    deep = [(path, split, of) for path, split, of in all_of if of.kind in ("whole", "real")]
    if not deep:
        return Survey(channels, None, ())
    first = {of.kind: path for path, _, of in reversed(deep)}
    if len(first) > 1:
        raise Refusal(
            f"{root} holds pictures of whole numbers ({first['whole']}) and of real ones ({first['real']}), which have "
            f"no range in common: save all in one format."
        )
    decisive = [of for _, split, of in deep if split == "train"] or [of for _, _, of in deep]
    low, high = min(of.low for of in decisive), max(of.high for of in decisive)
    values = kept or _range(decisive[0].kind, low, high)
    lines = []
    if len(deep) < len(all_of):
        lines.append(
            f"{root}: pictures of 8 bits that stay as they are beside deeper ones: {len(all_of) - len(deep):,}"
        )
    beyond = [path for path, _, of in deep if of.low < values.low or of.high > values.high]
    if beyond:
        lines.append(
            f"{root}: pictures whose values beyond {values.low:.6g} to {values.high:.6g} are cut: {few(beyond)}"
        )
    return Survey(channels, values, tuple(lines))


def _range(kind: str, low: float, high: float) -> Range:
    if kind == "real":
        return Range(0, 1) if low >= 0 and high <= 1 else Range(low, high)
    if low >= 0 and high <= _HIGHEST[-1]:
        return Range(0, next(highest for highest in _HIGHEST if high <= highest))
    return Range(low, high)


def _check_colours(root: str, colours: Sequence[Measured]) -> None:
    """Pillow, and hence gengen, keeps the upper 8 of 16 bits of colour: too few where they are not filled."""
    high = max((of.high for of in colours), default=255)
    if high <= _CUT:
        raise Refusal(
            f"{root} holds colours of 16 bits that use less than 15 of them, and only the upper 8 are read, which end "
            f"at {high:.0f} of 255: save them with 8 bits a channel."
        )
