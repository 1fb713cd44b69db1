"""Pictures of more than 8 bits: one range of values for all, from what they use, and it is said."""

import io
import pathlib
import struct

import numpy as np
import pytest
from PIL import Image

from gengen.core.refusal import Refusal
from gengen.data.dataset import load
from gengen.data.pixels import Range, deep_values, plain
from gengen.data.ranges import Measured, measured, surveyed


def tiff(values: np.ndarray, kind: int, white_is_zero: bool = False) -> bytes:
    """A TIFF file of any kind of numbers, which Pillow cannot write: kind 1 without sign, 2 with, 3 real."""
    big = values.dtype.byteorder == ">"
    order, (height, width), content = ">" if big else "<", values.shape, values.tobytes()
    tags = [(256, width), (257, height), (258, 8 * values.itemsize), (259, 1), (262, int(not white_is_zero)), (273, 8)]
    tags += [(277, 1), (278, height), (279, len(content)), (339, kind)]
    written = b"".join(struct.pack(order + "HHIHH", tag, 3, 1, value, 0) for tag, value in tags)
    head = (b"MM" if big else b"II") + struct.pack(order + "HI", 42, 8 + len(content))
    return head + content + struct.pack(order + "H", len(tags)) + written + struct.pack(order + "I", 0)


def read(content: bytes) -> np.ndarray | None:
    return deep_values(Image.open(io.BytesIO(content)))


@pytest.mark.parametrize(
    ("dtype", "kind"), [("<u2", 1), (">u2", 1), ("<i2", 2), (">i2", 2), ("<u4", 1), ("<i4", 2), ("<f4", 3), ("|i1", 2)]
)
def test_values_of_tiffs_are_those_that_were_written(dtype: str, kind: int) -> None:
    low = 0 if kind == 1 else -100
    values = np.array([[low, 0, 3], [100, 5, 101]], dtype)
    if dtype == "<u4":
        values[0, 2] = 3_000_000_000  # Pillow has a sign for it
    np.testing.assert_array_equal(read(tiff(values, kind)), values)


def test_values_of_eight_bits_are_not_deep() -> None:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        assert deep_values(Image.new(mode, (2, 2))) is None


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_of_whole_numbers_the_upper_eight_bits_are_kept(bits: int) -> None:
    values = np.arange(2**bits, dtype=np.uint16)[None]
    np.testing.assert_array_equal(Range(0, 2**bits - 1).scaled(values), values >> (bits - 8))


def test_steps_are_even_whatever_the_range_and_what_lies_beyond_is_cut() -> None:
    steps = Range(-1000, 3000).scaled(np.linspace(-1000, 3000, 256 * 50, endpoint=False))
    np.testing.assert_array_equal(np.bincount(steps), 50)
    assert Range(-1000, 3000).scaled(np.array([-5000, -1000, 3000, 9000])).tolist() == [0, 0, 255, 255]
    assert Range(7, 7).scaled(np.array([7.0])).tolist() == [0]
    bytes_ = np.arange(256)
    np.testing.assert_array_equal(Range(0, 1).scaled((bytes_ / 255).astype(np.float32)), bytes_)  # as many write them


def whole(low: float, high: float) -> Measured:
    return Measured(True, "whole", low, high)


def real(low: float, high: float) -> Measured:
    return Measured(True, "real", low, high)


@pytest.mark.parametrize(
    ("found", "values", "text"),
    [
        ([whole(3, 200), whole(0, 255)], (0, 255), "8-bit grey: 0 to 255"),
        ([whole(3, 200), whole(0, 256)], (0, 1023), "10-bit grey: 0 to 1023"),
        ([whole(3, 4095), whole(7, 9)], (0, 4095), "12-bit grey: 0 to 4095"),
        ([whole(3, 4096)], (0, 16383), "14-bit grey: 0 to 16383"),
        ([whole(3, 20000), whole(0, 40)], (0, 65535), "16-bit grey: 0 to 65535"),
        ([whole(-1000, 200), whole(-3, 3071)], (-1000, 3071), "grey: -1000 to 3071"),
        ([whole(5, 100_000)], (5, 100_000), "grey: 5 to 100000"),
        ([real(0.25, 0.5), real(0.5, 0.75)], (0, 1), "grey: 0 to 1"),
        ([real(-0.5, 0.5), real(0.5, 0.75)], (-0.5, 0.75), "grey: -0.5 to 0.75"),
    ],
)
def test_one_range_holds_all_values_of_a_set(found: list[Measured], values: tuple[float, float], text: str) -> None:
    survey = surveyed("F", [(f"{place}.tif", "train", of) for place, of in enumerate(found)])
    assert (survey.channels, survey.values, survey.lines) == (1, values, ())
    assert str(survey.values) == text + " become 0 to 255"


def test_training_decides_and_what_is_cut_or_mixed_is_said() -> None:
    found = [
        ("a.png", "train", whole(0, 900)),
        ("b.png", "test", whole(0, 5000)),
        ("c.jpg", "train", Measured(False, "")),
    ]
    survey = surveyed("F", found)
    assert (survey.channels, survey.values) == (3, (0, 1023))
    assert survey.lines == (
        "F: pictures of 8 bits that stay as they are beside deeper ones: 1",
        "F: pictures whose values beyond 0 to 1023 are cut: 1 (b.png)",
    )
    assert surveyed("F", found[2:]).values is None


@pytest.mark.input("Pictures", "whole numbers and real ones in one folder", "refused", "names one file of each")
def test_numbers_of_two_kinds_are_refused() -> None:
    found = [("a.png", "train", whole(0, 900)), ("b.tif", "train", real(0, 1)), ("c.png", "train", whole(0, 9))]
    with pytest.raises(Refusal, match=r"whole numbers \(a\.png\) and of real ones \(b\.tif\)"):
        surveyed("F", found)


