"""Which examples of a data set without a split for testing are held out for one."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gengen.core.refusal import Refusal

RULES = ("hash", "position")
"""How a split is drawn: by what the examples are, or as versions before 0.2 did, every so-and-so-many-th of them."""

OWN = "own"
"""What stands for a rule where a data set has splits of its own."""

VERSION = "1.0.0"
"""Version of gengen's builders: a change of what they yield must change it, or old caches stay in use."""

VERSIONS = {"hash": "1.1.0", "position": VERSION}
"""Versions of the builders that draw a split for testing, by rule."""


SHARE = 0.1
"""The share that is held out where nobody says another one."""

LARGEST_SHARE = 0.9
"""The largest one that is asked for: a model has to be trained on something."""


def refuse_share(name: str, share: float) -> None:
    """Refuses a share for data with a split for testing of their own; 0 asks for none.

    Raises:
      Refusal: there is one.
    """
    if share:
        raise Refusal(
            f"--config.data.test_share={share:g} says how many examples gengen holds out of data without a split for "
            f"testing, and {name} has its own: leave it 0."
        )


def held_out(keys: Sequence[bytes], share: float, classes: Sequence[Any] | np.ndarray | None = None) -> np.ndarray:
    """Which examples are for testing: a share of each class, by the hash of what each example is.

    Names and files are often in an order that means something (frames of a film, black and white in turn), so a place
    in that order must not decide. Within each class the examples whose key has the smallest SHA-256 are held out. With
    n examples of a class its part is `share` n, cut to a whole number; what that leaves of `share` N, rounded, goes to
    the classes of the largest remainders. Every class keeps an example for training, and if there are two examples or
    more, one at least is for testing.

    Args:
      keys: what each example is, such as its path or its pixels [N].
      share: of the examples that are for testing, in (0, 1).
      classes: class of each example [N]; None where there are none.

    Returns:
      bool [N].

    Raises:
      ValueError: the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"share={share} must lie between 0 and 1")
    labels = np.zeros(len(keys), np.int64) if classes is None else np.asarray(classes)
    _, groups, counts = np.unique(labels, return_inverse=True, return_counts=True)
    wanted = _parts(counts, share)
    digests = [hashlib.sha256(key).digest() for key in keys]
    chosen = np.zeros(len(keys), bool)
    taken = np.zeros(len(counts), np.int64)
    for place in sorted(range(len(keys)), key=lambda place: (digests[place], place)):
        group = groups[place]
        if taken[group] < wanted[group]:
            chosen[place] = True
            taken[group] += 1
    return chosen


def every(count: int, period: int, first: int = 0) -> np.ndarray:
    """Which examples are for testing by the rule "position": every `period`-th, bool [count]."""
    is_test: np.ndarray = np.arange(count) % period == first
    return is_test


def rule_of(signature: Mapping[str, Any]) -> str:
    """The rule by which the data of a run were split, from its data.json; older versions knew "position" alone."""
    parts = [signature, *filter(None, [signature.get("second")])]
    return "position" if any(part.get("split", "position") == "position" for part in parts) else RULES[0]


def _parts(counts: np.ndarray, share: float) -> np.ndarray:
    """How many of each class are held out, by the largest remainders."""
    exact = counts * share
    parts: np.ndarray = np.minimum(exact.astype(np.int64), counts - 1)
    total = max(round(counts.sum() * share), min(1, int((counts - 1).sum())))
    for group in np.argsort(parts - exact, kind="stable"):
        if parts.sum() < total and parts[group] < counts[group] - 1:
            parts[group] += 1
    return parts
