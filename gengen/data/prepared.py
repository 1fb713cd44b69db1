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

from gengen.core.field import Field
from gengen.core.refusal import Refusal
from gengen.data import fetch, splits
from gengen.data.errors import explained, quiet
from gengen.data.labels import UNKNOWN
from gengen.data.layout import role
from gengen.data.listing import say
from gengen.data.sources import BUILDERS, Source
from gengen.data.words import TEXT, text_field

WRITE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors that say that the disk, or the user's part of it, is full."""

PAIRED = "paired"
"""Feature of second pictures, in gengen's own builders."""

_DAY = 24 * 3600.0
_CHUNK = 256


class Features(NamedTuple):
    """Which features of a builder are trained on.

    Attributes:
      kind: one of `signature.KINDS`.
      shape: of an example; of files of pictures, whose sizes may differ, (channels,) alone.
      dtype: of an example.
      data: the feature of the examples.
      label: the feature of their classes; None where there are no labels.
    """

    kind: str
    shape: tuple[int, ...]
    dtype: str
    data: str
    label: str | None

    @property
    def encoded(self) -> bool:
        """Whether the examples are files of pictures, which have to be decoded."""
        return self.kind == "picture" and len(self.shape) == 1


class Prepared(NamedTuple):
    """A prepared data set: which features it has, and where the records of each split lie.

    Attributes:
      features: that are trained on.
      classes: names of the classes.
      splits: maps "train" and "test" to (records, their places): a data set without a split for testing lends a share
        of its training records.
      split: by which rule, or that it has one (`splits.OWN`).
      paired: the feature of the second picture of every record, where there is one; it has as many channels.
      range: the values that became 0 and 255; None for 8 bits.
      bounds: the least and the greatest value that there can be; None where there are no bounds, or files of pictures.
      text: the field of the texts of gengen's own data sets; None where there are none.
    """

    features: Features
    classes: tuple[str, ...]
    splits: Mapping[str, tuple[Any, Sequence[int]]]
    split: str
    paired: str | None = None
    range: tuple[float, float] | None = None
    bounds: tuple[float, float] | None = None
    text: Field | None = None

    def examples(self, split: str, key: str = "data") -> Iterator[tuple[str, Any, int]]:
        """Yields each example's file name (or its place), its array or bytes, and its label (0 if there are none).

        Args:
          split: "train" or "test".
          key: "data", or in the place of the example itself "paired", its second picture, or "text".
        """
        kind, label = self.features.kind, self.features.label
        feature = {"data": self.features.data, "paired": self.paired, TEXT: TEXT}[key]
        records, places = self.splits[split]
        for place, record in _in_chunks(records, places):
            name = record["filename"].decode() if "filename" in record else f"{kind} {place} of {split}"
            yield name, record[feature], max(int(record[label]), UNKNOWN) if label else 0

    def pictures(self, split: str, key: str = "data") -> Iterator[tuple[str, Image.Image, int]]:
        """Yields what `examples` does of pictures, opened."""
        for name, stored, label in self.examples(split, key):
            yield name, Image.open(io.BytesIO(stored)), label


def prepare(
    name: str, source: Source, manual_dir: pathlib.Path | None, rule: str = splits.RULES[0], share: float = 0.0
) -> Prepared:
    """Prepares a data set (once), and opens its records.

    Args:
      name: `config.data.name`.
      source: what `find_source` gave.
      manual_dir: the user's folder of raw files, or None.
      rule: of `splits.RULES`, for a TFDS data set without a split for testing.
      share: that is held out of such a one; 0 for a tenth.

    Returns:
      The opened data set.

    Raises:
      Refusal: raw files are missing or damaged, the data set needs TensorFlow, or it has nothing to train on.
    """
    import tensorflow_datasets as tfds

    with quiet(), explained(name, BUILDERS):
        tfds.disable_progress_bar()
        builder = source.builder()
        found = _features(name, builder)
        if not pathlib.Path(builder.data_path).exists():
            _generate(name, builder, manual_dir)
        if not builder.info.splits:  # another process has prepared it since
            builder = source.builder()
        paired = PAIRED if name in BUILDERS and PAIRED in builder.info.features else None
        stored = [found.data, paired] if paired else [found.data]
        has_train = "train" in builder.info.splits
        if found.label and has_train and not _has_labels(builder, "train", stored, found.label, rule):
            say(f"{name} names classes, but no training example is of a known one: taken as without labels")
            found = found._replace(label=None)
        classes = tuple(builder.info.features[found.label].names) if found.label else ()
        chosen, drawn = _splits(name, builder, stored, found.label, rule, share)
        known = (builder.info.metadata or {}) if name in BUILDERS else {}
        low_high, bounds = (tuple(known.get(key) or ()) or None for key in ("range", "bounds"))
        words = known.get("words")
        text = text_field(words, *builder.info.features[TEXT].shape) if words else None
        return Prepared(found, classes, chosen, source.split or drawn, paired, low_high, bounds, text)


