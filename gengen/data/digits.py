"""The embedded data set: the 1,797 real handwritten digits, 8x8, that scikit-learn ships."""

import numpy as np

from gengen.data import splits

CLASSES = tuple("0123456789")

SHARE = 1 / 6
"""The share of each class that is held out where nobody says another one."""


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
