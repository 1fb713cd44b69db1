"""What samples are told to be: the class or the text that a user names, or one after the other."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gengen.core.model import Condition, GenerativeModel
from gengen.core.refusal import Refusal
from gengen.data.labels import only_labelled
from gengen.data.signature import DataSet, Signature
from gengen.data.words import TEXT, numbered, spelled

Conditions = Mapping[str, np.ndarray]
"""What each of n samples is told to be, by the names of a model's conditions.

int32 [n] of a class, float32 [n, size] of numbers, int32 [n, length] of a text.
"""

LABEL = "label"
"""The condition that is the class of the data."""

DOMAIN = "domain"
"""The condition that is one of two domains, of which a model makes pairs of samples."""

COLUMNS = 32
"""The most classes that get a column each in a picture."""

PAIRS = 4
"""Pairs of samples, one of each domain, beside each other."""

NAMED = 20
"""The most classes that a message names."""

ROW = 8
"""Samples of one text, beside each other in a row of a grid."""


def classes_of(model: GenerativeModel) -> int:
    """The number K of classes of the data of which a model's samples can be told to be one; 0 if they cannot."""
    return model.conditions[LABEL].classes if LABEL in model.conditions else 0


def columns_of(model: GenerativeModel, signature: Signature) -> tuple[str, ...]:
    """Titles of the columns of a grid of samples: each class has one, or each domain; () where columns say nothing."""
    if 1 < classes_of(model) <= COLUMNS:
        return signature.classes
    return PAIRS * signature.domains if DOMAIN in model.conditions else ()


def names_of(labels: np.ndarray, names: Sequence[str]) -> list[str]:
    """The names of classes [N] by their numbers; "" where a class is not known."""
    return [names[label] if label >= 0 else "" for label in labels]


def in_turn(model: GenerativeModel, number: int) -> Conditions | None:
    """Tells sample i to be of class i mod K, or one text after the other; None where the model takes neither."""
    classes = classes_of(model)
    label = {LABEL: np.arange(number, dtype=np.int32) % classes} if classes else {}
    return {**label, **texts_in_turn(model, number)} or None


def of_class(model: GenerativeModel, number: int, asked: str, names: Sequence[str]) -> Conditions:
    """Tells all samples to be of the class that `--label` names.

    Args:
      model: the model that will draw them.
      number: of samples.
      asked: name of the class, or its number where no class has that name.
      names: of the classes of the data [K].

    Raises:
      Refusal: the model takes no labels, or there is no such class.
    """
    if not classes_of(model):
        raise Refusal(f"--label={asked}: samples of this run cannot be told their class; leave the flag out.")
    return {LABEL: np.full(number, _class(f"--label={asked}", asked, classes_of(model), names), np.int32)}


def takes_text(model: GenerativeModel) -> bool:
    """Whether a model's samples can be told a text."""
    return TEXT in model.conditions


def of_text(model: GenerativeModel, number: int, asked: str) -> Mapping[str, np.ndarray]:
    """Tells all of n samples the text that `--text` gives.

    Args:
      model: the model that will draw them.
      number: n.
      asked: the text; an empty one says nothing.

    Raises:
      Refusal: the model takes no text, or the text has an unknown word or too many; the sentence lists known words.
    """
    if not takes_text(model):
        raise Refusal(f"--text={asked!r}: samples of this run cannot be told a text; leave the flag out.")
    return {TEXT: told_text(model.conditions[TEXT], number, asked)}


def as_flags_say(
    model: GenerativeModel, number: int, names: Sequence[str], *, label: str | None, text: str | None
) -> Conditions:
    """What n samples are told: what `--label` and `--text` say, and of what they do not, each class or text in turn.

    Raises:
      Refusal: as in `of_class` and `of_text`.
    """
    of_label = of_class(model, number, label, names) if label is not None else {}
    return {**(in_turn(model, number) or {}), **of_label, **(of_text(model, number, text) if text is not None else {})}


def told_text(condition: Condition, number: int, asked: Any) -> np.ndarray:
    """The texts of n examples, int32 [n, length].

    Args:
      condition: what texts there can be.
      number: n.
      asked: a text for all examples, in words or as numbers [length]; or a text for each, [n] or [n, length]. An empty
        text, and numbers that are all 0, say nothing.

    Raises:
      Refusal: a word is unknown, a text is too long, or there are not n of them.
    """
    length, known = condition.length, len(condition.words)
    if isinstance(asked, str):
        asked = [asked] * number
    array = np.asarray(asked)
    if array.dtype.kind == "U" and array.shape == (number,):
        return np.stack([_numbers(text, condition) for text in array.tolist()])
    if array.dtype.kind not in "iu" or array.shape not in ((length,), (number, length)):
        raise Refusal(
            f"the condition {TEXT!r} of {number} examples should be a text, one for each, or numbers of words "
            f"{[number, length]}."
        )
    if (array < 0).any() or (array > known).any():
        raise Refusal(f"the condition {TEXT!r} should be whole numbers from 0 to {known}, one for each known word.")
    return np.broadcast_to(array, (number, length)).astype(np.int32)


