"""Pictures that another program wrote, as they are: what a folder holds, whatever it is, and all of it at one size.

A folder to train on is refused where something is wrong with it, because a model would learn it. A folder to be judged
is surveyed: what cannot be read is left out and counted, and what was done to the rest is said, because that alone can
move a score (Parmar, Zhang and Zhu 2022, https://arxiv.org/abs/2104.11222).
"""

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from gengen.core.refusal import Refusal
from gengen.data import layout, pixels
from gengen.data.listing import File, Listing, few, list_pictures, shown

RULE = (
    "the largest centred rectangle of the right aspect, then Pillow's bicubic filter, which averages over all pixels "
    "that it covers where it shrinks; on 8-bit values, rounded to 8 bits"
)
"""What happens to pictures of another size."""

FACTORS = (8, 4, 3, 2)
"""How many times larger pictures may have been made by repeating their pixels, which is looked for."""

NAMED = 10
"""Files that a report names of what is wrong with them."""


class Header(NamedTuple):
    """What a file says before its pixels: its size (height, width) as it is shown, its mode and its format."""

    file: File
    size: tuple[int, int]
    mode: str
    form: str


class Survey(NamedTuple):
    """The pictures of a folder or zip.

    Attributes:
      listing: where they lie.
      headers: of those that can be opened, sorted by path.
      damaged: why others cannot be, by their paths.
    """

    listing: Listing
    headers: tuple[Header, ...]
    damaged: Mapping[str, str]

    @property
    def sizes(self) -> Counter[tuple[int, int]]:
        """How many pictures there are of each (height, width)."""
        return Counter(header.size for header in self.headers)

    @property
    def coloured(self) -> bool:
        """Whether the mode of any picture has colour."""
        return any(not pixels.is_grey(Image.new(header.mode, (1, 1))) for header in self.headers)


class Pictures(NamedTuple):
    """Pictures that were read and brought to one size.

    Attributes:
      data: uint8 [N, H, W, C].
      label: the class of each [N]; None where folders do not tell classes.
      classes: their names.
      facts: what was found, as JSON holds it.
      lines: the same in sentences.
    """

    data: np.ndarray
    label: np.ndarray | None
    classes: tuple[str, ...]
    facts: Mapping[str, Any]
    lines: tuple[str, ...]


def survey(root: Path) -> Survey:
    """Looks at the headers of all pictures of a folder or zip.

    Raises:
      Refusal: it is neither, or holds no picture that can be opened.
    """
    listing = list_pictures(root)
    headers, damaged = [], {}
    with listing.reader() as read:
        for file in listing.files:
            try:
                with Image.open(io.BytesIO(read(file))) as image:
                    turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)  # the orientations that swap the sides
                    size = (image.width, image.height) if turned else (image.height, image.width)
                    headers.append(Header(file, size, image.mode, image.format or ""))
            except Exception as error:  # decoders raise anything from OSError to struct.error on damaged files
                damaged[file.path] = _reason(error)
    if not headers:
        reason = f"none of its {len(damaged):,} pictures can be read" if damaged else "it holds no pictures"
        raise Refusal(f"{shown(root)} cannot be judged: {reason}.")
    return Survey(listing, tuple(headers), damaged)


def read_all(found: Survey, shape: tuple[int, int, int]) -> Pictures:
    """Reads the pictures of a survey at one size.

    Args:
      found: the survey.
      shape: (height, width, channels) to which pictures of another one are brought, as `RULE` says.

    Raises:
      Refusal: none can be read.
    """
    made, kept, damaged, enlarged = [], [], dict(found.damaged), Counter[int]()
    for header, image in _each(found, damaged):
        enlarged[_repeated(np.asarray(image))] += 1
        made.append(pixels.fit(image, size=shape[:2], channels=shape[2], crop="center"))
        kept.append(header)
    if not made:
        raise Refusal(f"{shown(found.listing.root)} cannot be judged: none of its pictures can be read.")
    label, classes = _labels(shown(found.listing.root), kept)
    facts = {
        "pictures": len(made),
        "unreadable": len(damaged),
        "unreadable_files": {path: damaged[path] for path in sorted(damaged)[:NAMED]},
        "sizes": _counted(f"{header.size[0]}x{header.size[1]}" for header in kept),
        "resized": sum(header.size != shape[:2] for header in kept),
        "modes": _counted(header.mode for header in kept),
        "formats": _counted(header.form for header in kept),
        "enlarged": {str(factor): count for factor, count in sorted(enlarged.items()) if factor > 1},
        "passed_over": {why: len(paths) for why, paths in found.listing.passed.items() if paths},
    }
    return Pictures(np.stack(made), label, classes, facts, tuple(_lines(found, facts, damaged, shape)))


