"""Photographs: pieces cut at random out of the few colour photographs that scikit-learn and scikit-image ship."""

import numpy as np
from PIL import Image

from gengen.data import packages
from gengen.data.random_numbers import uniform

SIDE = 64
"""Height and width of every piece."""

COUNTS = {"train": 4000, "test": 500}
"""Pieces of each split, as many of each photograph."""

PHOTOGRAPHS = (
    ("sklearn", "datasets/images/china.jpg"),
    ("sklearn", "datasets/images/flower.jpg"),
    ("skimage", "data/astronaut.png"),
    ("skimage", "data/chelsea.png"),
    ("skimage", "data/coffee.png"),
    ("skimage", "data/motorcycle_left.png"),
    ("skimage", "data/rocket.jpg"),
)
"""The package and the file of each photograph. The right one of the two motorcycles shows what the left one does, and
would bring pictures for testing into training."""

SIDES = (64, 112)
"""Smallest and largest side of a piece in its photograph, in pixels: the largest fits into every part for testing."""

_TRAINING = 0.75


def read_photographs(split: str, count: int | None = None) -> np.ndarray:
    """Cuts the pieces of a split: they follow from their places alone, and a smaller count has the first ones.

    Pieces for testing come from the right-hand quarter of every photograph and those for training from the rest, so
    that no pixel is in both; all sizes from 64 to 112 pixels are as likely in both. Those for testing are plainer, as
    photographers put what matters elsewhere. Each piece is brought to 64x64 with Pillow's bicubic filter.

    Args:
      split: "train" or "test".
      count: how many to cut; `COUNTS[split]` by default.

    Returns:
      uint8 [N, 64, 64, 3].
    """
    count = COUNTS[split] if count is None else count
    photographs = [_read(package, file) for package, file in PHOTOGRAPHS]
    drawn = uniform(f"photos {split}", count, 3)
    pieces = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for place, numbers in enumerate(drawn):
        photograph = photographs[place % len(photographs)]
        piece = photograph.crop(box(photograph.size, split, numbers))
        pieces[place] = np.asarray(piece.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    return pieces


def box(size: tuple[int, int], split: str, numbers: np.ndarray) -> tuple[int, int, int, int]:
    """Says where a piece is cut.

    Args:
      size: (width, height) of the photograph, in pixels.
      split: "train" or "test".
      numbers: three numbers in [0, 1), which choose the side, the column and the row.

    Returns:
      (left, top, right, bottom), the last two not included.
    """
    edge = int(size[0] * _TRAINING)
    first, last = (0, edge) if split == "train" else (edge, size[0])
    side = SIDES[0] + int(numbers[0] * (SIDES[1] - SIDES[0] + 1))
    left = first + int(numbers[1] * (last - first - side + 1))
    top = int(numbers[2] * (size[1] - side + 1))
    return left, top, left + side, top + side


def _read(package: str, file: str) -> Image.Image:
    with Image.open(packages.path(package, file)) as opened:
        return opened.convert("RGB")
