"""Faces: the 100 grey faces of 25x25 pixels that scikit-image ships, and 100 pieces of what was behind them."""

import numpy as np

from gengen.data import packages, splits

SIDE = 25
"""Height and width of every picture."""

CLASSES = ("face", "other")

_FILE = ("skimage", "data/lfw_subset.npy")
_SHARE = 1 / 4


def read_faces(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Reads a split of the faces: a quarter of each class, by the hash of the pixels, is for testing.

    These are 25 faces and 25 others. Each of the 150 for training is followed by its mirror image, which makes 300;
    so of examples that are set aside (`config.data.held_out`), some have their mirror image among those trained on. The
    pictures come from "Labeled Faces in the Wild", Huang et al. 2007; scikit-image cut and shrank them.

    Args:
      split: "train" or "test".

    Returns:
      Pictures, uint8 [N, 25, 25], and labels, uint8 [N], places in `CLASSES`.
    """
    pictures = np.rint(np.load(packages.path(*_FILE)) * 255).astype(np.uint8)
    labels = np.repeat(np.arange(len(CLASSES), dtype=np.uint8), len(pictures) // len(CLASSES))
    is_test = splits.held_out([picture.tobytes() for picture in pictures], _SHARE, labels)
    if split == "test":
        return pictures[is_test], labels[is_test]
    pictures, labels = pictures[~is_test], labels[~is_test]
    both = np.stack([pictures, pictures[:, :, ::-1]], 1)
    return both.reshape(-1, SIDE, SIDE), labels.repeat(2)