@pytest.mark.input("Pictures", "TIFF whose 0 is white, of 16 bits", "refused", "Pillow would read the negative")
def test_a_negative_and_infinite_values_are_refused() -> None:
    with pytest.raises(ValueError, match="its 0 is white"):
        read(tiff(np.zeros((2, 2), "<u2"), 1, white_is_zero=True))
    with pytest.raises(ValueError, match="infinite or no numbers"):
        read(tiff(np.array([[0, np.nan]], "<f4"), 3))


def test_a_pgm_file_says_its_own_range() -> None:
    """Pillow brings the greatest value that the file names to 65535, however dark the picture is."""
    for most, expected in ((4095, 16), (1000, 65)):
        content = f"P5 1 1 {most}\n".encode() + struct.pack(">H", 256)
        assert measured(Image.open(io.BytesIO(content)), content) == whole(0, 65535)
        assert plain(Image.open(io.BytesIO(content)), Range(0, 65535)).getpixel((0, 0)) == expected


def test_a_camera_s_rotation_is_applied_to_deep_pictures_too(tmp_path: pathlib.Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.arange(6, dtype=np.uint16).reshape(2, 3)).save(tmp_path / "a.png", exif=exif)
    made = plain(Image.open(tmp_path / "a.png"), Range(0, 255))
    assert np.asarray(made).tolist() == [[3, 0], [4, 1], [5, 2]]


def folder_of(root: pathlib.Path, suffix: str, *pictures: np.ndarray | bytes) -> pathlib.Path:
    root.mkdir()
    for place, picture in enumerate(pictures):
        if isinstance(picture, bytes):
            (root / f"{place}.{suffix}").write_bytes(picture)
        else:
            Image.fromarray(picture).save(root / f"{place}.{suffix}")
    return root


@pytest.mark.input("Pictures", "16-bit files with values of 10, 12 or 14 bits", "guessed", "bits that all files need")
@pytest.mark.input("Pictures", "PGM of 16 bits", "guessed", "as 16-bit PNG and TIFF")
@pytest.mark.input("Pictures", "TIFF of signed whole numbers", "guessed", "from the least to the greatest value")
@pytest.mark.input("Pictures", "TIFF of floats", "guessed", "0 to 1 if all lie there, else the least to the greatest")
@pytest.mark.parametrize(
    ("suffix", "values", "pixels", "line"),
    [
        ("png", np.array([0, 16, 2048, 4095], np.uint16), [0, 1, 128, 255], "12-bit grey: 0 to 4095"),
        ("tiff", np.array([0, 16, 64, 1023], np.uint16), [0, 4, 16, 255], "10-bit grey: 0 to 1023"),
        ("pgm", np.array([0, 64, 8192, 16383], np.uint16), [0, 1, 128, 255], "14-bit grey: 0 to 16383"),
        ("tif", np.array([-100, 0, 100, 412], np.int16), [0, 50, 100, 255], "grey: -100 to 412"),
        ("tif", np.array([0, 0.5, 0.25, 1], np.float32), [0, 128, 64, 255], "grey: 0 to 1"),
        ("tif", np.array([0, 1, 2, 4], np.float32), [0, 64, 128, 255], "grey: 0 to 4"),
    ],
)
def test_a_folder_of_deep_pictures_is_taken_whole(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    suffix: str,
    values: np.ndarray,
    pixels: list[int],
    line: str,
) -> None:
    picture = values.reshape(2, 2)
    content: np.ndarray | bytes = picture
    if suffix == "pgm":
        content = b"P5 2 2 65535\n" + picture.astype(">u2").tobytes()
    if values.dtype == np.int16:
        content = tiff(picture.astype("<i2"), 2)
    root = folder_of(tmp_path / "in", suffix, *[content] * 3)
    for _ in range(2):
        data = load(name="image_folder", manual_dir=root, data_dir=tmp_path / "data")
        assert data.splits["train"]["data"][0].ravel().tolist() == pixels
        assert f"{data.signature.range[0]:g} to {data.signature.range[1]:g}" in line  # type: ignore[index]
    load(name="image_folder", manual_dir=root, data_dir=tmp_path / "data", resolution=1)  # from what is prepared
    assert capsys.readouterr().err.count(f"gengen: {root}: {line} become 0 to 255\n") == 1


@pytest.mark.input("Pictures", "16-bit colours with values of 14 bits or fewer", "refused", "Pillow keeps the upper 8")
def test_colours_that_would_lose_most_of_their_bits_are_refused(tmp_path: pathlib.Path) -> None:
    """Pillow writes no 16-bit colours: a PPM file of them is brought to its own range, PNG and TIFF are not."""
    import zlib

    def png(level: int) -> bytes:
        rows = b"".join(b"\0" + struct.pack(">6H", *[level] * 6) for _ in range(2))
        chunks = (
            (b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(rows)),
            (b"IEND", b""),
        )
        parts = (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
            for name, body in chunks
        )
        return b"\x89PNG\r\n\x1a\n" + b"".join(parts)

    for level in (4095, 16383):
        root = folder_of(tmp_path / str(level), "png", *[png(level)] * 3)
        with pytest.raises(Refusal, match=r"colours of 16 bits .* end at (15|63) of 255: save them with 8 bits"):
            load(name="image_folder", manual_dir=root, data_dir=tmp_path / "data")
    root = folder_of(tmp_path / "full", "png", png(4095), png(4095), png(65535))
    data = load(name="image_folder", manual_dir=root, data_dir=tmp_path / "data")
    assert data.signature.range is None and data.signature.shape[-1] == 3
    assert sorted(int(data.splits[split]["data"].max()) for split in ("train", "test")) == [15, 255]
