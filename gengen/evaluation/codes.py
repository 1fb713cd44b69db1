"""How well the categories that a model found by itself agree with the classes of the data."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gengen.data.labels import with_labels
from gengen.evaluation.judging import REFERENCE, Section, Subject, pick
from gengen.evaluation.recognition import classes_named, recognised
from gengen.inference.conditions import LABEL
from gengen.metrics.codes import UNMATCHED, code_error, match_codes
from gengen.metrics.interval import of_share

Named = tuple[Mapping[str, np.ndarray], np.ndarray]
"""The most probable categories of examples [N], by the names of the conditions, and their labels [N]."""


def codes(subject: Subject) -> Section | None:
    """Matches each of a model's categories with the classes on training examples, and counts errors on held-out ones.

    At most `REFERENCE` examples of each split are looked at, and none whose class is not known.

    Returns:
      For each condition with classes its "error", the sizes "train" and "test", and as "match" the name of the class of
      each code, None where there is none; what a model recognises as the label itself is matched with nothing. None
      where the model recognises nothing that it can be told, or the data have no labels.
    """
    run, data = subject.run, subject.data
    found = recognised(run) if data.signature.classes else frozenset()
    names = [name for name, condition in run.model.conditions.items() if condition.classes and name in found]
    known = [with_labels(data.splits[split]) for split in ("train", "test")]
    if not names or not all(len(split["label"]) for split in known):
        return None
    splits: list[Named] = []
    for split, asked in zip(known, ([name for name in names if name != LABEL], names), strict=True):
        indices, examples = pick(split["data"], REFERENCE)
        found_in = classes_named(run, data.signature.units, asked)(examples) if asked else {}
        splits.append((found_in, split["label"][indices]))
    return Section(
        {name: _compared(run.model.conditions[name].classes, name, splits, data.signature.classes) for name in names}
    )


def _compared(categories: int, name: str, splits: list[Named], classes: tuple[str, ...]) -> dict[str, Any]:
    (train, labels), (test, test_labels) = splits
    if name == LABEL:
        match = np.arange(categories)
        error = of_share(int((test[name] != test_labels).sum()), len(test_labels))
    else:
        match = match_codes(train[name], labels, categories=categories, classes=len(classes))
        error = code_error(train[name], labels, test[name], test_labels, len(classes), categories=categories)
    return {
        "error": error._asdict(),
        "train": len(labels),
        "test": len(test_labels),
        "match": [None if index == UNMATCHED else classes[index] for index in match],
    }
