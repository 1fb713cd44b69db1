"""Finding picture files: through links, below names of any bytes, in zips of other systems; no loss is silent."""

import os
import pathlib
import zipfile

import pytest

from gengen.core.refusal import Refusal
from gengen.data.listing import Listing, list_pictures, say, shown


def files(root: pathlib.Path, *paths: str) -> pathlib.Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())
    return root


def paths(listing: Listing) -> list[str]:
    return [file.path for file in listing.files]


@pytest.mark.input(
    "Folders of pictures", "links to pictures and to folders of them", "taken", "followed, also out of the folder"
)
def test_links_are_followed_out_of_the_folder(tmp_path: pathlib.Path) -> None:
    files(tmp_path, "far/a.png", "far/deep/b.jpg", "alone.png")
    root = files(tmp_path / "in", "cats/c.png")
    (root / "dogs").symlink_to(tmp_path / "far")
    (root / "cats" / "d.png").symlink_to(tmp_path / "alone.png")
    listing = list_pictures(root)
    assert paths(listing) == ["cats/c.png", "cats/d.png", "dogs/a.png", "dogs/deep/b.jpg"]
    assert listing.passed_over() == ""
    with listing.reader() as read:
        assert [read(file) for file in listing.files] == [b"cats/c.png", b"alone.png", b"far/a.png", b"far/deep/b.jpg"]


@pytest.mark.input("Folders of pictures", "a link to a class beside it", "guessed", "a class of its own, and said")
@pytest.mark.parametrize("link", ["kitty", "a"])
def test_a_folder_that_is_there_under_two_names_is_taken_twice_and_named(tmp_path: pathlib.Path, link: str) -> None:
    root = files(tmp_path / "in", "cat/a.png", "cat/deep/b.png", "dog/c.png", "dog/empty/notes.txt")
    assert list_pictures(root).taken_again() == ""
    (root / link).symlink_to("cat")
    (root / "nothing").symlink_to("dog/empty")
    listing = list_pictures(root)
    assert paths(listing) == sorted(["cat/a.png", "cat/deep/b.png", "dog/c.png", f"{link}/a.png", f"{link}/deep/b.png"])
    assert listing.taken_again().endswith(f"links to folders of its own, whose pictures count twice: 1 ({link})")


@pytest.mark.input(
    "Folders of pictures", "links that lead in a circle or to nothing", "guessed", "passed over, counted and named"
)
def test_links_in_a_circle_and_to_nothing_are_passed_over_and_named(tmp_path: pathlib.Path) -> None:
    root = files(tmp_path / "in", "cats/c.png", "dogs/d.png")
    (root / "cats" / "all").symlink_to(root)
    (root / "dogs" / "up").symlink_to("..")
    (root / "dogs" / "me.png").symlink_to("me.png")
    (root / "dogs" / "gone.png").symlink_to("nowhere.png")
    listing = list_pictures(root)
    assert paths(listing) == ["cats/c.png", "dogs/d.png"]
    assert "links into their own folder: 2 (cats/all, dogs/up)" in listing.passed_over()
    assert "links to nothing: 1 (dogs/gone.png)" in listing.passed_over()
    assert "unreadable: 1 (dogs/me.png)" in listing.passed_over(), "a link to itself"


@pytest.mark.input(
    "Folders of pictures", "files that are no pictures, folders without any", "guessed", "passed over, the first named"
)
def test_what_is_no_picture_is_counted_and_the_first_three_named(tmp_path: pathlib.Path) -> None:
    root = files(tmp_path / "in", "cats/c.png", *(f"cats/{number}.txt" for number in range(5)), "e.csv", ".DS_Store")
    files(root, "__MACOSX/cats/._c.png", "labels/deep/c.txt")
    (root / "birds" / "young").mkdir(parents=True)
    line = f"{root}: passed over no pictures: 7 (cats/0.txt, cats/1.txt, cats/2.txt, ...); "
    assert list_pictures(root).passed_over() == line + "folders without pictures: 2 (birds, labels)"


