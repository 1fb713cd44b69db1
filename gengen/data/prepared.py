"""Data sets that TFDS has prepared: which features they have, and their records one by one."""

import contextlib
import errno
import hashlib
import io
import os
import pathlib
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from gengen.core.refusal import Refusal
from gengen.data import fetch, splits
from gengen.data.errors import explained, quiet
from gengen.data.labels import UNKNOWN
from gengen.data.layout import role
from gengen.data.listing import say
from gengen.data.sources import BUILDERS, Source

WRITE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors that say that the disk, or the user's part of it, is full."""

PAIRED = "paired"
"""Feature of second pictures, in gengen's own builders."""

_EVERY = 10
_DAY = 24 * 3600.0
_CHUNK = 256


class Prepared(NamedTuple):
    """A prepared data set: which features it has, and where the records of each split lie.

    `paired` is the feature of the second picture of every record, where there is one; it has as many channels.
    `splits` maps "train" and "test" to (records, their places): a data set without a split for testing lends a tenth
    of its training records. `split` says by which rule, or that it has one (`splits.OWN`). `range` holds the values
    that became 0 and 255; None for 8 bits.
    """

    image: str
    label: str | None
    classes: tuple[str, ...]
    channels: int
    splits: Mapping[str, tuple[Any, Sequence[int]]]
    split: str
    paired: str | None = None
    range: tuple[float, float] | None = None

    def examples(self, split: str, *, paired: bool = False) -> Iterator[tuple[str, Image.Image, int]]:
        """Yields each example's file name (or its place), its picture as stored, and its label (0 if there are none).

        Args:
          split: "train" or "test".
          paired: whether to yield second pictures in the place of the first.
        """
        feature = self.paired if paired else self.image
        records, places = self.splits[split]
        for place, record in _in_chunks(records, places):
            name = record["filename"].decode() if "filename" in record else f"picture {place} of {split}"
            label = max(int(record[self.label]), UNKNOWN) if self.label else 0
            yield name, Image.open(io.BytesIO(record[feature])), label


def prepare(name: str, source: Source, manual_dir: pathlib.Path | None, rule: str = splits.RULES[0]) -> Prepared:
    """Prepares a data set (once), and opens its records.

    Args:
      name: `config.data.name`.
      source: what `find_source` gave.
      manual_dir: the user's folder of raw files, or None.
      rule: of `splits.RULES`, for a TFDS data set without a split for testing.

    Returns:
      The opened data set.

    Raises:
      Refusal: raw files are missing or damaged, the data set needs TensorFlow, or it has no pictures for training.
    """
    import tensorflow_datasets as tfds

    with quiet(), explained(name, BUILDERS):
        tfds.disable_progress_bar()
        builder = source.builder()
        image, label = _features(name, builder)
        if not pathlib.Path(builder.data_path).exists():
            _generate(name, builder, manual_dir)
        if not builder.info.splits:  # another process has prepared it since
            builder = source.builder()
        channels = 1 if builder.info.features[image].shape[-1] == 1 else 3
        paired = PAIRED if name in BUILDERS and PAIRED in builder.info.features else None
        pictures = [image, paired] if paired else [image]
        if label and "train" in builder.info.splits and not _has_labels(builder, "train", pictures, label, rule):
            say(f"{name} names classes, but no training example is of a known one: taken as without labels")
            label = None
        classes = tuple(builder.info.features[label].names) if label else ()
        chosen, drawn = _splits(name, builder, pictures, label, rule)
        low_high = tuple((builder.info.metadata or {}).get("range", ())) if name in BUILDERS else ()
        return Prepared(image, label, classes, channels, chosen, source.split or drawn, paired, low_high or None)


