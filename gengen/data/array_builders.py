"""gengen's own TFDS builders of arrays that are no files of pictures: points, series and volumes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from gengen.data import points, room, series, solids, tabular
from gengen.data.arrays import Arrays
from gengen.data.builders import OwnBuilder
from gengen.data.listing import say
from gengen.data.raw import Found
from gengen.data.signature import BYTE

_WORKING = 150
"""Bytes of a voxel while a solid is drawn: places in float64, turned, squared and compared."""


class ArrayBuilder(OwnBuilder):
    """One array of each example, "data", and its class if there are classes; the kind and bounds are metadata."""

    def _describe_arrays(
        self,
        description: str,
        kind: str,
        shape: Sequence[int],
        *,
        dtype: str = "float32",
        classes: Sequence[str] = (),
        bounds: tuple[float, float] | None = None,
    ) -> Any:
        encoding = tfds.features.Encoding.BYTES
        features: dict[str, Any] = {
            "data": tfds.features.Tensor(shape=tuple(shape), dtype=np.dtype(dtype), encoding=encoding)
        }
        if classes:
            features["label"] = tfds.features.ClassLabel(names=list(classes))
        return tfds.core.DatasetInfo(
            builder=self,
            description=description,
            features=tfds.features.FeaturesDict(features),
            metadata=tfds.core.MetadataDict(kind=kind, bounds=list(bounds or ())),
            disable_shuffling=True,  # the pipeline shuffles
        )


def _cloud(known: str) -> type[ArrayBuilder]:
    """The builder of one of `points.CLOUDS`."""
    cloud = points.CLOUDS[known]

    class CloudBuilder(ArrayBuilder):
        """Points of a density that is known."""

        name = f"gengen_{known}"

        def _info(self) -> Any:
            return self._describe_arrays(cloud.description, "points", (2,), classes=cloud.classes)

        def _split_generators(self, dl_manager: Any) -> Mapping[str, Iterator[Any]]:
            drawn = {split: points.read_points(known, split) for split in points.COUNTS}
            return {split: _rows(array, labels if cloud.classes else None) for split, (array, labels) in drawn.items()}

    return CloudBuilder


def _table(known: str) -> type[ArrayBuilder]:
    """The builder of one of `tabular.TABLES`; each state of its files is a config of its own."""
    table = tabular.TABLES[known]

    class TableBuilder(ArrayBuilder):
        """Rows of numbers, prepared as published."""

        name = f"gengen_{known}"

        def _info(self) -> Any:
            return self._describe_arrays(table.description, "points", (table.numbers,))

        def _split_generators(self, dl_manager: Any) -> Mapping[str, Iterator[Any]]:
            rows, line = tabular.read_rows(known, self._found.files)
            say(line)
            return {split: _rows(array) for split, array in rows.items()}

    return TableBuilder


class Sines(ArrayBuilder):
    """Sines of five frequencies and phases."""

    name = "gengen_sines"

    def _info(self) -> Any:
        description = "Sines of random frequencies and phases, 5 features of length 24 (Yoon et al., 2019)."
        return self._describe_arrays(description, "series", (series.LENGTH, series.FEATURES), bounds=(0.0, 1.0))

    def _split_generators(self, dl_manager: Any) -> Mapping[str, Iterator[Any]]:
        return {split: _rows(series.read_sines(split)) for split in series.COUNTS}


class Solids(ArrayBuilder):
    """Spheres, boxes, tori and chairs; each size is a config of its own."""

    name = "gengen_solids"

    def __init__(self, *, side: int, found: Found, **kwargs: Any) -> None:
        room.check_memory(f"solids at {side}x{side}x{side}", _WORKING * side**3)
        self._side = side
        super().__init__(found=found, **kwargs)

    def _info(self) -> Any:
        description = f"Spheres, boxes, tori and chairs of {self._side} voxels along each axis."
        shape = (self._side, self._side, self._side, 1)
        return self._describe_arrays(description, "volume", shape, dtype="uint8", classes=solids.CLASSES, bounds=BYTE)

    def _split_generators(self, dl_manager: Any) -> Mapping[str, Iterator[Any]]:
        return {split: self._drawn(split) for split in solids.COUNTS}

    def _drawn(self, split: str) -> Iterator[Any]:
        for key, (volume, label) in enumerate(solids.each_solid(split, self._side)):
            yield key, {"data": volume, "label": label}


class ArrayFolder(ArrayBuilder):
    """The user's own arrays; each state of their files is a config of its own, named by its digest."""

    name = "gengen_array_folder"

    def __init__(self, *, arrays: Arrays, **kwargs: Any) -> None:
        self._arrays = arrays
        super().__init__(found=Found({}, arrays.digest, ()), **kwargs)

    def _info(self) -> Any:
        self._read = self._arrays.read()
        for line in self._read.lines:
            say(line)
        data, _ = self._read.splits["train"]
        is_bytes = data.dtype == np.uint8
        return self._describe_arrays(
            "The user's own arrays.",
            self._read.kind,
            data.shape[1:],
            dtype=data.dtype.name,
            classes=self._read.classes,
            bounds=BYTE if is_bytes else None,
        )

    def _split_generators(self, dl_manager: Any) -> Mapping[str, Iterator[Any]]:
        return {split: _rows(*arrays) for split, arrays in self._read.splits.items()}


ARRAYS: Mapping[str, type[ArrayBuilder]] = {**{name: _cloud(name) for name in points.CLOUDS}, "sines": Sines}
"""Builders by `config.data.name`; `Solids` and `ArrayFolder` need more than the others."""

TABLES: Mapping[str, type[ArrayBuilder]] = {name: _table(name) for name in tabular.TABLES}
"""Builders of tables, by `config.data.name`."""


def _rows(array: np.ndarray, labels: np.ndarray | None = None) -> Iterator[Any]:
    for key, row in enumerate(array):
        yield key, {"data": row} if labels is None else {"data": row, "label": int(labels[key])}
