"""Texts as arrays: the numbers of their words in a vocabulary, from 1 on, and zeros where a text has ended."""

import difflib
from collections.abc import Sequence

import numpy as np

from gengen.core.field import Field
from gengen.core.refusal import Refusal

TEXT = "text"
"""The field, and the condition, that is a text: int32 [N, length]."""

TEXTS = 64
"""The most texts of the training split that a signature keeps, to show what a model can be told."""


def text_field(words: Sequence[str], length: int) -> Field:
    """The field of texts of at most `length` words of a vocabulary."""
    return Field((length,), "int32", words=tuple(words))


def numbered(text: str, words: Sequence[str], length: int) -> np.ndarray:
    """The numbers of the words of a text, int32 [length]: word i of the vocabulary is i + 1, and 0 fills the rest.

    Args:
      text: words with spaces between them, in small or large letters; commas and full stops count as spaces.
      words: the vocabulary.
      length: the most words that a text may have.

    Raises:
      Refusal: the text has no word, too many, or one that is not of the vocabulary.
    """
    found = text.lower().replace(",", " ").replace(".", " ").split()
    if not found:
        raise Refusal(f"a text should have a word at least; known words are {', '.join(words)}.")
    for word in found:
        if word not in words:
            near = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise Refusal(f"the text {text!r} has an unknown word, {word!r} ({hint}known words: {', '.join(words)}).")
    if len(found) > length:
        raise Refusal(f"the text {text!r} has {len(found)} words, and there can be {length} at most: shorten it.")
    numbers = np.zeros(length, np.int32)
    numbers[: len(found)] = [words.index(word) + 1 for word in found]
    return numbers


def spelled(numbers: np.ndarray, words: Sequence[str]) -> str:
    """The text whose words have these numbers [length]; "" where nothing is said."""
    return " ".join(words[number - 1] for number in numbers if number > 0)


def some_of(numbers: np.ndarray, words: Sequence[str]) -> tuple[str, ...]:
    """At most `TEXTS` different texts of many [N, length], in their order."""
    distinct, first = np.unique(numbers, axis=0, return_index=True)
    return tuple(spelled(distinct[place], words) for place in np.argsort(first)[:TEXTS])
