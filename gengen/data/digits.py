"""The embedded data set: the 1,797 real handwritten digits, 8x8, that scikit-learn ships."""

import numpy as np

CLASSES = tuple("0123456789")

_EVERY = 6


def read_digits(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Reads a split of the digits: every sixth picture is for testing (299), the others (1,498) are for training.

    Both splits hold digits of the same writers: scikit-learn's file does not say who wrote what.

    Args:
      split: "train" or "test".

    Returns:
      Pictures, uint8 [N, 8, 8] with ink at 255, and labels, uint8 [N].
    """
    from sklearn.datasets import load_digits  # scikit-learn takes a second to import, and only preparation needs it

    digits = load_digits()
    is_test = np.arange(len(digits.target)) % _EVERY == _EVERY - 1
    chosen = is_test if split == "test" else ~is_test
    # The file counts black cells: 0 to 16 in each place.
    pixels = np.rint(digits.images[chosen] * (255 / 16)).astype(np.uint8)
    return pixels, digits.target[chosen].astype(np.uint8)