def _each(found: Survey, damaged: dict[str, str]) -> Iterator[tuple[Header, Image.Image]]:
    """The pictures of a survey as 8-bit grey or RGB; what cannot be read is noted in `damaged`."""
    with found.listing.reader() as read:
        for header in found.headers:
            try:
                with Image.open(io.BytesIO(read(header.file))) as image:
                    image.load()
                    plain = pixels.plain(image).copy()
            except Exception as error:  # as above
                damaged[header.file.path] = _reason(error)
            else:
                yield header, plain


def refit(data: np.ndarray, shape: tuple[int, int, int]) -> tuple[np.ndarray, str]:
    """Brings pictures uint8 [N, h, w, c] to another shape by `RULE`; returns them, and a sentence where any changed."""
    if data.shape[1:] == shape:
        return data, ""
    images = (Image.fromarray(each[..., 0] if each.shape[-1] == 1 else each) for each in data)
    made = [pixels.fit(image, size=shape[:2], channels=shape[2], crop="center") for image in images]
    before = "x".join(map(str, data.shape[1:]))
    return np.stack(made), f"brought from {before} to {'x'.join(map(str, shape))} by {RULE}"


def _repeated(image: np.ndarray) -> int:
    """By which of `FACTORS` a picture [h, w] or [h, w, 3] is larger than one whose pixels it repeats; 1 for none."""
    for factor in FACTORS:
        height, width = image.shape[:2]
        if height % factor or width % factor or min(height, width) < 2 * factor or image.min() == image.max():
            continue
        small = image[::factor, ::factor]
        if np.array_equal(np.repeat(np.repeat(small, factor, 0), factor, 1), image):
            return factor
    return 1


def _labels(name: str, kept: list[Header]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """The classes that folders tell; none where they are unclear."""
    try:
        labels = [place.label for place in layout.places(name, [header.file.path for header in kept])]
    except Refusal:
        return None, ()
    classes = tuple(sorted(set(labels)))
    if len(classes) < 2 or "" in classes:
        return None, ()
    return np.array([classes.index(label) for label in labels], np.int32), classes


def _counted(values: Iterator[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).partition(" <_io")[0] or type(error).__name__


def _lines(
    found: Survey, facts: Mapping[str, Any], damaged: Mapping[str, str], shape: tuple[int, int, int]
) -> Iterator[str]:
    """What was found, in sentences."""
    formats = ", ".join(f"{count:,} {form}" for form, count in facts["formats"].items())
    modes = ", ".join(f"{count:,} {mode}" for mode, count in facts["modes"].items())
    sizes = [f"{count:,} of {size}" for size, count in facts["sizes"].items()]
    many = f" and {len(sizes) - 5:,} more sizes" if len(sizes) > 5 else ""
    yield f"{facts['pictures']:,} pictures ({formats}; modes: {modes}; {', '.join(sizes[:5])}{many})"
    if damaged:
        first = min(damaged)
        yield f"{few(sorted(damaged))} cannot be read and are left out, the first because: {damaged[first]}"
    if passed := found.listing.passed_over():
        yield passed.partition(": ")[2]
    for factor, count in facts["enlarged"].items():
        yield f"{count:,} are {factor} times as large as what they show: each pixel is repeated {factor}x{factor} times"
    if facts["resized"]:
        yield f"{facts['resized']:,} are brought to {shape[0]}x{shape[1]}: {RULE}"
    coloured = sum(count for mode, count in facts["modes"].items() if not pixels.is_grey(Image.new(mode, (1, 1))))
    if shape[2] == 1 and coloured:
        yield f"{coloured:,} have colour, of which the luma of ITU-R 601 is left"
