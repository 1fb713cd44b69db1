"""gengen's own TFDS builders: none needs TensorFlow, all store PNG (or the user's own files) in file order."""

import io
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from gengen.data import digits, fetch, idx
from gengen.data.folder import Folder
from gengen.data.sources import VERSION


class PictureBuilder(tfds.core.GeneratorBasedBuilder):
    """What the builders share: one picture, its class if there are classes, its file name if it comes from a file.

    Names begin with `gengen_`, so that a folder never mixes these records with those of a TFDS builder of the same
    name. TFDS notes every builder class in a registry of its own; gengen does not use it (see `sources.BUILDERS`).
    """

    VERSION = tfds.core.Version(VERSION)

    def _describe(
        self,
        description: str,
        shape: tuple[int | None, int | None, int],
        classes: Sequence[str],
        homepage: str | None = None,
        named: bool = False,
    ) -> Any:
        features: dict[str, Any] = {"image": tfds.features.Image(shape=shape, encoding_format="png")}
        if classes:
            features["label"] = tfds.features.ClassLabel(names=list(classes))
        if named:
            features["filename"] = tfds.features.Text()
        return tfds.core.DatasetInfo(
            builder=self,
            description=description,
            features=tfds.features.FeaturesDict(features),
            homepage=homepage,
            disable_shuffling=True,  # the pipeline shuffles; here the order of the raw files can be checked
        )


class Digits(PictureBuilder):
    """scikit-learn's handwritten digits."""

    name = "gengen_digits"

    def _info(self) -> Any:
        return self._describe(
            "1,797 real handwritten digits, 8x8, as shipped by scikit-learn.", (8, 8, 1), digits.CLASSES
        )

    def _split_generators(self, dl_manager: Any) -> Mapping[str, Iterator[Any]]:
        return {split: _arrays(*digits.read_digits(split)) for split in ("train", "test")}

    def _generate_examples(self) -> Iterator[Any]:
        raise NotImplementedError  # abstract in TFDS; `_split_generators` hands out the iterators itself


class IdxBuilder(PictureBuilder):
    """A data set in the idx format, downloaded or taken from the user's folder."""

    source = ""

    def __init__(self, *, manual_dir: pathlib.Path | None = None, **kwargs: Any) -> None:
        self._manual_dir = manual_dir
        super().__init__(**kwargs)

    def _info(self) -> Any:
        idx_set = idx.IDX_SETS[self.source]
        return self._describe(idx_set.description, (idx.SIDE, idx.SIDE, 1), idx_set.classes, idx_set.homepage)

    def _split_generators(self, dl_manager: Any) -> Mapping[str, Iterator[Any]]:
        idx_set = idx.IDX_SETS[self.source]
        files = fetch.find(
            self.source,
            idx_set.checksums,
            mirrors=idx_set.mirrors,
            manual_dir=self._manual_dir,
            data_dir=pathlib.Path(self._data_dir_root),
        )
        return {split: _arrays(*idx.read_split(files, split, idx_set)) for split in ("train", "test")}

    def _generate_examples(self) -> Iterator[Any]:
        raise NotImplementedError  # as in Digits


class Mnist(IdxBuilder):
    """Handwritten digits."""

    name, source = "gengen_mnist", "mnist"


class FashionMnist(IdxBuilder):
    """Garments."""

    name, source = "gengen_fashion_mnist", "fashion_mnist"


class Kmnist(IdxBuilder):
    """Cursive Japanese characters."""

    name, source = "gengen_kmnist", "kmnist"


class ImageFolder(PictureBuilder):
    """The user's own pictures; each state of the folder is a config of its own, named by the digest of the listing."""

    name = "gengen_image_folder"

    def __init__(self, *, folder: Folder, **kwargs: Any) -> None:
        self._folder = folder
        super().__init__(config=tfds.core.BuilderConfig(name=folder.digest, version=self.VERSION), **kwargs)

    def _info(self) -> Any:
        channels = 3 if self._folder.has_colour() else 1
        return self._describe("The user's own pictures.", (None, None, channels), self._folder.classes, named=True)

    def _split_generators(self, dl_manager: Any) -> Mapping[str, Iterator[Any]]:
        return {split: self._generate_examples(split) for split in ("train", "test")}

    def _generate_examples(self, split: str) -> Iterator[Any]:
        channels = self.info.features["image"].shape[-1]
        for key, (entry, image, content) in enumerate(self._folder.pictures(split)):
            example: dict[str, Any] = {"image": _stored(image, content, channels), "filename": entry.path}
            if self._folder.classes:
                example["label"] = entry.label
            yield key, example


def _arrays(images: np.ndarray, labels: np.ndarray) -> Iterator[Any]:
    for key, (image, label) in enumerate(zip(images, labels, strict=True)):
        yield key, {"image": _png(Image.fromarray(image)), "label": int(label)}


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="png")
    return buffer.getvalue()


def _stored(image: Image.Image, content: bytes, channels: int) -> bytes:
    """Keeps a file as it is where it decodes to just these pixels; photos as PNG would take several times the space."""
    opened = Image.open(io.BytesIO(content))
    is_same = opened.mode == image.mode and opened.size == image.size and not opened.has_transparency_data
    is_upright = opened.getexif().get(0x0112, 1) == 1
    if opened.format in ("JPEG", "PNG") and is_same and is_upright and len(image.getbands()) == channels:
        return content
    return _png(image.convert("L" if channels == 1 else "RGB"))
