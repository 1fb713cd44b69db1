"""Translations pixel by pixel, their rows and errors, and pictures of the user as inputs or targets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gengen.api.trained import TrainedModel
from gengen.cli.tasks import given_to
from gengen.core.model import GenerativeModel
from gengen.core.refusal import Refusal
from gengen.core.state import State
from gengen.data.domains import joined, paired_alone
from gengen.data.signature import DataSet, Signature
from gengen.inference.domains import domains
from gengen.inference.translation import Gallery
from gengen.metrics.pairs import absolute_error, mean_error, measure
from gengen.pictures.captions import contact
from gengen.pictures.sheet import alike
from gengen.reports.tables import with_interval
from gengen.tasks import translate


@pytest.fixture(scope="module")
def colours():
    return np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), np.uint8)


@pytest.fixture(scope="module")
def greys():
    return np.random.default_rng(1).integers(0, 256, (40, 8, 8, 1), np.uint8)


def data_set(name, images, folder, **more):
    channels = more["paired"].shape[-1] if "paired" in more else 0
    counts = {"train": len(images), "test": len(images)}
    signature = Signature.of_pictures(name, images.shape[1:], (), counts, name, paired=channels)
    split = {"data": images, **more}
    return DataSet(signature, {"train": split, "test": split}, folder)


def fake(directions, pair=None):
    def init(key, batch):
        del key, batch
        return State(jnp.zeros((), jnp.int32), {"to_b": {"params": {"gain": jnp.float32(-1)}}}, {})

    return GenerativeModel(init, lambda key, state, batch, *, phase=None: (state, {}), translate=directions, pair=pair)


def red(key, variables, images):
    """The negative of the red channel, a little darker."""
    del key
    return variables["to_b"]["params"]["gain"] * images[..., :1] * 0.9


def coloured(key, variables, images):
    """The negative again, grey in all channels, but for the last, which is drawn."""
    drawn = jax.random.uniform(key, images.shape, minval=-1)
    return jnp.concatenate([jnp.tile(variables["to_b"]["params"]["gain"] * images, (1, 1, 1, 2)), drawn], -1)


def halves(key, batch):
    """Pairs made of the data's images: the upper half of the picture's mean, with a pixel that is drawn."""
    b = batch["data"].astype(jnp.float32) / 127.5 - 1
    a = jnp.where(jnp.arange(8)[None, :, None, None] < 4, b.mean(-1, keepdims=True), -1.0)
    return a.at[:, 7, 7, 0].set(jax.random.uniform(key, (len(b),))), b


@pytest.fixture
def translated(opened, sheets):
    """Returns `(model, data, **flags) -> arrays, blocks of the sheet` of a run of a model on data."""

    def run(model, data, **flags):
        path = translate.main(opened(model, data), **given_to("translate", {"num": 8, "seed": 0, **flags}))
        with np.load(path.with_suffix(".npz")) as arrays:
            return dict(arrays), sheets[-1].blocks

    return run


@pytest.fixture
def unpaired(colours, greys, tmp_path):
    return joined(data_set("colours", colours, tmp_path), data_set("greys", greys, tmp_path))


def test_images_go_to_the_other_domain_and_back(translated, unpaired, colours, tmp_path, capsys):
    arrays, shown = translated(fake({"ab": red, "ba": coloured}), unpaired)
    order = np.random.default_rng(0).permutation(30)[:8]
    np.testing.assert_array_equal(arrays["inputs"], colours[order])
    dark = -(colours[order][..., :1] / 127.5 - 1) * 0.9
    np.testing.assert_allclose(arrays["outputs"], (dark + 1) * 127.5, atol=0.51)
    np.testing.assert_allclose(arrays["reconstructions"][..., :1], (1 - dark) * 127.5, atol=0.51)
    assert sorted(arrays) == ["inputs", "outputs", "reconstructions"]
    (block,) = shown
    assert (block.title, block.rows) == ("8 held-out images of colours, from colours to greys", tuple(arrays))
    np.testing.assert_array_equal(block.cells, np.concatenate(alike(list(arrays.values()))))
    said = capsys.readouterr().out
    rows = "rows, from above: inputs, outputs, reconstructions"
    assert f"8 held-out images of colours, from a to b, step 7; {rows}\n" in said
    cycle = with_interval(mean_error(absolute_error(arrays["reconstructions"], arrays["inputs"]))._asdict())
    assert f"reconstructions against inputs: mean absolute error of a pixel in [0, 1] {cycle}\n" in said
    assert "targets" not in said
    assert said.endswith(f"{tmp_path / 'run' / 'translations.npz'}\n")


def test_the_other_direction_begins_in_the_second_domain(translated, unpaired, greys, capsys):
    arrays, _ = translated(fake({"ab": red, "ba": coloured}), unpaired, direction="ba")
    np.testing.assert_array_equal(arrays["inputs"], greys[np.random.default_rng(0).permutation(40)[:8]])
    np.testing.assert_array_equal(arrays["outputs"][..., 0], 255 - arrays["inputs"][..., 0])
    assert "8 held-out images of greys, from b to a" in capsys.readouterr().out


def test_a_translation_does_not_depend_on_how_many_there_are(translated, unpaired, monkeypatch):
    model = fake({"ba": coloured})
    few, _ = translated(model, unpaired, num=3)
    more, _ = translated(model, unpaired, num=25)
    monkeypatch.setattr("gengen.inference.batched.POSITIONS", 7 * 64)
    chunks, _ = translated(model, unpaired, num=25)
    other, _ = translated(model, unpaired, num=3, seed=1)
    np.testing.assert_array_equal(few["outputs"], more["outputs"][:3])
    np.testing.assert_array_equal(chunks["outputs"], more["outputs"])
    drawn = more["outputs"][..., 2]
    assert len(np.unique(drawn.reshape(25, -1), axis=0)) == 25
    assert (other["outputs"] != few["outputs"]).any()
    assert "reconstructions" not in few


def test_pairs_that_a_model_makes_give_inputs_and_targets(translated, colours, tmp_path, capsys):
    model, data = fake({"ab": coloured}, pair=halves), data_set("colours", colours, tmp_path)
    arrays, _ = translated(model, data)
    order = np.random.default_rng(0).permutation(30)[:8]
    np.testing.assert_array_equal(arrays["targets"], colours[order])
    np.testing.assert_allclose(arrays["inputs"][:, :4, :, 0], colours[order][:, :4].mean(-1), atol=0.51)
    assert (arrays["inputs"][:, 4:7] == 0).all()
    assert len(np.unique(arrays["inputs"][:, 7, 7])) == 8
    found = {name: with_interval(e._asdict()) for name, e in measure(arrays["outputs"], arrays["targets"]).items()}
    said = capsys.readouterr().out
    assert f"[0, 1] {found['absolute_error']}, PSNR {found['psnr']} dB, SSIM {found['ssim']}\n" in said
    np.testing.assert_array_equal(domains(data, model)["a"].splits["test"]["data"][order], arrays["inputs"])


def test_one_image_has_errors_without_intervals(translated, colours, tmp_path, capsys):
    arrays, shown = translated(fake({"ab": coloured}, pair=halves), data_set("colours", colours, tmp_path), num=1)
    error = absolute_error(arrays["outputs"], arrays["targets"]).item()
    assert f"pixel in [0, 1] {error:.3g}, PSNR" in capsys.readouterr().out
    np.testing.assert_array_equal(shown[0].cells, np.concatenate(alike(list(arrays.values()))))


def test_pairs_of_the_data_are_targets_even_where_a_model_did_not_learn_from_them(translated, colours, tmp_path):
    data = data_set("both", colours, tmp_path, paired=255 - colours[..., :1])
    unpaired = joined(data, paired_alone(data))
    order = np.random.default_rng(0).permutation(30)[:8]
    model = fake({"ab": red, "ba": coloured})
    there, _ = translated(model, unpaired)
    np.testing.assert_array_equal(there["targets"], 255 - colours[order][..., :1])
    back, _ = translated(model, unpaired, direction="ba")
    np.testing.assert_array_equal(back["inputs"], there["targets"])
    np.testing.assert_array_equal(back["targets"], there["inputs"])


def saved(folder, *arrays):
    folder.mkdir()
    for index, array in enumerate(arrays):
        Image.fromarray(array.squeeze()).save(folder / f"{index}.png")
    return folder


def test_pictures_of_the_user_are_inputs_of_their_domain(translated, unpaired, colours, greys, tmp_path, capsys):
    model = fake({"ab": red, "ba": coloured})
    folder = saved(tmp_path / "own", colours[3], greys[4])
    arrays, _ = translated(model, unpaired, input=folder)
    np.testing.assert_array_equal(arrays["inputs"], [colours[3], greys[4].repeat(3, -1)])
    arrays, _ = translated(model, unpaired, input=folder / "1.png", direction="ba")
    np.testing.assert_array_equal(arrays["inputs"], greys[4:5])
    said = capsys.readouterr().out
    assert f"2 of 2 pictures in {folder}, from a to b, step 7" in said
    assert "error" not in said


def test_pairs_are_made_of_pictures_of_the_user_where_the_run_makes_its_own(translated, colours, tmp_path):
    model, data = fake({"ab": coloured}, pair=halves), data_set("colours", colours, tmp_path)
    arrays, _ = translated(model, data, input=saved(tmp_path / "own", colours[3]))
    np.testing.assert_array_equal(arrays["targets"], colours[3:4])
    np.testing.assert_allclose(arrays["inputs"][0, :4, :, 0], colours[3, :4].mean(-1), atol=0.51)


def holed(key, batch):
    """Pairs made of the data's images: their right half is hidden."""
    del key
    b = batch["data"].astype(jnp.float32) / 127.5 - 1
    seen = jnp.broadcast_to(jnp.where(jnp.arange(8)[None, None, :, None] < 4, 1.0, -1.0), (*b.shape[:3], 1))
    return jnp.concatenate([jnp.where(seen > 0, b, 0.0), seen], -1), b


