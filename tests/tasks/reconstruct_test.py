"""Reconstructions pixel by pixel, their error, the user's own pictures, and a real run shown in all ways."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gengen.cli.tasks import given_to, main_of
from gengen.core.field import Field
from gengen.core.refusal import Refusal
from gengen.core.units import Units
from gengen.data.signature import Signature
from gengen.metrics.interval import of_blocks
from gengen.runs.data import held_out, pictures_of
from gengen.runs.run import open_run
from gengen.tasks.reconstruct import squared_errors

SIGNATURE = Signature.of_pictures("few", (4, 4, 1), (), {}, "")


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (40, 4, 4, 1), np.uint8)


def saved(path):
    """The arrays beside a picture."""
    with np.load(path.with_suffix(".npz")) as arrays:
        return dict(arrays)


def in_columns(sheet, arrays):
    """Checks that a sheet shows arrays below each other, under their names."""
    for block, start in zip(sheet.blocks, range(0, len(arrays["images"]), 16), strict=True):
        assert block.rows == tuple(arrays)
        np.testing.assert_array_equal(block.cells, np.concatenate([row[start : start + 16] for row in arrays.values()]))


def test_errors_are_of_pixels_between_0_and_1():
    images = np.array([0, 255, 51], np.uint8).reshape(3, 1, 1, 1)
    decoded = np.array([1.0, 1.0, -1.0]).reshape(3, 1, 1, 1)
    np.testing.assert_allclose(squared_errors(SIGNATURE.units, images, decoded), [1, 0, 0.04], atol=1e-15)


def test_errors_of_numbers_without_bounds_are_in_their_standard_deviations():
    units = Units(Field((2,), "float32", mean=(1.0, 10.0), deviation=(2.0, 5.0)))
    data, decoded = np.array([[1.0, 20.0]], np.float32), np.array([[1.0, 0.0]], np.float32)
    np.testing.assert_allclose(squared_errors(units, data, decoded), [(1 + 4) / 2], atol=1e-15)


def test_what_the_code_holds_comes_back_and_the_rest_is_an_error(looked, sheets, coding, images, tmp_path, capsys):
    path = looked("reconstruct", coding(), images, num=20)
    assert path == tmp_path / "run" / "reconstructions.png"
    arrays = saved(path)
    assert sorted(arrays) == ["images", "reconstructions"]
    order = np.random.default_rng(0).permutation(40)[:20]
    np.testing.assert_array_equal(arrays["images"], images[order])
    np.testing.assert_array_equal(arrays["reconstructions"][:, 0, :2], images[order, 0, :2])
    assert not arrays["reconstructions"][:, 2:].any()
    in_columns(sheets[0], arrays)
    assert sheets[0].title == "run · step 7 · few, 4 × 4 · weights as trained · 20 held-out images of few"
    errors = np.square((arrays["images"].astype(float) - arrays["reconstructions"]) / 255).mean((1, 2, 3))
    estimate = of_blocks(errors)
    said = capsys.readouterr().out
    assert "20 held-out images of few, step 7; rows, from above: images, reconstructions" in said
    shown = f"{estimate.value:.3g} [{estimate.low:.3g}, {estimate.high:.3g}]"
    assert f"mean squared error of a pixel in [0, 1]: {shown}\n{path.with_suffix('.npz')}\n" in said


def test_a_seed_chooses_the_images_and_no_image_depends_on_how_many_there_are(looked, coding, images, tmp_path):
    few, more, other = (
        saved(looked("reconstruct", coding(), images, num=num, seed=seed, output=tmp_path / f"{num}-{seed}"))
        for num, seed in ((3, 0), (30, 0), (3, 1))
    )
    for name, values in few.items():
        np.testing.assert_array_equal(values, more[name][:3])
        assert (values != other[name]).any()


def test_a_denoising_model_is_shown_corrupted_images_and_has_to_give_back_clean_ones(
    looked, sheets, coding, images, capsys
):
    corruption = {"name": "masking", "amount": 0.5}
    path = looked("reconstruct", coding(), images, num=40, corruption=corruption)
    arrays = saved(path)
    seen = arrays["seen"]
    masked = seen != arrays["images"]
    assert not seen[masked].any()
    assert 0.4 < masked.mean() < 0.6
    assert len(np.unique(masked.reshape(40, -1), axis=0)) == 40, "each image has a mask of its own"
    np.testing.assert_array_equal(arrays["reconstructions"][:, 0, :2], seen[:, 0, :2])
    in_columns(sheets[0], {name: arrays[name] for name in ("images", "seen", "reconstructions")})
    said = capsys.readouterr().out
    assert "corrupted by masking of amount 0.5, step 7; rows, from above: images, seen, reconstructions" in said
    assert (
        f"{squared_errors(SIGNATURE.units, arrays['images'], arrays['reconstructions'] / 127.5 - 1).mean():.3g} ["
        in said
    )


def test_a_model_with_labels_is_told_those_of_the_data(looked, sheets, coding, images):
    labels = np.random.default_rng(1).integers(0, 3, 40).astype(np.int32)
    arrays = saved(looked("reconstruct", coding(classes=3), images, labels, num=9))
    np.testing.assert_array_equal(arrays["labels"], labels[np.random.default_rng(0).permutation(40)[:9]])
    np.testing.assert_array_equal(arrays["reconstructions"][:, 1, 0, 0], arrays["labels"])
    assert sheets[0].blocks[0].across == ["abc"[label] for label in arrays["labels"]]


@pytest.fixture
def own(tmp_path):
    """A folder of pictures of other sizes: grey levels that say their order by path, beside what is no picture."""
    folder = tmp_path / "own"
    (folder / "below").mkdir(parents=True)
    Image.new("RGB", (30, 20), (60, 60, 60)).save(folder / "c.png")
    Image.new("L", (4, 8), 20).save(folder / "a.png")
    Image.new("RGBA", (5, 5), (0, 0, 0, 0)).save(folder / "below" / "b.png")
    (folder / "notes.txt").write_text("mine")
    (folder / ".hidden.png").write_text("mine")
    return folder


def test_own_pictures_are_fitted_to_the_shape_of_the_data(own):
    shown = pictures_of(own, SIGNATURE, 10)
    assert shown.images.shape == (3, 4, 4, 1)
    np.testing.assert_array_equal(shown.images[:, 0, 0, 0], [20, 255, 60])
    assert (shown.images == shown.images[:, :1, :1]).all()
    assert shown.labels is None
    assert pictures_of(own, SIGNATURE, 2).title == f"2 of 3 pictures in {own}"
    np.testing.assert_array_equal(pictures_of(own / "c.png", SIGNATURE, 5).images, shown.images[2:])


def test_own_pictures_lie_in_linked_folders_and_zips_too(own, tmp_path, capsys):
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "own").symlink_to(own)
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", own)
    for path, names in {
        tmp_path / "linked": ["own/a.png", "own/below/b.png", "own/c.png"],
        Path(archive): None,
    }.items():
        shown = pictures_of(path, SIGNATURE, 10)
        np.testing.assert_array_equal(shown.images, pictures_of(own, SIGNATURE, 10).images)
        assert list(shown.names) == (names or ["a.png", "below/b.png", "c.png"])
    assert f"{tmp_path / 'linked'}: passed over no pictures: 1 (own/notes.txt)\n" in capsys.readouterr().err


@pytest.mark.input("Pictures", "several damaged files in `--input`", "refused", "says how many, and names up to ten")
def test_all_damaged_pictures_of_an_input_are_counted(own):
    for index in range(12):
        (own / f"d{index:02}.png").write_bytes(b"no picture")
    with pytest.raises(
        Refusal, match=r"^12 \(d00\.png, .*, d09\.png, \.\.\.\) of the pictures in .*own cannot be read"
    ):
        pictures_of(own, SIGNATURE, 64)


@pytest.mark.input(
    "Pictures", "`--input` of more than 8 bits", "guessed", "from the range of values that the run keeps"
)
def test_the_range_of_a_run_is_kept_for_own_pictures(tmp_path, capsys):
    levels = np.arange(16, dtype=np.uint16).reshape(4, 4)
    Image.fromarray(levels * 64).save(tmp_path / "ten.png")
    run = dataclasses.replace(SIGNATURE, range=(0, 4095))
    np.testing.assert_array_equal(pictures_of(tmp_path / "ten.png", run, 1).images[0, ..., 0], levels * 4)
    assert "12-bit grey: 0 to 4095 become 0 to 255, as in the data of the run; these use 0 to 960" in _err(capsys)
    np.testing.assert_array_equal(pictures_of(tmp_path / "ten.png", SIGNATURE, 1).images[0, ..., 0], levels * 16)
    assert "10-bit grey: 0 to 1023 become 0 to 255\n" in _err(capsys), "a run of 8 bits keeps none"
    Image.fromarray(levels * 4096).save(tmp_path / "beyond.png")
    assert pictures_of(tmp_path / "beyond.png", run, 1).images[0, 0, :, 0].tolist() == [0, 255, 255, 255]
    assert "values beyond 0 to 4095 are cut: 1 (beyond.png)" in _err(capsys)


def _err(capsys):
    return capsys.readouterr().err


def test_the_centre_of_a_picture_of_another_aspect_is_taken(tmp_path):
    pixels = np.zeros((4, 12), np.uint8)
    pixels[:, 4:8] = np.arange(16).reshape(4, 4) * 10
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    np.testing.assert_array_equal(pictures_of(tmp_path / "wide.png", SIGNATURE, 1).images[0, ..., 0], pixels[:, 4:8])


def test_own_pictures_take_the_place_of_held_out_ones(looked, coding, images, own, capsys):
    arrays = saved(looked("reconstruct", coding(), images, input=own, num=64))
    np.testing.assert_array_equal(arrays["images"], pictures_of(own, SIGNATURE, 64).images)
    np.testing.assert_array_equal(arrays["reconstructions"][:, 0, 0, 0], [20, 255, 60])
    assert "labels" not in arrays
    looked("reconstruct", coding(), images, input=own / "a.png")
    assert capsys.readouterr().out.splitlines()[-2].count("[") == 1, "one image has no interval"


def test_the_class_of_own_pictures_has_to_be_said_to_a_model_that_takes_labels(looked, coding, images, own):
    labels = np.arange(40, dtype=np.int32) % 3
    with pytest.raises(Refusal, match="has to be told the class of what it encodes; add --label=CLASS"):
        looked("reconstruct", coding(classes=3), images, labels, input=own)
    arrays = saved(looked("reconstruct", coding(classes=3), images, labels, input=own, label="c"))
    np.testing.assert_array_equal(arrays["labels"], [2, 2, 2])
    np.testing.assert_array_equal(arrays["reconstructions"][:, 1, 0, 0], [2, 2, 2])
    with pytest.raises(Refusal, match="--label=c: samples of this run cannot be told their class"):
        looked("reconstruct", coding(), images, labels, input=own, label="c")
    with pytest.raises(Refusal, match="held-out images have their own"):
        looked("reconstruct", coding(classes=3), images, labels, label="c")


def test_mistakes_are_refused_by_name(looked, coding, images, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.png").write_text("no picture")
    Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(tmp_path / "floats.tiff")
    for name, words in {
        "gone.png": "gone.png does not exist",
        "empty": "empty holds no pictures",
        "broken.png": r"broken.png cannot be read as a picture \(it is damaged",
        "floats.tiff": "some of its values are infinite or no numbers",
    }.items():
        with pytest.raises(Refusal, match=words):
            looked("reconstruct", coding(), images, input=tmp_path / name)
    with pytest.raises(Refusal, match="cannot encode; what it can do: prior, decode"):
        looked("reconstruct", coding(encodes=False, draws=np.zeros((1, 2))), images)
    assert not list((tmp_path / "run").glob("*.png"))


@pytest.fixture(scope="module")
def trained(launch, data_dir, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "vae"
    done = launch("--config=configs/vae.py:tiny", f"--config.data.data_dir={data_dir}", f"--workdir={workdir}")
    assert done.returncode == 0, done.stderr
    return workdir


def test_a_real_run_is_reconstructed_interpolated_laid_out_and_embedded(answer, trained):
    done = answer("--mode=reconstruct", f"--workdir={trained}", "--num=10")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(trained / "reconstructions.png")
    arrays = saved(trained / "reconstructions.png")
    assert arrays["reconstructions"].shape == (10, 8, 8, 1)
    run = open_run(trained)
    shown = held_out(run.data(), 10, 0)
    np.testing.assert_array_equal(arrays["images"], shown.images)
    np.testing.assert_array_equal(arrays["labels"], shown.labels)

    def look(mode, **flags):
        return main_of(mode)(run, **given_to(mode, {"seed": 0, **flags}))

    assert look("interpolate", num=2, steps=3, spherical=True).is_file()
    assert look("manifold", num=3, axes="5,31").is_file()
    with np.load(look("embed", num=60)) as codes:
        assert codes["codes"].shape == (60, 32)
        np.testing.assert_array_equal(codes["labels"], held_out(run.data(), 60, 0).labels)
    assert (trained / "codes.png").is_file()


def test_other_data_than_those_of_the_training_are_refused(trained):
    run = open_run(trained)
    assert run.data().signature.counts["test"] > 100
    other = run._replace(signature=dataclasses.replace(run.signature, digest="other"))
    with pytest.raises(Refusal, match=r"the data of digits are not those that .* was trained on"):
        other.data()
