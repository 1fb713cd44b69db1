"""gengen's own TFDS builders: none needs TensorFlow, all store PNG (or the user's own files) in file order."""

import io
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from gengen.data import digits, facades, faces, fetch, glyphs, idx, photographs, usps
from gengen.data.image_folder import Folder
from gengen.data.listing import say
from gengen.data.raw import Found, Place
from gengen.data.splits import VERSION, VERSIONS


class PictureBuilder(tfds.core.GeneratorBasedBuilder):
    """What the builders share: one picture, its class if there are classes, its file name if it comes from a file.

    Names begin with `gengen_`, so that a folder never mixes these records with those of a TFDS builder of the same
    name. TFDS notes every builder class in a registry of its own; gengen does not use it (see `sources.BUILDERS`).
    """

    VERSION = tfds.core.Version(VERSION)

    def __init__(self, *, version: str = VERSION, **kwargs: Any) -> None:
        self.VERSION = tfds.core.Version(version)  # of those that a class supports, TFDS would only make the newest
        super().__init__(**kwargs)

    def _describe(
        self,
        description: str,
        shape: tuple[int | None, int | None, int],
        classes: Sequence[str] = (),
        homepage: str | None = None,
        named: bool = False,
        paired: bool = False,
        metadata: Mapping[str, Any] | None = None,
    ) -> Any:
        picture = tfds.features.Image(shape=shape, encoding_format="png")
        features: dict[str, Any] = {"image": picture}
        if paired:
            features["paired"] = picture
        if classes:
            features["label"] = tfds.features.ClassLabel(names=list(classes))
        if named:
            features["filename"] = tfds.features.Text()
        return tfds.core.DatasetInfo(
            builder=self,
            description=description,
            features=tfds.features.FeaturesDict(features),
            homepage=homepage,
            metadata=tfds.core.MetadataDict(metadata) if metadata else None,
            disable_shuffling=True,  # the pipeline shuffles; here the order of the raw files can be checked
        )


class OwnBuilder(PictureBuilder):
    """A data set that is drawn, shipped by a package, downloaded, or taken from the user's folder of raw files.

    Raw files of each content are a config of its own, named by their digest, wherever they lie.
    """

    def __init__(self, *, found: Found, share: float = 0.0, **kwargs: Any) -> None:
        self._found, self._share = found, share
        super().__init__(config=tfds.core.BuilderConfig(name=found.digest) if found.digest else None, **kwargs)

    def _find(self, dataset: str, checksums: Mapping[str, str | None], mirrors: Sequence[str]) -> dict[str, Place]:
        root = pathlib.Path(self._data_dir_root)
        return fetch.find(dataset, checksums, mirrors=mirrors, given=self._found.files, data_dir=root)

    def _generate_examples(self) -> Iterator[Any]:
        raise NotImplementedError  # abstract in TFDS; `_split_generators` hands out the iterators itself


class Embedded(OwnBuilder):
    """A data set that is drawn, or shipped by a package."""

    summary = ""
    shape: tuple[int, int, int]
    classes: tuple[str, ...] = ()
    _read: Callable[..., tuple[np.ndarray, ...]]

    def _info(self) -> Any:
        return self._describe(self.summary, self.shape, self.classes)

    def _split_generators(self, dl_manager: Any) -> Mapping[str, Iterator[Any]]:
        return {split: _arrays(*self._read(split)) for split in ("train", "test")}


class Digits(Embedded):
    """scikit-learn's handwritten digits, whose split has a rule to choose."""

    name, summary = "gengen_digits", "1,797 real handwritten digits, 8x8, as shipped by scikit-learn."
    shape, classes = (8, 8, 1), digits.CLASSES

    def _read(self, split: str) -> tuple[np.ndarray, ...]:
        (rule,) = (rule for rule, version in VERSIONS.items() if self.version == version)
        return digits.read_digits(split, rule, self._share)