def test_pictures_of_the_user_with_a_hole_are_inputs_as_they_are(translated, colours, tmp_path):
    model = fake({"ab": lambda key, variables, images: -images[..., :3]}, holed)
    data = data_set("colours", colours, tmp_path)
    transparent = np.full((1, 8, 8, 1), 255, np.uint8)
    transparent[:, 2:4] = 0
    own = np.concatenate([colours[:1], transparent], -1)
    for image, name in ((own[0], "0.png"), (colours[1], "1.png")):
        Image.fromarray(image).save(tmp_path / name)
    arrays, shown = translated(model, data, input=tmp_path / "0.png")
    assert sorted(arrays) == ["inputs", "outputs"]
    np.testing.assert_array_equal(arrays["inputs"][..., 3], own[..., 3])
    np.testing.assert_array_equal(arrays["inputs"][0, 4:], own[0, 4:])
    assert shown[0].cells.shape[-1] == 3
    arrays, _ = translated(model, data, input=tmp_path / "1.png")
    np.testing.assert_array_equal(arrays["targets"], colours[1:2])
    both = saved(tmp_path / "both", own[0], colours[1])
    with pytest.raises(Refusal, match="transparent parts and others; translate them apart"):
        translated(model, data, input=both)
    np.testing.assert_array_equal(arrays["inputs"][..., 3] == 255, np.tile(np.arange(8) < 4, (1, 8, 1)))


