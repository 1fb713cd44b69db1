"""The TFDS builder of scenes: pictures with texts, whose words are metadata."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from gengen.data import room, scenes
from gengen.data.builders import OwnBuilder
from gengen.data.grammar import LENGTH, WORDS
from gengen.data.raw import Found
from gengen.data.signature import BYTE
from gengen.data.words import TEXT, numbered

_WORKING = 80
"""Bytes of a pixel while a scene is drawn: colours, distances and covers in float64."""


class Scenes(OwnBuilder):
    """Coloured shapes and what is said of them; each size is a config of its own."""

    name = "gengen_scenes"

    def __init__(self, *, side: int, found: Found, **kwargs: Any) -> None:
        room.check_memory(f"scenes at {side}x{side}", _WORKING * side**2)
        self._side = side
        super().__init__(found=found, **kwargs)

    def _info(self) -> Any:
        encoding = tfds.features.Encoding.BYTES
        features = {
            "data": tfds.features.Tensor(shape=(self._side, self._side, 3), dtype=np.uint8, encoding=encoding),
            TEXT: tfds.features.Tensor(shape=(LENGTH,), dtype=np.int32, encoding=encoding),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=f"Coloured shapes and their captions, {self._side}x{self._side}.",
            features=tfds.features.FeaturesDict(features),
            metadata=tfds.core.MetadataDict(kind="picture", bounds=list(BYTE), words=list(WORDS)),
            disable_shuffling=True,  # the pipeline shuffles
        )

    def _split_generators(self, dl_manager: Any) -> Mapping[str, Iterator[Any]]:
        return {split: self._drawn(split) for split in scenes.COUNTS}

    def _drawn(self, split: str) -> Iterator[Any]:
        for key, (picture, caption) in enumerate(scenes.each_scene(split, self._side)):
            yield key, {"data": picture, TEXT: numbered(caption, WORDS, LENGTH)}
