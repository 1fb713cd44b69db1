"""A user's pictures: a folder or a zip, listed and read one by one."""

import collections
import hashlib
import os
import pathlib
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from PIL import Image

from gengen.core.refusal import Refusal
from gengen.data import layout, pixels, ranges, reading, splits
from gengen.data.layout import Place
from gengen.data.listing import SUFFIXES, File, Listing, few, list_pictures, shown
from gengen.data.signature import Signature

SPLITS = ("train", "test")

_SHOWN = 10


class Entry(NamedTuple):
    """One picture: its file, its class (empty if there are none) and its split."""

    file: File
    label: str
    split: str


class Folder(NamedTuple):
    """The pictures of a listing that are used, sorted by path, and what a look at their names has led to.

    `digest` changes when files are added, removed, changed, or taken for another split or class. `guessed` says in
    lines for the user what was taken for what, and what was passed over. `rule` says how "test" was drawn: one of
    `splits.RULES`, or `splits.OWN` where folders say it.
    """

    listing: Listing
    entries: tuple[Entry, ...]
    classes: tuple[str, ...]
    digest: str
    guessed: tuple[str, ...]
    rule: str

    def survey(self) -> ranges.Survey:
        """Finds out whether any picture has colour, and the range of values of those that are deeper than 8 bits.

        Raises:
          Refusal: files are damaged or cannot be read, or their values are of kinds that do not go together.
        """
        split_of = {entry.file: entry.split for entry in self.entries}
        found = reading.each(self.listing, list(split_of), ranges.measured)
        return ranges.surveyed(shown(self.listing.root), ((file.path, split_of[file], of) for file, of in found))

    def pictures(self, split: str, values: pixels.Range | None) -> Iterator[tuple[Entry, Image.Image, bytes]]:
        """Reads a split's pictures in turn, and checks each: yields its entry, its pixels (grey or RGB), its bytes.

        Args:
          split: "train" or "test".
          values: the range of those that are deeper than 8 bits; None where none is.

        Raises:
          Refusal: files are damaged or cannot be read; the sentence names them.
        """
        entries = {entry.file: entry for entry in self.entries if entry.split == split}
        rest = [entry.file for entry in self.entries if entry.split != split]

        def plain(image: Image.Image, content: bytes) -> tuple[Image.Image, bytes]:
            image.load()
            return pixels.plain(image, values), content

        for file, (image, content) in reading.each(self.listing, list(entries), plain, rest):
            yield entries[file], image, content


def list_folder(root: pathlib.Path | None, rule: str = splits.RULES[0], domain: str = "", share: float = 0.0) -> Folder:
    """Lists the pictures of a folder or zip, and says what `layout.places` takes their folders for.

    Where there are folders of splits, pictures for validation are held out if there are none for testing, and left out
    if there are. Where there are none, `_drawn` says what is held out.

    Args:
      root: folder or zip.
      rule: of `splits.RULES`, by which "test" is drawn where no folder says it.
      domain: "A" or "B" of two domains; "" where there is one.
      share: that is drawn; 0 for a tenth.

    Returns:
      The listing.

    Raises:
      Refusal: nothing is there, it is not a zip, it holds fewer than two pictures, folders are not clear, there are two
        domains and none was asked for, or the other way round, or a share is asked for and folders say it.
    """
    if root is None:
        raise Refusal("image_folder needs --config.data.manual_dir=FOLDER, the folder or zip of your pictures.")
    name = shown(root)
    if not root.exists():
        raise Refusal(f"--config.data.manual_dir={name} does not exist: name the folder or zip of your pictures.")
    listing = list_pictures(root)
    if len(listing.files) < 2:
        count = "only one picture" if listing.files else "no pictures"
        reason = listing.passed_over().removeprefix(f"{name}: ")
        what = f"({', '.join(sorted(SUFFIXES))}{'; ' * bool(reason)}{reason})"
        raise Refusal(f"{name} holds {count} {what}, and training needs more.")
    found = layout.places(name, [file.path for file in listing.files])
    placed = list(zip(listing.files, found, strict=True))
    _check_domains(name, placed, domain)
    placed = [(file, place) for file, place in placed if place.domain == domain]
    if {place.split for _, place in placed} & {"test", "val"}:
        splits.refuse_share(name, share)
        entries, rule = tuple(_named(placed)), splits.OWN
    else:
        entries = tuple(_drawn(placed, rule, share or splits.SHARE))
    if {entry.split for entry in entries} != set(SPLITS):
        raise Refusal(f"{name} holds only {layout.seen(place.split for _, place in placed)} of domain {domain}.")
    classes = tuple(sorted({entry.label for entry in entries} - {""}))
    state = "\n".join(f"{entry.file.path}\t{entry.file.stamp}\t{entry.label}\t{entry.split}" for entry in entries)
    digest = hashlib.sha256(state.encode()).hexdigest()[:16]
    guessed = (_guess(name, placed, entries, classes, domain), listing.passed_over(), listing.taken_again())
    return Folder(listing, entries, classes, digest, guessed, rule)