def _features(name: str, builder: Any) -> tuple[str, str | None]:
    """Finds the first picture and the first class, before anything is downloaded in vain."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    fields = dict(features) if isinstance(features, tfds.features.FeaturesDict) else {}
    images = [key for key, feature in fields.items() if type(feature) is tfds.features.Image]
    labels = [key for key, feature in fields.items() if isinstance(feature, tfds.features.ClassLabel)]
    if not images or fields[images[0]].np_dtype != np.uint8:
        raise Refusal(f"--config.data.name={name} has no feature of 8-bit pictures, so gengen cannot train on it.")
    return images[0], labels[0] if labels else None


def _generate(name: str, builder: Any, manual_dir: pathlib.Path | None) -> None:
    import tensorflow_datasets as tfds

    root, place = pathlib.Path(builder.data_dir_root), pathlib.Path(builder.data_path)
    if name in BUILDERS:  # whose records are written within minutes
        _sweep(place.parent)
    downloads = root / "downloads"
    urls = builder.url_infos or {}
    if urls and not any((downloads / builder.name).glob("*.INFO")) and not fetch.is_reachable(urls):
        raise Refusal(
            f"--config.data.name={name} has to be downloaded, and none of its servers can be reached: use one of "
            f"gengen's own data sets meanwhile, such as the embedded --config.data.name=digits."
        )
    config = tfds.download.DownloadConfig(manual_dir=manual_dir, try_download_gcs=False)
    try:
        builder.download_and_prepare(download_config=config, file_format="array_record")
    except BaseException as error:
        if isinstance(error, OSError) and (place / "dataset_info.json").exists():
            return  # another process that prepared the same has renamed its folder first
        for folder in (place.parent, place.parent.parent, downloads / "extracted", downloads):
            if folder != root:
                with contextlib.suppress(OSError):  # TFDS removes its half-written folder, and leaves its parents
                    folder.rmdir()
        for number in WRITE_ERRORS:
            if os.strerror(number) in str(error):  # as array_record tells it, in a RuntimeError
                raise OSError(number, os.strerror(number), str(place)) from error
        raise


def _sweep(folder: pathlib.Path) -> None:
    """Removes what processes that were killed have left half-prepared, to which TFDS never comes back."""
    for path in folder.glob("incomplete.*"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < time.time() - _DAY:
                shutil.rmtree(path)


def _splits(
    name: str, builder: Any, pictures: Sequence[str], label: str | None, rule: str
) -> tuple[dict[str, tuple[Any, Sequence[int]]], str]:
    """Opens the records of both splits, and says how "test" was drawn."""
    counts = {split: info.num_examples for split, info in builder.info.splits.items()}
    if not counts.get("train"):
        raise Refusal(f"--config.data.name={name} has no split `train`, but {', '.join(counts)}.")
    train, every = _records(builder, "train", pictures), range(counts["train"])
    unlabelled: list[str] = []
    for split in _for_testing(counts, rule):
        if counts[split]:
            if label and not _has_labels(builder, split, pictures, label, rule):
                unlabelled.append(split)
                continue
            _say_instead(name, unlabelled, f"its split {split}")
            held_out = _records(builder, split, pictures), range(counts[split])
            return {"train": (train, every), "test": held_out}, splits.OWN
    if unlabelled:
        _say_instead(name, unlabelled, "a tenth of its training examples")
    elif name not in BUILDERS:
        say(f"{name} has no split for testing, so a tenth of its training examples is held out")
    if rule == "position":
        is_test = splits.every(len(every), _EVERY)
    else:
        keys, classes = [], []
        for _, record in _in_chunks(train, every):
            keys.append(hashlib.sha256(record[pictures[0]]).digest())  # the pictures would not fit in memory
            classes.append(int(record[label]) if label else 0)
        is_test = splits.held_out(keys, 1 / _EVERY, classes)
    places = {"train": np.flatnonzero(~is_test), "test": np.flatnonzero(is_test)}
    return {split: (train, chosen.tolist()) for split, chosen in places.items()}, rule


def _for_testing(names: Iterable[str], rule: str) -> list[str]:
    """Which splits may be held out, those named as tests before those named as validation.

    Versions before 0.2 knew one name of each, and a run of theirs keeps its data.
    """
    roles = {name: role(name) for name in names if rule != "position" or name in ("test", "validation")}
    kinds = {name: found.split for name, found in roles.items() if found}
    return [name for kind in ("test", "val") for name in kinds if kinds[name] == kind]


def _say_instead(name: str, unlabelled: Sequence[str], instead: str) -> None:
    if unlabelled:
        say(f"no example of {' or '.join(unlabelled)} of {name} has a label, so {instead} is held out in its place")


def _records(builder: Any, split: str, pictures: Sequence[str]) -> Any:
    """Opens a split. Pictures come as stored bytes: TFDS would decode with OpenCV or complain that it is missing."""
    import tensorflow_datasets as tfds

    return builder.as_data_source(split, decoders={picture: tfds.decode.SkipDecoding() for picture in pictures})


def _has_labels(builder: Any, split: str, pictures: Sequence[str], label: str, rule: str) -> bool:
    """Says whether the class of any example is known; TFDS writes -1 where it is not.

    Versions before 0.2 did not ask: a run of theirs, which is told by its rule "position", keeps its data.
    """
    if rule == "position" or not builder.info.splits[split].num_examples:
        return True
    records = _records(builder, split, pictures)
    return any(int(record[label]) >= 0 for _, record in _in_chunks(records, range(len(records))))


def _in_chunks(records: Any, places: Sequence[int]) -> Iterator[tuple[int, Any]]:
    """Reads records many at a time: one by one, reading took 8 of the 30 seconds that MNIST took to decode."""
    for start in range(0, len(places), _CHUNK):
        chunk = list(places[start : start + _CHUNK])
        yield from zip(chunk, records.__getitems__(chunk), strict=True)
