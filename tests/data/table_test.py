"""A CSV file is numbers with or without names, and a column of classes where one is named so."""

import pathlib

import numpy as np
import pytest

from gengen.core.refusal import Refusal
from gengen.data.table import read_table


def written(tmp_path: pathlib.Path, content: str | bytes) -> pathlib.Path:
    path = tmp_path / "own.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.input("Arrays", "a CSV file with or without a line of names", "guessed", "names are above numbers")
@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("1,2\n3,4\n", ()),
        ("a,b\n1,2\n3,4\n", ("a", "b")),
        ("2019,b\n1,2\n3,4\n", ("2019", "b")),  # a year may be a name
        ("\ufeffa;b\r\n1;2\r\n\r\n 3 ; 4e0 \r\n", ("a", "b")),  # as Excel writes it
        ('"a"\t"b"\n1\t2\n3\t4', ("a", "b")),
    ],
)
def test_numbers_with_and_without_names(tmp_path: pathlib.Path, content: str, names: tuple[str, ...]) -> None:
    table = read_table(written(tmp_path, content))
    assert table.names == names and table.classes is None
    np.testing.assert_array_equal(table.numbers, [[1, 2], [3, 4]])


@pytest.mark.input(
    "Arrays",
    "a column named label, class, target or y, in any case",
    "guessed",
    "holds classes where it has text or whole numbers, and numbers to train on otherwise",
)
@pytest.mark.parametrize(
    ("content", "label", "classes"),
    [
        ("x,Class\n1,cat\n3,dog", "Class", ["cat", "dog"]),
        ("target,x\n1.0,1\n0.0,3", "target", [1, 0]),
        ("x,y\n1,7\n3,7", "y", [7, 7]),
        ("LABEL,x\n1.5 l,1\n2,3", "LABEL", ["1.5 l", "2"]),
        ("x,y\n1,0.5\n3,7", "", None),
    ],
)
def test_a_column_may_hold_classes(tmp_path: pathlib.Path, content: str, label: str, classes: list | None) -> None:
    table = read_table(written(tmp_path, content))
    assert table.label == label
    assert (table.classes is None and classes is None) or table.classes.tolist() == classes
    assert table.numbers[:, 0].tolist() == [1, 3] and table.numbers.shape[1] == 2 - bool(label)
    assert len(table.names) == table.numbers.shape[1]


@pytest.mark.input(
    "Arrays",
    "a CSV file with a cell that is empty, text, NaN or infinite, or with ragged rows",
    "refused",
    "names the line and the column",
)
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "holds no rows of numbers"),
        ("a,b\n", "holds no rows of numbers"),
        ("a,b\n1,2\n3\n", "line 3, has 1 cells, and others have 2"),
        ("1,2\n3,4,5\n", "line 2, has 3 cells, and others have 2"),
        ("a,b\n1,2\n\n3,\n", "line 4, has nothing in column b"),
        ("a,kind\n1,red\n2,blue\n", "line 2, has red in column kind, which is no number: .* name it label"),
        ("1,red\n2,blue\n", "line 1, has red in column 2, which is no number"),
        ("a,b\n1,nan\n", "line 2, has nan in column b: remove the row"),
        ("1,2\n3,-inf\n", "line 2, has -inf in column 2"),
        ("label,class,x\na,b,1\nc,d,2\n", "several columns of classes, label and class"),
        ("label\na\nb\n", "holds classes, and no column of numbers"),
        (b"a,b\n1,\xff\n", "cannot be read as a CSV file in UTF-8"),
        (b'a,b\n"1,2\n', "cannot be read as a CSV file in UTF-8"),
        (b"a,b\n1,\0\n", "has .* in column b, which is no number"),
    ],
)
def test_what_is_no_table_is_one_sentence(tmp_path: pathlib.Path, content: str | bytes, sentence: str) -> None:
    with pytest.raises(Refusal, match=sentence) as caught:
        read_table(written(tmp_path, content))
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
