"""Picture files read one by one: what can be read is, and all that cannot are named at once."""

import io
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from PIL import Image, ImageFile, UnidentifiedImageError

from gengen.core.refusal import Refusal
from gengen.data.listing import File, Listing, few, shown

_NAMED = 10
_PNG = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")  # chunks that say nothing of the pixels, as gengen reads them

_Made = TypeVar("_Made")


def each(
    listing: Listing,
    files: Sequence[File],
    make: Callable[[ImageFile.ImageFile, bytes], _Made],
    rest: Sequence[File] = (),
) -> Iterator[tuple[File, _Made]]:
    """Makes something of each picture in turn; if that fails, looks at all of them before it refuses.

    Args:
      listing: where they lie.
      files: those to read.
      make: is given a picture, whose pixels need not be loaded, and bytes that decode to it.
      rest: files to be looked at, too, if one fails.

    Yields:
      Each file with what was made of it.

    Raises:
      Refusal: files are damaged or cannot be read; the sentence says how many, and names the first of them.
    """
    with listing.reader() as read:
        for file in files:
            try:
                made = _made(read(file), make)
            except Exception as error:  # decoders raise anything from OSError to struct.error on damaged files
                raise Refusal(_damaged(listing, read, (*files, *rest), make, file, error)) from error
            yield file, made


def _damaged(
    listing: Listing,
    read: Callable[[File], bytes],
    files: Sequence[File],
    make: Callable[[ImageFile.ImageFile, bytes], object],
    first: File,
    error: Exception,
) -> str:
    """Looks at all files, of which the first damaged one is known, and counts and names the damaged ones."""

    def loaded(image: ImageFile.ImageFile, content: bytes) -> None:
        make(image, content)
        image.load()

    failed = []
    for file in files:
        try:
            _made(read(file), loaded)
        except Exception:
            failed.append(file.path)
    unknown = isinstance(error, UnidentifiedImageError)
    reason = "it is damaged or not a picture, or Pillow does not know its kind" if unknown else error
    root = shown(listing.root)
    if len(failed) <= 1:
        return f"{root}/{first.path} cannot be read as a picture ({reason}): repair or remove it."
    return (
        f"{few(sorted(failed), _NAMED)} of the pictures in {root} cannot be read, {first.path} because of this: "
        f"{reason}; repair or remove them."
    )


def _made(content: bytes, make: Callable[[ImageFile.ImageFile, bytes], _Made]) -> _Made:
    """Makes something of a file; once more without its texts if these may be what is too long for Pillow.

    Pillow guards against texts that grow when they are unpacked, and pixels need none of them. Its guard against
    pictures that grow stays.
    """
    try:
        return make(Image.open(io.BytesIO(content)), content)
    except ValueError:
        bare = _without_texts(content)
        if bare == content:
            raise
        return make(Image.open(io.BytesIO(bare)), bare)


def _without_texts(content: bytes) -> bytes:
    """A PNG file without the chunks of texts; other files as they are."""
    if not content.startswith(_PNG):
        return content
    kept, start = [_PNG], len(_PNG)
    while start < len(content):
        end = start + 12 + int.from_bytes(content[start : start + 4], "big")  # size, name and checksum are 12 bytes
        if content[start + 4 : start + 8] not in _TEXTS:
            kept.append(content[start:end])
        start = end
    return b"".join(kept)