def test_where_the_data_hold_the_pairs_pictures_of_the_user_have_the_shape_of_the_input(translated, colours, tmp_path):
    def pair(key, batch):
        del key
        return tuple(batch[name].astype(jnp.float32) / 127.5 - 1 for name in ("paired", "data"))

    data = data_set("both", colours, tmp_path, paired=255 - colours[..., :1])
    folder = saved(tmp_path / "own", colours[3])
    arrays, _ = translated(fake({"ab": coloured, "ba": red}, pair), data, input=folder)
    assert arrays["inputs"].shape == (1, 8, 8, 1)
    assert "targets" not in arrays
    arrays, _ = translated(fake({"ab": coloured, "ba": red}, pair), data, input=folder, direction="ba")
    np.testing.assert_array_equal(arrays["inputs"], colours[3:4])


def test_a_gallery_shows_all_directions_one_below_the_other(translated, unpaired):
    model = fake({"ab": red, "ba": coloured})
    gallery = Gallery(model, unpaired, number=10, seed=0, columns=8)
    variables = model.init(None, None).variables
    there, back = (list(translated(model, unpaired, direction=way, num=10)[0].values()) for way in ("ab", "ba"))
    shown = [block.cells for block in gallery.blocks(variables)]
    wanted = [block.cells for way in (there, back) for block in contact({str(i): row for i, row in enumerate(way)}, 8)]
    for found, cells in zip(shown, wanted, strict=True):
        np.testing.assert_array_equal(found, cells)
    other = gallery.blocks(jax.tree.map(lambda leaf: leaf / 2, variables))
    assert (other[0].cells != shown[0]).any()


def test_what_cannot_be_translated_is_refused(translated, unpaired, colours, tmp_path):
    one_way = fake({"ba": coloured})
    with pytest.raises(Refusal, match="this model cannot translate"):
        translated(fake(None), unpaired)
    with pytest.raises(Refusal, match=r"--direction=ab is none of this model's; it can do ba\."):
        translated(one_way, unpaired, direction="ab")
    with pytest.raises(Refusal, match=r"--direction=up is none of this model's; it can do ab and ba\."):
        translated(fake({"ab": red, "ba": coloured}), unpaired, direction="up")
    with pytest.raises(Refusal, match=r"--input=.*nowhere does not exist"):
        translated(one_way, unpaired, input=tmp_path / "nowhere")
    for own in (None, saved(tmp_path / "own", colours[0])):
        with pytest.raises(Refusal, match="have no second domain to translate from"):
            translated(one_way, data_set("colours", colours, tmp_path / "alone"), input=own)


def test_from_python_images_are_those_of_the_domain_that_they_come_from(opened, colours, greys, tmp_path):
    model = fake({"ab": coloured, "ba": red}, halves)
    run = TrainedModel(opened(model, data_set("colours", colours, tmp_path)))
    assert run.translate(greys[:2]).shape == (2, 8, 8, 3)
    assert run.translate(colours[:2], "ba").shape == (2, 8, 8, 1)
    for wrong in (colours, greys[0], greys / 255, greys[:, 1:]):
        with pytest.raises(Refusal, match=r"uint8 \['n', 8, 8, 1\], and these are"):
            run.translate(wrong)
    with pytest.raises(Refusal, match=r"uint8 \['n', 8, 8, 3\], and these are uint8 \[40, 8, 8, 1\]"):
        run.translate(greys, "ba")
