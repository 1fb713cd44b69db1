"""What samples are told in words, by a user and by default."""

import jax
import numpy as np
import pytest

from gengen.core.model import Condition, GenerativeModel
from gengen.core.refusal import Refusal
from gengen.inference.conditions import ROW, first_of, in_turn, of_text, rows_of, told
from gengen.models.conditioning import Texts

TEXT = Condition(words=("a", "red", "circle", "square"), length=4, texts=("a red circle", "a square"))
MODEL = GenerativeModel(None, None, conditions={"text": TEXT})


def test_a_text_becomes_the_numbers_of_its_words():
    found = of_text(MODEL, 2, "A red, square.")["text"]
    assert found.dtype == np.int32 and found.tolist() == [[1, 2, 4, 0]] * 2
    assert of_text(MODEL, 2, "")["text"].tolist() == [[0] * 4] * 2
    assert first_of(MODEL, 3)["text"].tolist() == [[0] * 4] * 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a red circel", r"unknown word, 'circel' \(did you mean 'circle'\? known words: a, red, circle, square\)\.$"),
        ("a xyz", r"unknown word, 'xyz' \(known words: a, red, circle, square\)\.$"),
        ("a a a a a", "has 5 words, and there can be 4 at most"),
    ],
)
def test_a_word_that_is_not_known_is_refused_in_a_sentence(text, said):
    with pytest.raises(Refusal, match=said):
        of_text(MODEL, 1, text)


def test_a_model_without_texts_refuses_one():
    with pytest.raises(Refusal, match="--text='a': samples of this run cannot be told a text; leave the flag out"):
        of_text(GenerativeModel(None, None), 1, "a")


def test_texts_are_told_in_python_as_words_or_numbers():
    for asked in ("a square", ["a square"] * 2, [1, 4, 0, 0], np.array([[1, 4, 0, 0]] * 2)):
        assert told(MODEL, 2, {"text": asked}, ())["text"].tolist() == [[1, 4, 0, 0]] * 2
    for asked in (["a square"] * 3, [1.0, 0, 0, 0], [1, 5, 0, 0], [1, -1, 0, 0], [1, 2, 3]):
        with pytest.raises(Refusal, match="the condition 'text'"):
            told(MODEL, 2, {"text": asked}, ())


def test_rows_of_a_grid_are_told_texts_of_the_training_data_in_turn():
    found = in_turn(MODEL, 3 * ROW)
    assert found["text"][:: ROW // 2].tolist() == [[1, 2, 3, 0]] * 2 + [[1, 4, 0, 0]] * 2 + [[1, 2, 3, 0]] * 2
    assert rows_of(MODEL, found) == ["a red circle", "a square", "a red circle"]
    assert in_turn(MODEL._replace(conditions={"text": TEXT._replace(texts=())}), 4) is None


def test_who_is_told_nothing_is_told_a_known_text():
    texts = Texts(TEXT)
    drawn = texts.drawn(jax.random.split(jax.random.key(0), 400))["text"]
    assert drawn.dtype == np.int32 and drawn.shape == (400, 4)
    known, counts = np.unique(drawn, axis=0, return_counts=True)
    assert known.tolist() == [[1, 2, 3, 0], [1, 4, 0, 0]] and counts.min() > 150
    assert (
        Texts(TEXT._replace(texts=())).drawn(jax.random.split(jax.random.key(0), 2))["text"].tolist() == [[0] * 4] * 2
    )
    assert texts.nothing(3)["text"].tolist() == [[0] * 4] * 3
    batch = {"data": np.zeros((1, 2)), "text": np.array([[1, 2, 0, 0]])}
    assert texts.of(None, batch)["text"] is batch["text"] and texts.conditions == {"text": TEXT}
