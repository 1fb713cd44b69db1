"""Sums of pictures as they are written down."""

import pytest

from gengen.core.refusal import Refusal
from gengen.inference.formula import Term, parsed

pytestmark = pytest.mark.quick

NAMES = ("7", "no hat", "a-b", "a", "a-b+c", "é, ö", "label:a")


@pytest.mark.parametrize(
    ("formula", "terms"),
    [
        ("0,1,2-3,4,5+6", [Term(1, (0, 1, 2)), Term(-1, (3, 4, 5)), Term(1, (6,))]),
        (" 10 , 2 - 3 ", [Term(1, (10, 2)), Term(-1, (3,))]),
        ("label:7-label:1+label:3", [Term(1, label=0), Term(-1, label=1), Term(1, label=3)]),
        ("label:a-b-label:a-3", [Term(1, label=2), Term(-1, label=3), Term(-1, (3,))]),
        ("label:a-b+c", [Term(1, label=4)]),
        ("label:é, ö + label:no hat-5", [Term(1, label=5), Term(1, label=1), Term(-1, (5,))]),
        ("label:label:a", [Term(1, label=6)]),
    ],
)
def test_a_sum_is_terms_with_signs_and_the_longest_name_that_fits_is_meant(formula, terms):
    assert parsed(formula, NAMES) == terms


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("", "a part is missing"),
        ("1-", "a part is missing"),
        ("-1", "'-1' begins with neither a number nor label:"),
        ("1--2", "begins with neither"),
        ("1 2", "there should be [+] or - before '2'"),
        ("1,", "there should be [+] or - before ','"),
        ("a", "begins with neither"),
        ("label:b", "'b' does not begin with a class of the data; the classes are 7, no hat"),
        ("label:8", "does not begin with a class"),
        ("label:7x", "does not begin with a class"),
        ("1²", "there should be"),
    ],
)
def test_what_is_no_sum_is_one_sentence_that_says_where(formula, words):
    with pytest.raises(Refusal, match=words):
        parsed(formula, NAMES)