class DigitsSmooth(Embedded):
    """scikit-learn's handwritten digits, larger."""

    name, summary = "gengen_digits_smooth", "The digits that scikit-learn ships, at 28x28 with smooth strokes."
    shape, classes = (digits.SMOOTH_SIDE, digits.SMOOTH_SIDE, 1), digits.CLASSES
    _read = staticmethod(digits.read_smooth)


class Glyphs(Embedded):
    """Digits drawn in matplotlib's fonts."""

    name, summary = "gengen_glyphs", "Printed digits in the fonts that matplotlib ships, 32x32, under affine maps."
    shape, classes = (glyphs.SIDE, glyphs.SIDE, 1), glyphs.CLASSES
    _read = staticmethod(glyphs.read_glyphs)


class GlyphsVaried(Embedded):
    """Digits drawn in matplotlib's fonts, of more slants, widths and weights."""

    name, summary = "gengen_glyphs_varied", "Printed digits of many slants, widths and weights, 28x28."
    shape, classes = (glyphs.VARIED.side, glyphs.VARIED.side, 1), glyphs.CLASSES
    _read = staticmethod(glyphs.read_varied)


class Faces(Embedded):
    """Faces and what was behind them."""

    name, summary = "gengen_faces", "100 grey faces and 100 other pictures, 25x25, as shipped by scikit-image."
    shape, classes = (faces.SIDE, faces.SIDE, 1), faces.CLASSES
    _read = staticmethod(faces.read_faces)


class Photographs(Embedded):
    """Pieces of photographs that packages ship."""

    name, summary = "gengen_photographs", "Pieces of the colour photographs that packages ship, 64x64."
    shape = (photographs.SIDE, photographs.SIDE, 3)
    _read = staticmethod(lambda split: (photographs.read_photographs(split),))


class IdxBuilder(OwnBuilder):
    """A data set in the idx format."""

    source = ""

    def _info(self) -> Any:
        idx_set = idx.IDX_SETS[self.source]
        return self._describe(idx_set.description, (idx.SIDE, idx.SIDE, 1), idx_set.classes, idx_set.homepage)

    def _split_generators(self, dl_manager: Any) -> Mapping[str, Iterator[Any]]:
        idx_set = idx.IDX_SETS[self.source]
        files = self._find(self.source, idx_set.checksums, idx_set.mirrors)
        return {split: _arrays(*idx.read_split(files, split, idx_set)) for split in ("train", "test")}


class Mnist(IdxBuilder):
    """Handwritten digits."""

    name, source = "gengen_mnist", "mnist"


class FashionMnist(IdxBuilder):
    """Garments."""

    name, source = "gengen_fashion_mnist", "fashion_mnist"


class Kmnist(IdxBuilder):
    """Cursive Japanese characters."""

    name, source = "gengen_kmnist", "kmnist"


class Usps(OwnBuilder):
    """Handwritten digits from envelopes, with the official splits."""

    name = "gengen_usps"

    def _info(self) -> Any:
        return self._describe(
            "9,298 handwritten digits from envelopes, 16x16 (Le Cun et al., 1989).",
            (usps.SIDE, usps.SIDE, 1),
            usps.CLASSES,
            usps.HOMEPAGE,
        )

    def _split_generators(self, dl_manager: Any) -> Mapping[str, Iterator[Any]]:
        files = self._find("usps", dict.fromkeys(usps.FILES.values()), usps.MIRRORS)
        return {split: _arrays(*arrays) for split, arrays in self._chosen(usps.read_splits(files)).items()}

    def _chosen(self, splits: usps.Arrays) -> usps.Arrays:
        return splits


class UspsPooled(Usps):
    """The same digits, with splits drawn anew."""

    name = "gengen_usps_pooled"

    def _chosen(self, splits: usps.Arrays) -> usps.Arrays:
        return usps.pooled(splits)