@pytest.mark.input("Folders of pictures", "folders and files that may not be read", "guessed", "passed over and named")
def test_what_may_not_be_read_is_passed_over_and_named(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rights are taken away by hand: to root, whom many containers know alone, a mode denies nothing."""
    root = files(tmp_path / "in", "cats/a.png", "cats/b.png", "secret/c.png")
    scandir, access = os.scandir, os.access

    def refusing(folder: pathlib.Path) -> object:
        if folder.name == "secret":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("b.png") and access(path, mode))
    listing = list_pictures(root)
    assert paths(listing) == ["cats/a.png"]
    assert listing.passed_over() == f"{root}: passed over unreadable: 2 (cats/b.png, secret)"


@pytest.mark.input("Folders of pictures", "a zip whose folders are separated by `\\`", "taken", "as with `/`")
def test_a_zip_may_separate_folders_as_windows_does(tmp_path: pathlib.Path) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for path in ("cats\\a.png", "dogs\\deep\\b.png", "dogs/c.png"):
            archive.writestr(path, path)
        archive.writestr("birds\\", "")
    listing = list_pictures(tmp_path / "in.zip")
    assert paths(listing) == ["cats/a.png", "dogs/c.png", "dogs/deep/b.png"]
    assert listing.passed_over().endswith("passed over folders without pictures: 1 (birds)")
    with listing.reader() as read:
        assert read(listing.files[2]) == b"dogs\\deep\\b.png"


class Unmarked(zipfile.ZipInfo):
    """An entry whose name is written as its bytes in CP437, whatever they mean."""

    __slots__ = ()

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - zipfile's own
        return self.filename.encode("cp437"), self.flag_bits


@pytest.mark.input("Names", "a zip of macOS, whose UTF-8 names are not marked so", "taken", "the names are UTF-8")
def test_names_in_a_zip_without_a_mark_are_utf8_where_they_can_be(tmp_path: pathlib.Path) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for name in ("caf\u00e9/1.png".encode(), b"caf\x82/2.png"):  # the second in the encoding of MS-DOS
            archive.writestr(Unmarked(name.decode("cp437")), "x")
    listing = list_pictures(tmp_path / "in.zip")
    assert paths(listing) == ["caf\u00e9/1.png", "caf\u00e9/2.png"]
    with listing.reader() as read:
        assert [read(file) for file in listing.files] == [b"x", b"x"]


def test_a_zip_that_holds_links_says_so(tmp_path: pathlib.Path) -> None:
    entry = zipfile.ZipInfo("cats/a.png")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr(entry, "../b.png")
        archive.writestr("b.png", "x")
    listing = list_pictures(tmp_path / "in.zip")
    assert paths(listing) == ["b.png"] and "links in a zip: 1 (cats/a.png)" in listing.passed_over()


def test_a_file_that_is_no_zip_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(Refusal, match="neither a folder nor a whole zip"):
        list_pictures(files(tmp_path, "a.tar") / "a.tar")


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        (os.fsdecode(b"caf\xe9"), r"caf\xe9"),
        (os.fsdecode(b"\xff\xfe.png"), r"\xff\xfe.png"),
        ("two\nlines", r"two\nlines"),
        ("\u2028", r"\u2028"),
        ("caf\u00e9 \u732b", "caf\u00e9 \u732b"),
    ],
)
def test_a_name_is_shown_as_any_program_can_print_it(name: str, escaped: str) -> None:
    assert shown(name) == escaped
    assert shown(name).encode().decode().splitlines() == [escaped]


def test_a_line_is_said_once(capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path) -> None:
    for line in (f"{tmp_path}: a", f"{tmp_path}: b", f"{tmp_path}: a", ""):
        say(line)
    assert capsys.readouterr().err == f"gengen: {tmp_path}: a\ngengen: {tmp_path}: b\n"
