"""A user's pictures: a folder or a zip, listed and read one by one."""

import hashlib
import io
import os
import pathlib
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image

from gengen.core.refusal import Refusal
from gengen.data import pixels, splits

SUFFIXES = frozenset(
    (".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
"""What counts as a picture; other files, hidden ones and macOS's `__MACOSX` folders are passed over."""

SPLITS = ("train", "test")

_EVERY = 10


class Entry(NamedTuple):
    """One picture file: its path below the root, its class (empty if there are none) and its split."""

    path: str
    label: str
    split: str


class Folder(NamedTuple):
    """The pictures below `root`, sorted by path; `digest` changes when files are added, removed or changed.

    `rule` says how "test" was drawn: one of `splits.RULES`, or `splits.OWN` where folders say it.
    """

    root: pathlib.Path
    entries: tuple[Entry, ...]
    classes: tuple[str, ...]
    digest: str
    rule: str = splits.RULES[0]

    def pictures(self, split: str) -> Iterator[tuple[Entry, Image.Image, bytes]]:
        """Reads a split's pictures in turn, and checks each: yields its entry, its pixels (grey or RGB), its bytes.

        Raises:
          Refusal: a file is damaged or cannot be read; the sentence names it.
        """
        archive = zipfile.ZipFile(self.root) if self.root.is_file() else None
        try:
            for entry in self.entries:
                if entry.split == split:
                    yield self._read(entry, archive)
        finally:
            if archive is not None:
                archive.close()

    def has_colour(self) -> bool:
        """Says whether any picture is more than grey; reads until it finds one."""
        return any(not pixels.is_grey(image) for split in SPLITS for _, image, _ in self.pictures(split))

    def _read(self, entry: Entry, archive: zipfile.ZipFile | None) -> tuple[Entry, Image.Image, bytes]:
        place = self.root / entry.path
        try:
            content = place.read_bytes() if archive is None else archive.read(entry.path)
            opened = Image.open(io.BytesIO(content))
            opened.load()
            image = pixels.plain(opened)
        except Exception as error:  # decoders raise anything from OSError to struct.error on damaged files
            reason = "it is damaged or not a picture" if isinstance(error, Image.UnidentifiedImageError) else error
            raise Refusal(f"{place} cannot be read as a picture ({reason}): repair or remove it.") from error
        return entry, image, content


def list_folder(root: pathlib.Path | None, rule: str = splits.RULES[0]) -> Folder:
    """Lists the pictures of a folder or zip.

    A folder that holds nothing but one folder is stepped into. If that leads to folders `train` and `test` alone,
    they are the splits; otherwise a tenth of each class, by the hash of the path, is for testing. Below that, each
    folder is a class (a single folder is none, and its pictures have no labels).

    Args:
      root: folder or zip.
      rule: of `splits.RULES`; by "position" every tenth picture by sorted path, from the first on, is for testing.

    Returns:
      The listing.

    Raises:
      Refusal: nothing is there, it is not a zip, it holds fewer than two pictures, a split is empty, or some pictures
        lie in folders and others beside them.
    """
    if root is None:
        raise Refusal("image_folder needs --config.data.manual_dir=FOLDER, the folder or zip of your pictures.")
    stamps = _zip_stamps(root) if root.is_file() else _folder_stamps(root)
    paths = sorted(path for path in stamps if _is_picture(path))
    if len(paths) < 2:
        count = "no pictures" if not paths else "only one picture"
        raise Refusal(f"{root} holds {count} ({', '.join(sorted(SUFFIXES))}), and training needs more.")
    entries, rule = _entries(root, paths, rule)
    for split in SPLITS:
        if not any(entry.split == split for entry in entries):
            raise Refusal(f"{root} holds no pictures in its folder {split}.")
    classes = tuple(sorted({entry.label for entry in entries} - {""}))
    state = "\n".join(f"{path}\t{stamps[path]}" for path in paths)
    return Folder(root, entries, classes, hashlib.sha256(state.encode()).hexdigest()[:16], rule)


def _entries(root: pathlib.Path, paths: list[str], rule: str) -> tuple[tuple[Entry, ...], str]:
    """Gives each path its class and its split, and says by which rule."""
    parts = [pathlib.PurePosixPath(path).parts for path in paths]
    depth = _shared(parts, 0)
    heads = {names[depth] for names in parts if len(names) > depth + 1}
    by_name = heads == set(SPLITS) and all(len(names) > depth + 1 for names in parts)
    first = depth + 1 if by_name else depth
    tails = [names[first:] for names in parts]
    folders = {tail[0] for tail in tails if len(tail) > 1}
    labelled = len(folders) > 1
    for path, tail in zip(paths, tails, strict=True):
        if labelled and len(tail) == 1:
            raise Refusal(
                f"{root / path} lies beside class folders ({', '.join(sorted(folders)[:3])}): move it into one."
            )
    labels = [tail[0] if labelled else "" for tail in tails]
    if by_name:
        chosen, rule = [names[depth] for names in parts], splits.OWN
    else:
        keys = [os.fsencode("/".join(tail)) for tail in tails]
        is_test = splits.held_out(keys, 1 / _EVERY, labels) if rule != "position" else splits.every(len(paths), _EVERY)
        chosen = ["test" if held_out else "train" for held_out in is_test]
    return tuple(map(Entry, paths, labels, chosen)), rule


def _shared(parts: list[tuple[str, ...]], depth: int) -> int:
    """Counts the outer folders that hold all pictures between them."""
    while len({names[depth] for names in parts}) == 1 and all(len(names) > depth + 1 for names in parts):
        depth += 1
    return depth


def _is_picture(path: str) -> bool:
    pure = pathlib.PurePosixPath(path)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in pure.parts)
    return not hidden and pure.suffix.lower() in SUFFIXES


def _zip_stamps(root: pathlib.Path) -> dict[str, str]:
    """Gives each file's size and checksum: the contents themselves, for the price of the directory."""
    try:
        with zipfile.ZipFile(root) as archive:
            return {info.filename: f"{info.file_size} {info.CRC}" for info in archive.infolist() if not info.is_dir()}
    except zipfile.BadZipFile as error:
        raise Refusal(f"{root} is neither a folder nor a whole zip file ({error}).") from error


def _folder_stamps(root: pathlib.Path) -> dict[str, str]:
    """Gives each file's size and time of change: reading all contents at every start would take too long."""
    if not root.is_dir():
        raise Refusal(f"--config.data.manual_dir={root} does not exist: name the folder or zip of your pictures.")
    stamps = {}
    for path in root.rglob("*"):
        if path.is_file():
            status = path.stat()
            stamps[path.relative_to(root).as_posix()] = f"{status.st_size} {status.st_mtime_ns}"
    return stamps