class Facades(OwnBuilder):
    """Photographs of house fronts, paired with maps of their parts."""

    name = "gengen_facades"

    def _info(self) -> Any:
        description = "506 photographs of house fronts with maps of their parts, 256x256 (Isola et al., 2017)."
        return self._describe(description, (facades.SIDE, facades.SIDE, 3), homepage=facades.HOMEPAGE, paired=True)

    def _split_generators(self, dl_manager: Any) -> Mapping[str, Iterator[Any]]:
        archive = self._find("facades", {facades.FILE: None}, facades.MIRRORS)[facades.FILE]
        return {split: _pairs(archive, split, files) for split, files in facades.read_pairs(archive).items()}


OWN: Mapping[str, type[OwnBuilder]] = {
    "digits": Digits,
    "digits_smooth": DigitsSmooth,
    "glyphs": Glyphs,
    "glyphs_varied": GlyphsVaried,
    "faces": Faces,
    "photographs": Photographs,
    "mnist": Mnist,
    "fashion_mnist": FashionMnist,
    "kmnist": Kmnist,
    "usps": Usps,
    "usps_pooled": UspsPooled,
    "facades": Facades,
}
"""Builders by `config.data.name`; the user's own pictures have another one."""


class ImageFolder(PictureBuilder):
    """The user's own pictures; each state of the folder is a config of its own, named by the digest of the listing."""

    name = "gengen_image_folder"

    def __init__(self, *, folder: Folder, **kwargs: Any) -> None:
        self._folder = folder
        super().__init__(config=tfds.core.BuilderConfig(name=folder.digest), **kwargs)

    def _info(self) -> Any:
        survey = self._folder.survey()
        for line in survey.lines:
            say(line)
        self._range = survey.values
        return self._describe(
            "The user's own pictures.",
            (None, None, survey.channels),
            self._folder.classes,
            named=True,
            metadata={"range": survey.values} if survey.values else None,
        )

    def _split_generators(self, dl_manager: Any) -> Mapping[str, Iterator[Any]]:
        return {split: self._generate_examples(split) for split in ("train", "test")}

    def _generate_examples(self, split: str) -> Iterator[Any]:
        channels = self.info.features["image"].shape[-1]
        for key, (entry, image, content) in enumerate(self._folder.pictures(split, self._range)):
            example: dict[str, Any] = {"image": _stored(image, content, channels), "filename": entry.file.path}
            if self._folder.classes:
                example["label"] = entry.label
            yield key, example


def _arrays(images: np.ndarray, labels: np.ndarray | None = None) -> Iterator[Any]:
    for key, image in enumerate(images):
        label = {} if labels is None else {"label": int(labels[key])}
        yield key, {"image": _png(Image.fromarray(image)), **label}


def _pairs(archive: Place, split: str, files: Sequence[bytes]) -> Iterator[Any]:
    for key, content in enumerate(files):
        halves = facades.read_halves(content, f"file {key + 1} of {split} in {archive}")
        image, paired = (_png(Image.fromarray(half), effort=1) for half in halves)
        yield key, {"image": image, "paired": paired}


def _png(image: Image.Image, effort: int = 6) -> bytes:
    """Writes a picture as PNG; with an effort of 1 instead of 9, zlib is quicker and the file larger."""
    buffer = io.BytesIO()
    image.save(buffer, format="png", compress_level=effort)
    return buffer.getvalue()


def _stored(image: Image.Image, content: bytes, channels: int) -> bytes:
    """Keeps a file as it is where it decodes to just these pixels; photos as PNG would take several times the space."""
    opened = Image.open(io.BytesIO(content))
    is_same = opened.mode == image.mode and opened.size == image.size and not opened.has_transparency_data
    is_upright = opened.getexif().get(0x0112, 1) == 1
    if opened.format in ("JPEG", "PNG") and is_same and is_upright and len(image.getbands()) == channels:
        return content
    return _png(image.convert("L" if channels == 1 else "RGB"))