def taken(root: str, signature: Signature, keys: str) -> str:
    """Says what pictures were taken as, and which keys change it.

    Args:
      root: their folder or zip, as it can be shown.
      signature: of the data that they became.
      keys: section of the config that names them, such as "data".
    """
    height, width, channels = signature.shape
    counts = {split: signature.counts.get(split, 0) for split in ("train", "held_out", "test")}
    colour = "grey" if channels == 1 else "colour"
    aside = f", {counts['held_out']:,} set aside" * bool(counts["held_out"])
    share = f", --config.{keys}.test_share how many are held out" * (signature.split != splits.OWN)
    return (
        f"{root}: took {sum(counts.values()):,} pictures at {height}x{width} in {colour}, {counts['train']:,} to "
        f"train on{aside} and {counts['test']:,} held out; --config.{keys}.resolution and "
        f"--config.{keys}.channels change how they are taken{share}"
    )


def _check_domains(name: str, placed: Sequence[tuple[File, Place]], domain: str) -> None:
    there = layout.seen(f"{place.domain} {place.split}".strip() for _, place in placed if place.domain)
    if there and not domain:
        raise Refusal(
            f"{name} holds two domains ({there}): a config of two takes both if --config.data.second.name=image_folder "
            f"and --config.data.second.manual_dir name this folder, too; for one, name its folder."
        )
    if domain and not there:
        raise Refusal(
            f"{name} is named for both data sets and holds no two domains: name two folders, or sort it into trainA, "
            f"trainB, testA and testB."
        )


def _named(placed: Sequence[tuple[File, Place]]) -> Iterator[Entry]:
    """The entries of folders that are named as splits."""
    held_out = "test" if any(place.split == "test" for _, place in placed) else "val"
    for file, place in placed:
        if place.split in ("train", held_out):
            yield Entry(file, place.label, "train" if place.split == "train" else "test")


def _drawn(placed: Sequence[tuple[File, Place]], rule: str, share: float) -> Iterator[Entry]:
    """The entries of folders that hold no splits: a share of each class is held out, by the hash of the path.

    Outer folders that hold all pictures are no part of the path, so that a zip is split as its folder is. By the rule
    "position" every tenth by sorted path, from the first on, is held out.
    """
    if rule == "position":
        is_test = splits.every(len(placed), 10)
    else:
        outer = len(os.path.commonpath([f"/{file.path.rpartition('/')[0]}" for file, _ in placed]))
        keys = [unicodedata.normalize("NFC", f"/{file.path}"[outer:].lstrip("/")).encode() for file, _ in placed]
        is_test = splits.held_out(keys, share, [place.label for _, place in placed])
    for (file, place), held_out in zip(placed, is_test, strict=True):
        yield Entry(file, place.label, "test" if held_out else "train")


def _guess(
    name: str, placed: Sequence[tuple[File, Place]], entries: Sequence[Entry], classes: Sequence[str], domain: str
) -> str:
    """Says what the folders were taken for."""
    labelled = f"{len(classes)} classes ({', '.join(classes[:_SHOWN])}{', ...' * (len(classes) > _SHOWN)})"
    kinds = labelled if classes else "no classes"
    counts = collections.Counter(place.split for _, place in placed)
    train, test = (sum(entry.split == split for entry in entries) for split in SPLITS)
    if not counts["test"] and not counts["val"]:
        splits = "no folders of splits, so that some of each class are held out" if classes else "no folders of splits"
    elif not counts["test"]:
        splits = f"splits train ({train:,}) and val as held-out ({test:,})"
    else:
        left = f"; val ({counts['val']:,}) is not used, as there is test" * bool(counts["val"])
        splits = f"splits train ({train:,}) and test ({test:,}){left}"
    spellings = collections.defaultdict(set)
    for _, place in placed:
        spellings[place.label].add(place.folder)
    merged = [label for label, folders in sorted(spellings.items()) if len(folders) > 1]
    trained = {entry.label for entry in entries if entry.split == "train"}
    strange = sorted({entry.label for entry in entries} - trained)
    tested = f"; classes that are only tested: {few(strange)}" if strange else ""
    spelled = f"; folders spelled in several ways are one class: {few(merged)}" if merged else ""
    return f"{name}: {f'domain {domain}, ' * bool(domain)}{kinds}, {splits}{tested}{spelled}"
