"""The data of a run folder: those that it was trained on, and a user's own pictures brought to their shape."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict
from PIL import Image

from gengen.core.refusal import Refusal
from gengen.data import pixels
from gengen.data.folder import SUFFIXES
from gengen.data.signature import DataSet, Signature
from gengen.pictures.grid import has_alpha
from gengen.tasks.opened import opened, unchanged
from gengen.tasks.prepare import check_sections, load_data


class Shown(NamedTuple):
    """Images to look at.

    Attributes:
      images: uint8 [N, H, W, C].
      labels: their classes, int32 [N]; None where there are none.
      places: where they lie among all that they were taken from, int [N].
      title: what they are, in words.
      names: of the files that they were read from; () where there are none.
    """

    images: np.ndarray
    labels: np.ndarray | None
    places: np.ndarray
    title: str
    names: tuple[str, ...] = ()


def data_of(workdir: Path, config: ConfigDict | None = None) -> DataSet:
    """Loads the data that a run was trained on.

    Args:
      workdir: the run folder.
      config: where the places of the data come from; the run's own config by default.

    Returns:
      The data set, with the splits that the run's config selects.

    Raises:
      Refusal: the folder holds no run, or the data are gone or other ones.
    """
    own, signature = opened(workdir)
    given = own if config is None else config
    check_sections(given, workdir)
    with unchanged(workdir):
        for key in ("data_dir", "manual_dir"):
            own.data[key] = given.data[key] or own.data[key]
        if "second" in own.data and "second" in given.data and given.data.second.get("manual_dir"):
            own.data.second.manual_dir = given.data.second.manual_dir
        data = load_data(own)
    if data.signature.digest != signature.digest:
        raise Refusal(f"the data of {own.data.name} are not those that {workdir} was trained on: their digests differ.")
    return data


def held_out(data: DataSet, number: int, seed: int) -> Shown:
    """Picks at most so many held-out images at random, without repetition; the seed says which, and in which order."""
    test = data.splits["test"]
    places = np.random.default_rng(seed).permutation(len(test["image"]))[:number]
    labels = np.asarray(test["label"][places]) if "label" in test else None
    title = f"{len(places):,} held-out image{'s' if len(places) > 1 else ''} of {data.signature.name}"
    return Shown(np.asarray(test["image"][places]), labels, places, title)


def pictures_of(path: Path, signature: Signature, number: int) -> Shown:
    """Reads a user's pictures and brings them to the shape of a run's data, as `gengen.data` does with crop "center".

    Args:
      path: a picture, or a folder whose pictures are taken in the order of their paths; hidden files are passed over.
      signature: of the run's data.
      number: the most pictures to take.

    Returns:
      The pictures, which have no labels.

    Raises:
      Refusal: there are no pictures, or one is damaged; the sentence names it.
    """
    files = _files(path)
    size = (signature.height, signature.width)
    images = [_read(file, size, signature.channels) for file in files[:number]]
    title = f"{len(images):,} of {len(files):,} pictures in {path}" if path.is_dir() else str(path)
    names = tuple(str(file.relative_to(path)) if path.is_dir() else file.name for file in files[:number])
    return Shown(np.stack(images), None, np.arange(len(images)), title, names)


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise Refusal(f"--input={path} does not exist; name a picture or a folder of pictures.")
    if not path.is_dir():
        return [path]
    below = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
    files = [file for file in below if not any(part.startswith(".") for part in file.relative_to(path).parts)]
    if not files:
        raise Refusal(f"--input={path} holds no pictures ({', '.join(sorted(SUFFIXES))}).")
    return files


def _read(file: Path, size: tuple[int, int], channels: int) -> np.ndarray:
    try:
        with Image.open(file) as opened:
            opened.load()
            if has_alpha(channels):
                return pixels.fit_alpha(opened, size=size, channels=channels, crop="center")
            return pixels.fit(pixels.plain(opened), size=size, channels=channels, crop="center")
    except Exception as error:  # decoders raise anything from OSError to struct.error on damaged files
        reason = "it is damaged or not a picture" if isinstance(error, Image.UnidentifiedImageError) else error
        raise Refusal(f"{file} cannot be read as a picture ({reason}); repair it or leave it out.") from error