def _features(name: str, builder: Any) -> Features:
    """Finds the first picture, or the only array of floats, and the first class, before a download in vain."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    fields = dict(features) if isinstance(features, tfds.features.FeaturesDict) else {}
    label = next((key for key, feature in fields.items() if isinstance(feature, tfds.features.ClassLabel)), None)
    images = [key for key, feature in fields.items() if type(feature) is tfds.features.Image]
    if images and fields[images[0]].np_dtype == np.uint8:
        return Features("picture", (1 if fields[images[0]].shape[-1] == 1 else 3,), "uint8", images[0], label)
    arrays = {key: feature for key, feature in fields.items() if type(feature) is tfds.features.Tensor}
    if name in BUILDERS:
        feature = arrays["data"]
        return Features(builder.info.metadata["kind"], feature.shape, np.dtype(feature.np_dtype).name, "data", label)
    floats = [key for key, feature in arrays.items() if np.dtype(feature.np_dtype).kind == "f"]
    shape = arrays[floats[0]].shape if len(floats) == 1 else ()
    if len(shape) not in (1, 2) or None in shape:
        raise Refusal(
            f"--config.data.name={name} has no feature of 8-bit pictures, and not one single feature of floats [D] or "
            f"[T, D], so gengen cannot train on it."
        )
    return Features("points" if len(shape) == 1 else "series", shape, "float32", floats[0], label)


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
    name: str, builder: Any, stored: Sequence[str], label: str | None, rule: str, share: float
) -> tuple[dict[str, tuple[Any, Sequence[int]]], str]:
    """Opens the records of both splits, and says how "test" was drawn."""
    counts = {split: info.num_examples for split, info in builder.info.splits.items()}
    if not counts.get("train"):
        raise Refusal(f"--config.data.name={name} has no split `train`, but {', '.join(counts)}.")
    train, every = _records(builder, "train", stored), range(counts["train"])
    unlabelled: list[str] = []
    part = f"{100 * share:g} %" if share else "a tenth"
    for split in _for_testing(counts, rule):
        if counts[split]:
            if label and not _has_labels(builder, split, stored, label, rule):
                unlabelled.append(split)
                continue
            _say_instead(name, unlabelled, f"its split {split}")
            if name not in BUILDERS:  # of these, it is known before
                splits.refuse_share(name, share)
            held_out = _records(builder, split, stored), range(counts[split])
            return {"train": (train, every), "test": held_out}, splits.OWN
    if unlabelled:
        _say_instead(name, unlabelled, f"{part} of its training examples")
    elif name not in BUILDERS:
        say(f"{name} has no split for testing, so {part} of its training examples is held out")
    if rule == "position":
        is_test = splits.every(len(every), 10)
    else:
        keys, classes = [], []
        for _, record in _in_chunks(train, every):
            keys.append(hashlib.sha256(record[stored[0]]).digest())  # the examples would not fit in memory
            classes.append(int(record[label]) if label else 0)
        is_test = splits.held_out(keys, share or splits.SHARE, classes)
    places = {"train": np.flatnonzero(~is_test), "test": np.flatnonzero(is_test)}
    if not len(places["test"]):
        raise Refusal(f"--config.data.name={name} has one example of each class, and none can be held out.")
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


def _records(builder: Any, split: str, stored: Sequence[str]) -> Any:
    """Opens a split. Pictures come as stored bytes: TFDS would decode with OpenCV or complain that it is missing."""
    import tensorflow_datasets as tfds

    pictures = [key for key in stored if isinstance(builder.info.features[key], tfds.features.Image)]
    return builder.as_data_source(split, decoders={picture: tfds.decode.SkipDecoding() for picture in pictures})


def _has_labels(builder: Any, split: str, stored: Sequence[str], label: str, rule: str) -> bool:
    """Says whether the class of any example is known; TFDS writes -1 where it is not.

    Versions before 0.2 did not ask: a run of theirs, which is told by its rule "position", keeps its data.
    """
    if rule == "position" or not builder.info.splits[split].num_examples:
        return True
    records = _records(builder, split, stored)
    return any(int(record[label]) >= 0 for _, record in _in_chunks(records, range(len(records))))


def _in_chunks(records: Any, places: Sequence[int]) -> Iterator[tuple[int, Any]]:
    """Reads records many at a time: one by one, reading took 8 of the 30 seconds that MNIST took to decode."""
    for start in range(0, len(places), _CHUNK):
        chunk = list(places[start : start + _CHUNK])
        yield from zip(chunk, records.__getitems__(chunk), strict=True)