def texts_in_turn(model: GenerativeModel, number: int) -> dict[str, np.ndarray]:
    """Tells samples texts of the training data, `ROW` of them the same one; {} where the model takes no texts."""
    if not takes_text(model) or not model.conditions[TEXT].texts:
        return {}
    condition = model.conditions[TEXT]
    known = np.stack([_numbers(text, condition) for text in condition.texts])
    return {TEXT: known[np.arange(number) // ROW % len(known)]}


def rows_of(model: GenerativeModel, condition: Mapping[str, np.ndarray] | None) -> list[str]:
    """Titles of the rows of a grid of samples that were told `texts_in_turn`; [] of any other model."""
    if not condition or TEXT not in condition:
        return []
    return [spelled(numbers, model.conditions[TEXT].words) for numbers in condition[TEXT][::ROW]]


def _numbers(text: str, condition: Condition) -> np.ndarray:
    if not text.strip():
        return np.zeros(condition.length, np.int32)
    return numbered(text, condition.words, condition.length)


def first_of(model: GenerativeModel, number: int, changed: Conditions | None = None) -> Conditions:
    """Tells n examples the first class of each condition, zeros of numbers and no text, but for what is `changed`."""
    first = {
        name: np.zeros((number, size) if size else number, np.float32 if one.size else np.int32)
        for name, one in model.conditions.items()
        for size in [one.size or one.length]
    }
    return {**first, **(changed or {})}


def by_domain(model: GenerativeModel, number: int, condition: Conditions) -> list[Conditions]:
    """What n examples are told to be shown in each domain that a model has; once where it has but one.

    Args:
      model: the model.
      number: n.
      condition: what else they are told.
    """
    domains = model.conditions[DOMAIN].classes if DOMAIN in model.conditions else 0
    if not domains:
        return [condition]
    return [{**condition, DOMAIN: np.full(number, domain, np.int32)} for domain in range(domains)]


def told(model: GenerativeModel, number: int, asked: Mapping[str, Any], names: Sequence[str]) -> dict[str, np.ndarray]:
    """What each of n examples is told, of what a user asks for in Python.

    Args:
      model: the model that is told it.
      number: n.
      asked: by the names of the model's conditions: a class, by its number or the label's name, or the numbers of a
        condition [size], for all examples; or an array of these, [n] or [n, size]; of a text as `told_text` has it.
      names: of the classes of the data [K].

    Raises:
      Refusal: the model has no such condition, there is no such class, or an array is not of n examples.
    """
    return {name: _told(model, number, name, value, names) for name, value in asked.items()}


def _told(model: GenerativeModel, number: int, name: str, value: Any, names: Sequence[str]) -> np.ndarray:
    if name not in model.conditions:
        known = ", ".join(model.conditions) or "nothing"
        raise Refusal(f"samples of this run cannot be told {name!r}; what they can be told: {known}.")
    classes, size = model.conditions[name].classes, model.conditions[name].size
    if model.conditions[name].words:
        return told_text(model.conditions[name], number, value)
    if classes and np.ndim(value) == 0:
        value = _class(f"{name}={value!r}", str(value), classes, names if name == LABEL else ())
    shape, array = (number,) if classes else (number, size), np.asarray(value)
    if array.ndim > len(shape) or (array.ndim == len(shape) and array.shape != shape) or array.dtype.kind not in "iuf":
        raise Refusal(
            f"the condition {name!r} of {number} examples should be numbers {list(shape)} or the same for all."
        )
    if classes and (array.dtype.kind == "f" or (array < 0).any() or (array >= classes).any()):
        raise Refusal(f"the condition {name!r} should be whole numbers from 0 to {classes - 1}.")
    return np.broadcast_to(array, shape).astype(np.int32 if classes else np.float32)


def _class(asked: str, name: str, classes: int, names: Sequence[str]) -> int:
    """The number of a class, by its name, or by its number where no class has that name."""
    if name in names:
        return names.index(name)
    if name.isdecimal() and int(name) < classes:
        return int(name)
    listed = ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")
    raise Refusal(
        f"{asked} is no class; take a number from 0 to {classes - 1}{f' or a name: {listed}' if names else ''}."
    )


def shown_to(model: GenerativeModel, data: DataSet) -> DataSet:
    """What a model can be shown of a data set: where it needs to know each class, images of known classes.

    One line says how many others are left out.

    Raises:
      Refusal: no training image, or no held-out one, is left.
    """
    if not model.supervised or not data.signature.classes:
        return data
    kept = only_labelled(data)
    if kept is data:
        return data
    for split, what in (("train", "training"), ("test", "held-out")):
        if not kept.signature.counts[split]:
            raise Refusal(
                f"this model needs the class of every image, and no {what} image of {data.signature.name} has one; "
                f"choose a model that is not told labels."
            )
    left = ", ".join(
        f"{data.signature.counts[split] - count:,} of {data.signature.counts[split]:,} in {split}"
        for split, count in kept.signature.counts.items()
        if count < data.signature.counts[split]
    )
    print(f"gengen: images without a label are left out, as the model needs it: {left}", file=sys.stderr)
    return kept
