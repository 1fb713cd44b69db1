"""Codes that a model found by itself, compared with the classes that people gave: a clustering's error."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from gengen.metrics.interval import Estimate, of_share

UNMATCHED = -1
"""The class of a code that is matched with none: there are more codes than classes, and no image has this one."""


def match_codes(codes: np.ndarray, labels: np.ndarray, *, categories: int, classes: int) -> np.ndarray:
    """Matches codes with classes so that as many images as possible have the class of their code.

    As many codes as classes or fewer are matched one to one: the assignment problem on the table of counts, solved
    exactly. Where there are more codes, several may be matched with one class: each has the class that most of its
    images have, the first of those that are equally frequent.

    Args:
      codes: of the images, integers in [0, C), [N].
      labels: their classes, integers in [0, K), [N].
      categories: C.
      classes: K.

    Returns:
      The class of each code [C]; `UNMATCHED` for a code of no image where there are more codes than classes.

    Raises:
      ValueError: a code is not in [0, C), a label is not in [0, K), or there are not as many of one as of the other.
    """
    codes, labels = np.asarray(codes), np.asarray(labels)
    if codes.shape != labels.shape:
        raise ValueError(f"codes {list(codes.shape)} and labels {list(labels.shape)} must be of the same shape")
    for name, values, count in (("codes", codes, categories), ("labels", labels, classes)):
        if values.size and not 0 <= values.min() <= values.max() < count:
            raise ValueError(f"{name} lie in [{values.min()}, {values.max()}] and not in [0, {count})")
    together = codes.astype(np.int64) * classes + labels
    table = np.bincount(together, minlength=categories * classes).reshape(categories, classes)
    if categories > classes:
        return np.where(table.any(1), table.argmax(1), UNMATCHED)
    matched, best = linear_sum_assignment(table, maximize=True)
    match = np.full(categories, UNMATCHED)
    match[matched] = best
    return match


def code_error(
    codes: np.ndarray,
    labels: np.ndarray,
    test_codes: np.ndarray,
    test_labels: np.ndarray,
    classes: int,
    *,
    categories: int | None = None,
) -> Estimate:
    """The share of held-out images whose code is matched with a class that is not theirs.

    Chen et al. 2016, https://arxiv.org/abs/1606.03657, section 7.2, report 5 % for the categorical code of InfoGAN on
    MNIST. Codes are matched on training images, so the error of held-out images is that of a classifier that saw its
    labels no more than for that, and a code that says nothing has the error 1 - 1 / K of a guess. More codes than
    classes make an easier problem, so errors are comparable only among equal C. The match is taken as known; only the
    held-out images vary.

    Args:
      codes: of training images, integers in [0, C), [N].
      labels: classes of these images, integers in [0, K), [N].
      test_codes: of held-out images, integers in [0, C), [M].
      test_labels: classes of these images, integers in [0, K), [M].
      classes: K.
      categories: C; K by default. An image whose code is `UNMATCHED` is wrong.

    Raises:
      ValueError: as `match_codes` does.
    """
    match = match_codes(codes, labels, categories=classes if categories is None else categories, classes=classes)
    wrong = match[np.asarray(test_codes)] != np.asarray(test_labels)
    return of_share(int(np.count_nonzero(wrong)), wrong.size)
