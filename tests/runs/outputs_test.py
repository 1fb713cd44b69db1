"""Which files a task writes, and what is refused before it works."""

from pathlib import Path

import pytest

from gengen.core.refusal import Refusal
from gengen.runs.outputs import output_files


@pytest.mark.parametrize(
    ("given", "stem"), [(None, "run/scores"), ("a.json", "a"), ("a.png", "a"), ("a", "a"), ("b/v1.5", "b/v1.5")]
)
def test_every_ending_gets_a_file_of_one_name(tmp_path, given, stem):
    output = tmp_path / given if given else None
    found = output_files(output, tmp_path / "run" / "scores.json", ".json", ".png")
    assert found == [tmp_path / f"{stem}.json", tmp_path / f"{stem}.png"]
    assert found[0].parent.is_dir()


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(Refusal, match="is a folder; name the file"):
        output_files(tmp_path, tmp_path / "x.json", ".json")
    with pytest.raises(Refusal, match=r"a.png is a folder, and the file of that name"):
        output_files(tmp_path / "a", tmp_path / "x.json", ".json", ".png")


def test_a_parent_that_is_a_file_is_no_place(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(OSError, match=r"File exists|Not a directory"):
        output_files(tmp_path / "a" / "b.json", Path("x.json"), ".json")


@pytest.mark.parametrize(
    ("source", "stem"),
    [("cat.png", "map-cat"), ("cat.v2.jpeg", "map-cat.v2"), ("folder", "map-folder"), ("ü" * 100, f"map-{'ü' * 75}")],
)
def test_what_comes_of_an_input_is_named_by_it_and_never_written_over(tmp_path, source, stem):
    (tmp_path / "folder").mkdir()
    for number in ("", "-2", "-3"):
        found = output_files(None, tmp_path / "map.png", ".png", ".npz", source=tmp_path / source)
        assert found == [tmp_path / f"{stem}{number}.png", tmp_path / f"{stem}{number}.npz"]
        found[number == "-2"].write_text("")  # one of them is enough
    assert output_files(tmp_path / "a", tmp_path / "map.png", ".png", source=tmp_path / source) == [tmp_path / "a.png"]
