"""What a survey says of folders that other programs wrote: each fault by its name, and the pictures as they are."""

import zipfile

import numpy as np
import pytest
from PIL import Image

from gengen.core.refusal import Refusal
from gengen.data.survey import read_all, refit, survey


def pictures(number, side=8, seed=0, channels=()):
    return np.random.default_rng(seed).integers(0, 256, (number, side, side, *channels), np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Writes pictures [N, h, w] or [N, h, w, 3] as files of an ending."""

    def write(arrays, ending="png", sub=".", change=lambda image: image, **options):
        place = tmp_path / "pictures" / sub
        place.mkdir(parents=True, exist_ok=True)
        for index, array in enumerate(arrays):
            change(Image.fromarray(array)).save(place / f"{index:03}.{ending}", **options)
        return tmp_path / "pictures"

    return write


def told(root, shape):
    return " | ".join(read_all(survey(root), shape).lines)


def test_pictures_of_their_own_size_are_as_they_are(folder):
    arrays = pictures(5)
    found = read_all(survey(folder(arrays)), (8, 8, 1))
    np.testing.assert_array_equal(found.data[..., 0], arrays)
    assert found.lines == ("5 pictures (5 PNG; modes: 5 L; 5 of 8x8)",)
    assert not found.facts["resized"]


def test_damaged_files_are_counted_with_a_reason_and_left_out(folder):
    root = folder(pictures(6))
    for name in ("001.png", "004.png"):
        (root / name).write_bytes((root / name).read_bytes()[:60])
    (root / "003.png").write_bytes(b"no picture")
    found = read_all(survey(root), (8, 8, 1))
    assert len(found.data) == 3
    assert found.facts["unreadable"] == 3
    assert "3 (001.png, 003.png, 004.png) cannot be read and are left out, the first because: " in found.lines[1]


def test_the_same_pictures_larger_by_repeated_pixels_are_found_out_and_others_are_not(folder):
    larger = folder(pictures(4), change=lambda image: image.resize((24, 24), Image.Resampling.NEAREST))
    found = read_all(survey(larger), (24, 24, 1))
    assert found.facts["enlarged"] == {"3": 4}
    assert "4 are 3 times as large as what they show" in " ".join(found.lines)
    smooth = folder(pictures(4), sub="smooth", change=lambda image: image.resize((24, 24), Image.Resampling.BICUBIC))
    assert not read_all(survey(smooth / "smooth"), (24, 24, 1)).facts["enlarged"]


def test_the_rule_of_a_change_of_size_is_said_and_is_pillows(folder):
    arrays = pictures(3, side=16)
    found = read_all(survey(folder(arrays)), (8, 8, 1))
    for made, array in zip(found.data, arrays, strict=True):
        expected = Image.fromarray(array).resize((8, 8), Image.Resampling.BICUBIC)
        np.testing.assert_array_equal(made[..., 0], np.asarray(expected))
    assert "3 are brought to 8x8: the largest centred rectangle of the right aspect, then Pillow's bicubic" in told(
        folder([]), (8, 8, 1)
    )
    again, line = refit(arrays[..., None], (8, 8, 1))
    np.testing.assert_array_equal(again, found.data)
    assert line.startswith("brought from 16x16x1 to 8x8x1 by ")
    assert refit(arrays[..., None], (16, 16, 1))[1] == ""


def test_formats_modes_and_colour_are_told(folder):
    folder(pictures(2))
    folder(pictures(2, channels=(3,)), "jpg", "more", quality=75)
    root = folder(pictures(1), sub="palette", change=lambda image: image.convert("P"))
    found = survey(root)
    assert found.coloured
    line = told(root, (8, 8, 1))
    assert "5 pictures (3 PNG, 2 JPEG; modes: 2 L, 2 RGB, 1 P; 5 of 8x8)" in line
    assert "3 have colour, of which the luma of ITU-R 601 is left" in line


def test_a_picture_that_a_camera_marks_as_turned_is_shown_upright(tmp_path):
    array = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    mark = Image.Exif()
    mark[0x0112] = 6
    Image.fromarray(array).save(tmp_path / "a.png", exif=mark)
    found = survey(tmp_path)
    assert found.headers[0].size == (4, 3)
    np.testing.assert_array_equal(read_all(found, (4, 3, 1)).data[0, ..., 0], np.rot90(array, -1))


def test_folders_of_classes_are_labels_and_a_zip_is_as_its_folder(folder, tmp_path):
    folder(pictures(3), sub="cat")
    root = folder(pictures(2, seed=1), sub="dog")
    found = read_all(survey(root), (8, 8, 1))
    assert found.classes == ("cat", "dog")
    assert found.label.tolist() == [0, 0, 0, 1, 1]
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in sorted(root.rglob("*.png")):
            archive.write(path, path.relative_to(root))
    zipped = read_all(survey(tmp_path / "all.zip"), (8, 8, 1))
    np.testing.assert_array_equal(zipped.data, found.data)
    assert zipped.lines == found.lines


def test_what_holds_nothing_that_can_be_read_is_refused(tmp_path):
    with pytest.raises(Refusal, match="it holds no pictures"):
        survey(tmp_path)
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(Refusal, match="none of its 1 pictures can be read"):
        survey(tmp_path)
