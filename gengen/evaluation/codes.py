"""How well the categories that a model found by itself agree with the classes of the data."""

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

from gengen.core.model import GenerativeModel
from gengen.core.state import Variables
from gengen.data.dataset import DataSet
from gengen.data.labels import with_labels
from gengen.evaluation.judge import REFERENCE, pick
from gengen.inference.conditions import LABEL
from gengen.metrics.codes import UNMATCHED, code_error, match_codes
from gengen.metrics.interval import of_share

CHUNK = 256
"""Images that are looked at in one call."""


def judge_codes(model: GenerativeModel, variables: Variables, data: DataSet) -> dict[str, dict[str, Any]]:
    """Matches each of a model's categories with the classes on training images, and counts errors on held-out ones.

    At most `REFERENCE` images of each split are looked at, and none whose class is not known.

    Args:
      model: the model.
      variables: its variables.
      data: what it was trained on.

    Returns:
      For each condition with classes its "error", the sizes "train" and "test", and as "match" the name of the class of
      each code, None where there is none; what a model recognises as the label itself is matched with nothing. Empty
      where the model recognises nothing or the data have no labels.
    """
    if model.recognise is None or not data.signature.classes:
        return {}
    one = jax.ShapeDtypeStruct((1, *data.splits["train"]["data"].shape[1:]), np.float32)
    found = jax.eval_shape(model.recognise, jax.random.key(0), variables, one)
    names = [name for name, condition in model.conditions.items() if condition.classes and name in found]
    if not names:
        return {}
    known = [with_labels(data.splits[split]) for split in ("train", "test")]
    if not all(len(split["label"]) for split in known):
        return {}
    splits = [_split(model, variables, split, names) for split in known]
    return {name: _compared(model.conditions[name].classes, name, splits, data.signature.classes) for name in names}


def sentences_of(codes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Says what `judge_codes` found."""
    for name, found in codes.items():
        value, low, high = (100 * found["error"][end] for end in ("value", "low", "high"))
        matched = "" if name == LABEL else f", matched with the classes on {found['train']:,} training images,"
        yield (
            f"Code {name}{matched} is wrong on "
            f"{value:.1f} % [{low:.1f}, {high:.1f}] of {found['test']:,} held-out images."
        )


def _compared(
    categories: int, name: str, splits: list[tuple[dict[str, np.ndarray], np.ndarray]], classes: tuple[str, ...]
) -> dict[str, Any]:
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


def _split(
    model: GenerativeModel, variables: Variables, split: Mapping[str, np.ndarray], names: list[str]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The most probable categories of some images of a split, by the names of the conditions, and their labels."""
    indices, images = pick(split["data"], REFERENCE)
    recognise = model.recognise
    assert recognise is not None

    @jax.jit
    def look(key: jax.Array, variables: Variables, chunk: jax.Array) -> dict[str, jax.Array]:
        found = recognise(key, variables, chunk)
        return {name: found[name].argmax(-1) for name in names}

    parts = []
    for start in range(0, len(images), CHUNK):
        chunk = images[start : start + CHUNK].astype(np.float32) / np.float32(127.5) - 1
        filled = np.concatenate([chunk, np.zeros((CHUNK - len(chunk), *chunk.shape[1:]), np.float32)])
        found = look(jax.random.fold_in(jax.random.key(0), start), variables, filled)
        parts.append({name: np.asarray(codes)[: len(chunk)] for name, codes in found.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in names}, split["label"][indices]
