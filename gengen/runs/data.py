"""Examples to look at: held-out ones, and a user's own pictures brought to the shape of a run's data."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from gengen.core.nouns import counted
from gengen.core.refusal import Refusal
from gengen.data import pixels, ranges, reading
from gengen.data.listing import SUFFIXES, File, Listing, list_pictures, say, shown
from gengen.data.pixels import Range
from gengen.data.signature import DataSet, Signature
from gengen.pictures.grid import has_alpha


class Shown(NamedTuple):
    """Images to look at.

    Attributes:
      images: uint8 [N, H, W, C].
      labels: their classes, int32 [N]; None where there are none.
      indices: where they lie among all that they were taken from, int [N].
      title: what they are, in words.
      names: of the files that they were read from; () where there are none.
    """

    images: np.ndarray
    labels: np.ndarray | None
    indices: np.ndarray
    title: str
    names: tuple[str, ...] = ()


def held_out(data: DataSet, number: int, seed: int, label: int | None = None) -> Shown:
    """Picks so many held-out examples at random, at most; the seed says which, and in which order.

    Args:
      data: the data set.
      number: how many.
      seed: of the choice.
      label: a class that they are all to be of, or None.
    """
    test = data.splits["test"]
    indices = np.random.default_rng(seed).permutation(len(test["data"]))
    if label is not None:
        indices = indices[np.asarray(test["label"])[indices] == label]
    indices = indices[:number]
    labels = np.asarray(test["label"][indices]) if "label" in test else None
    of = "" if label is None else f" of class {data.signature.classes[label]}"
    title = f"{counted(data.signature.kind, len(indices), 'held-out')}{of} of {data.signature.name}"
    return Shown(np.asarray(test["data"][indices]), labels, indices, title)


def pictures_of(path: Path, signature: Signature, number: int, flag: str = "--input") -> Shown:
    """Reads a user's pictures and brings them to the shape of a run's data, as `gengen.data` does with crop "center".

    Pictures of more than 8 bits are taken from the range of values that those of the run had; where these had 8 bits,
    from the range that the pictures themselves use.

    Args:
      path: a picture, or a folder or zip whose pictures are taken in the order of their paths.
      signature: of the run's data.
      number: the most pictures to take.
      flag: that names them.

    Returns:
      The pictures, which have no labels.

    Raises:
      Refusal: the data are no pictures, there are none, or some are damaged; the sentence names them.
    """
    if signature.kind != "picture":
        raise Refusal(f"{flag}={shown(path)} names pictures, and the data of this run, {signature.name}, are none.")
    listing = _listing(path, flag)
    files = listing.files[:number]
    say(listing.passed_over())
    values = _range(listing, files, signature, flag)
    height, width, channels = signature.shape

    def fitted(image: Image.Image, content: bytes) -> np.ndarray:
        image.load()
        if has_alpha(channels):
            return pixels.fit_alpha(image, values, size=(height, width), channels=channels, crop="center")
        return pixels.fit(pixels.plain(image, values), size=(height, width), channels=channels, crop="center")

    images = [image for _, image in reading.each(listing, files, fitted)]
    several = listing.root == path
    title = f"{len(images):,} of {len(listing.files):,} pictures in {shown(path)}" if several else shown(path)
    return Shown(np.stack(images), None, np.arange(len(images)), title, tuple(file.path for file in files))


def _listing(path: Path, flag: str) -> Listing:
    if not path.exists():
        raise Refusal(f"{flag}={shown(path)} does not exist; name a picture or a folder of pictures.")
    if not path.is_dir() and not zipfile.is_zipfile(path):
        return Listing(path.parent, (File(shown(path.name), path.name, ""),), {})
    listing = list_pictures(path)
    if not listing.files:
        raise Refusal(f"{flag}={shown(path)} holds no pictures ({', '.join(sorted(SUFFIXES))}).")
    return listing


def _range(listing: Listing, files: Sequence[File], signature: Signature, flag: str) -> Range | None:
    """The range of values of a user's pictures: that of the run, or else their own, which is said."""
    kept = Range(*signature.range) if signature.range else None
    found = [(file.path, "", measures) for file, measures in reading.each(listing, files, ranges.measured)]
    survey = ranges.surveyed(f"{flag}={shown(listing.root)}", found, kept)
    for line in survey.lines:
        say(line)
    if survey.values:
        used = [bound for _, _, measures in found if measures.kind for bound in (measures.low, measures.high)]
        whose = f", as in the data of the run; these use {min(used):.6g} to {max(used):.6g}" if kept else ""
        say(f"{flag}={shown(listing.root)}: {survey.values}{whose}")
    return survey.values
