"""docs/inputs.md is what the marks of the tests make."""

import runpy
from pathlib import Path

INPUTS = runpy.run_path(str(Path(__file__).with_name("inputs.py")))


def test_the_page_is_what_the_tests_say():
    page = Path(__file__).parent.parent / "docs" / "inputs.md"
    assert page.read_text(encoding="utf-8") == INPUTS["page"](), "python tests/inputs.py > docs/inputs.md"


def test_every_answer_is_known_and_no_input_stands_twice():
    marks = list(INPUTS["marks"]())
    assert {answer for _, _, answer, _ in marks} <= INPUTS["ANSWERS"].keys()
    assert len({(kind, given) for kind, given, _, _ in marks}) == len(marks)
    assert not [mark for mark in marks for text in mark if "|" in text or "\n" in text]
