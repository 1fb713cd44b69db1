"""The table of inputs: `python tests/inputs.py > docs/inputs.md` writes what the tests say that gengen does.

A test of what a user may give has the mark `pytest.mark.input(kind, given, answer, line)`: `kind` is the heading,
`given` the input, `answer` one of `ANSWERS`, `line` what gengen does then. The marks are read from the sources, so the
table holds nothing that no test checks.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent

ANSWERS = {
    "taken": "works as it is",
    "guessed": "works, and one printed line says what was guessed",
    "refused": "one sentence that says what is wrong and what to do, and status 2",
}


def marks() -> Iterator[tuple[str, str, str, str]]:
    """Yields (kind, given, answer, line) of every mark, in the order of files and lines."""
    for file in sorted(TESTS.rglob("*_test.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for decorator in getattr(node, "decorator_list", []):
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.input":
                    kind, given, answer, line = (ast.literal_eval(argument) for argument in decorator.args)
                    yield kind, given, answer, line


def page() -> str:
    """The page that all marks make."""
    kinds = defaultdict(list)
    for kind, *row in marks():
        kinds[kind].append(row)
    lines = ["# What gengen does with what it is given", ""]
    lines += ["Made from the tests by `python tests/inputs.py > docs/inputs.md`: every line is checked by one.", ""]
    lines += [f"- **{answer}**: {meaning}" for answer, meaning in ANSWERS.items()]
    for kind in sorted(kinds):
        lines += ["", f"## {kind}", "", "| given | answer | what gengen does |", "|---|---|---|"]
        lines += [f"| {given} | {answer} | {line} |" for given, answer, line in sorted(kinds[kind])]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
