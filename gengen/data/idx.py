"""The idx data sets: MNIST and the two that were made to take its place, with the format that all three share."""

import math
import struct
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from gengen.core.refusal import Refusal
from gengen.data import raw

SIDE = 28
"""Height and width of every picture."""

COUNTS = {"train": 60_000, "test": 10_000}
"""Examples of each split, the published one."""

_STEMS = {"train": "train", "test": "t10k"}


class IdxSet(NamedTuple):
    """Where one idx data set is published, and what its classes are called."""

    description: str
    homepage: str
    mirrors: tuple[str, ...]
    checksums: Mapping[str, str]  # SHA-256 of each packed file, as TFDS publishes them
    contents: Mapping[str, str]  # SHA-256 of what each unpacks to; nobody has published those of kmnist
    classes: tuple[str, ...]
    counts: Mapping[str, int] = COUNTS


IDX_SETS = {
    "mnist": IdxSet(
        description="70,000 handwritten digits, 28x28 (LeCun, Cortes and Burges).",
        homepage="http://yann.lecun.com/exdb/mnist/",
        mirrors=(
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
        ),
        checksums={
            "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
        contents={
            "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
        classes=tuple("0123456789"),
    ),
    "fashion_mnist": IdxSet(
        description="70,000 pictures of garments, 28x28 (Xiao, Rasul and Vollgraf, 2017).",
        homepage="https://github.com/zalandoresearch/fashion-mnist",
        mirrors=(
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        checksums={
            "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
        contents={
            "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
    ),
    "kmnist": IdxSet(
        description="70,000 cursive Japanese characters, 28x28 (Clanuwat et al., 2018).",
        homepage="https://github.com/rois-codh/kmnist",
        mirrors=(
            "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "https://storage.googleapis.com/kuzushiji-mnist/",
        ),
        checksums={
            "train-images-idx3-ubyte.gz": "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            "train-labels-idx1-ubyte.gz": "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "t10k-images-idx3-ubyte.gz": "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "t10k-labels-idx1-ubyte.gz": "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        },
        contents={},
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    ),
}


def raw_set(name: str) -> raw.RawSet:
    """What the raw files of one of `IDX_SETS` are known by: their headers say which file has the form of which."""
    idx_set = IDX_SETS[name]
    shapes: dict[tuple[int, ...], str] = {}
    for split, stem in _STEMS.items():
        shapes[(idx_set.counts[split], SIDE, SIDE)] = f"{stem}-images-idx3-ubyte.gz"
        shapes[(idx_set.counts[split],)] = f"{stem}-labels-idx1-ubyte.gz"

    def form(place: raw.Place) -> str | None:
        return shapes.get(_stated(raw.head(place, 16)) or ()) if place.is_file() else None

    published = {**idx_set.checksums, **idx_set.contents}
    return raw.RawSet(name, published, idx_set.checksums, form, bool(idx_set.contents), raw.digest)


def read_split(files: Mapping[str, raw.Place], split: str, idx_set: IdxSet) -> tuple[np.ndarray, np.ndarray]:
    """Reads the pictures and labels of a split.

    Args:
      files: path of each file, by its packed name.
      split: "train" or "test".
      idx_set: the data set that the files belong to.

    Returns:
      Pictures, uint8 [N, 28, 28], and labels, uint8 [N].

    Raises:
      Refusal: a file is damaged, or holds something else than this split.
    """
    count, stem = idx_set.counts[split], _STEMS[split]
    images = read_idx(files[f"{stem}-images-idx3-ubyte.gz"], (count, SIDE, SIDE))
    labels_path = files[f"{stem}-labels-idx1-ubyte.gz"]
    labels = read_idx(labels_path, (count,))
    if labels.max() >= len(idx_set.classes):
        raise Refusal(f"{labels_path} holds label {labels.max()}, but there are {len(idx_set.classes)} classes.")
    return images, labels


def read_idx(path: raw.Place, shape: tuple[int, ...]) -> np.ndarray:
    """Reads an array of bytes in the idx format, packed or not.

    The format: two zero bytes, the type (8 is uint8), the rank, each dimension as a big-endian int32, the values.

    Args:
      path: the file.
      shape: the shape that it must have.

    Returns:
      uint8 array of that shape.

    Raises:
      Refusal: the file cannot be unpacked, is no idx file of bytes, or has another shape or length.
    """
    content = raw.unpacked(path)
    stated = _stated(content)
    if stated is None:
        raise Refusal(f"{path} is not an idx file of bytes: its header is wrong.")
    if stated != shape:
        raise Refusal(f"{path} should hold an array of shape {shape}, but its header states {stated}.")
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape))
    if values.size != math.prod(shape):
        raise Refusal(f"{path} should hold {math.prod(shape)} values, but holds {values.size}: it was cut or damaged.")
    return values.reshape(shape)


def _stated(content: bytes) -> tuple[int, ...] | None:
    """The shape that a header states; None if there is no header of bytes."""
    if len(content) < 4 or content[:3] != b"\0\0\x08" or len(content) < 4 + 4 * content[3]:
        return None
    return struct.unpack(f">{content[3]}i", content[4 : 4 + 4 * content[3]])
