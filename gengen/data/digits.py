"""The embedded data set: the 1,797 real handwritten digits, 8x8, that scikit-learn ships, and the same made larger."""

import numpy as np

from gengen.data import splits

CLASSES = tuple("0123456789")

SHARE = 1 / 6
"""The share of each class that is held out where nobody says another one."""

SMOOTH_SIDE = 28
"""Height and width of the smooth digits: eight cells of three pixels, and a margin of two, as in MNIST's pictures."""

_CELLS, _FACTOR = 8, 3
_SPREAD, _SLOPE, _ROUNDS = 0.6, 2.5, 30


def read_digits(split: str, rule: str = splits.RULES[0], share: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Reads a split of the digits: a share of each class, by the hash of the pixels, is for testing.

    A sixth are 300 pictures; the other 1,497 are for training. Both splits hold digits of the same writers:
    scikit-learn's file does not say who wrote what.

    Args:
      split: "train" or "test".
      rule: of `splits.RULES`; by "position" every sixth picture is for testing (299), whatever the share.
      share: that is for testing; 0 for a sixth.

    Returns:
      Pictures, uint8 [N, 8, 8] with ink at 255, and labels, uint8 [N].
    """
    from sklearn.datasets import load_digits  # scikit-learn takes a second to import, and only preparation needs it

    digits = load_digits()
    # The file counts black cells: 0 to 16 in each place.
    pixels, labels = np.rint(digits.images * (255 / 16)).astype(np.uint8), digits.target.astype(np.uint8)
    if rule == "position":
        is_test = splits.every(len(labels), 6, first=5)
    else:
        is_test = splits.held_out([image.tobytes() for image in pixels], share or SHARE, labels)
    chosen = is_test if split == "test" else ~is_test
    return pixels[chosen], labels[chosen]


def read_smooth(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Reads a split of the digits, as `read_digits` draws it, at 28x28 and with smooth strokes.

    Returns:
      Pictures, uint8 [N, 28, 28] with ink at 255, and labels, uint8 [N].
    """
    pictures, labels = read_digits(split)
    return smooth(pictures), labels


def smooth(pictures: np.ndarray) -> np.ndarray:
    """Enlarges digits to strokes with clear edges, which hold in each cell nearly the ink that was counted there.

    A cell of the file is the share of ink in 4x4 pixels of a scan in black and white, so interpolation blurs what had
    edges. Here a map z [24, 24] becomes ink clip(2.5 (z - 1/2) + 1/2, 0, 1). It begins as the linear interpolation of
    the cells, and 30 times what its ink lacks in each cell is interpolated and added, and z is blurred by a Gaussian of
    0.6 pixels: iterative back-projection, Irani and Peleg 1991, https://doi.org/10.1016/1049-9652(91)90045-L. In the
    mean a cell then has 0.02 more or less ink than was counted. Nothing is learnt, and no picture sees another.

    Args:
      pictures: uint8 [N, 8, 8] with ink at 255.

    Returns:
      uint8 [N, 28, 28].
    """
    wanted, side = pictures / 255, _CELLS * _FACTOR
    apart = np.abs((np.arange(side) + 0.5)[:, None] / _FACTOR - (np.arange(_CELLS) + 0.5))
    enlarge = np.maximum(0, 1 - apart)
    blur = np.exp(-np.square(np.subtract.outer(np.arange(side), np.arange(side)) / _SPREAD) / 2)
    blur /= blur.sum(1).max()
    found = enlarge @ wanted @ enlarge.T
    for _ in range(_ROUNDS):
        lacking = wanted - _ink(found).reshape(-1, _CELLS, _FACTOR, _CELLS, _FACTOR).mean((2, 4))
        found = blur @ (found + enlarge @ lacking @ enlarge.T) @ blur.T
    margin = (SMOOTH_SIDE - side) // 2
    return np.pad(np.rint(_ink(found) * 255).astype(np.uint8), ((0, 0), (margin, margin), (margin, margin)))


def _ink(found: np.ndarray) -> np.ndarray:
    ink: np.ndarray = np.clip(_SLOPE * (found - 0.5) + 0.5, 0, 1)
    return ink
