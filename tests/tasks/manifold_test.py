"""The map of decoded latents, cell by cell."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gengen.core.model import Condition
from gengen.core.refusal import Refusal


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (400, 4, 4, 1), np.uint8)


@pytest.fixture
def cells(looked, sheets, images):
    """Returns `(model, labels=None, **flags) -> [num, num, 4, 4]`."""

    def look(model, labels=None, **flags):
        looked("manifold", model, images, labels, **flags)
        return sheets[-1].cells

    return look


def test_quantiles_are_those_of_the_prior_whatever_it_is(looked, sheets, coding, images, tmp_path, capsys):
    draws = np.array([[-1.0, 0.5], [1.0, 1.0], [1.0, -1.0], [1.0, 0.5]])
    path = looked("manifold", coding(draws=draws), images, num=4)
    assert path == tmp_path / "run" / "manifold.png"
    shown = sheets[0].cells
    level = {value: round((value / 2 + 1) * 127.5) for value in (-1.0, 0.5, 1.0)}
    np.testing.assert_array_equal(shown[:, :, 0, 0], np.tile([level[-1.0], *[level[1.0]] * 3], (4, 1)))
    rising = [level[1.0], level[0.5], level[0.5], level[-1.0]]
    np.testing.assert_array_equal(shown[:, :, 0, 1], np.tile(np.array(rising)[:, None], 4))
    assert (shown[:, :, 1, 1] == shown[0, 0, 1, 1]).all(), "one noise for all cells"
    said = "to the right quantiles of number 0, upwards of number 1, in 10,000 draws of the prior"
    assert capsys.readouterr().out == f"4 x 4 decoded latents, step 7: {said}\n"
    assert sheets[0].title.endswith(said)
    assert sheets[0].blocks[0].across == ["12%", "38%", "62%", "88%"] == sheets[0].blocks[0].rows[::-1]


def test_a_model_without_prior_has_the_quantiles_of_the_codes_of_held_out_images(cells, coding, images, capsys):
    shown = cells(coding(), num=3)
    expected = np.quantile(images[:, 0, :2, 0], np.array([1, 3, 5]) / 6, axis=0)
    np.testing.assert_allclose(shown[0, :, 0, 0], expected[:, 0], atol=0.51)
    np.testing.assert_allclose(shown[::-1, 0, 0, 1], expected[:, 1], atol=0.51)
    assert "in the codes of 400 held-out images of few" in capsys.readouterr().out


def test_of_wide_latents_two_numbers_can_be_named(cells, coding, images):
    shown = cells(coding(3), num=3, axes="2,0")
    expected = np.quantile(images[:, 0, :3, 0], np.array([1, 3, 5]) / 6, axis=0)
    np.testing.assert_allclose(shown[0, :, 0, 2], expected[:, 2], atol=0.51)
    np.testing.assert_allclose(shown[::-1, 0, 0, 0], expected[:, 0], atol=0.51)
    np.testing.assert_allclose(shown[:, :, 0, 1], expected[1, 1], atol=0.51)


def test_wide_latents_are_a_plane_through_three_images(cells, coding, images, sheets):
    shown = cells(coding(3), num=3)[..., 0, :3].astype(float)
    a, b, c = images[np.random.default_rng(0).permutation(400)[:3], 0, :3, 0].astype(float)
    for row, t in enumerate((1, 0.5, 0)):
        for column, s in enumerate((0, 0.5, 1)):
            expected = np.clip(a + s * (b - a) + t * (c - a), 0, 255)
            np.testing.assert_allclose(shown[row, column], expected, atol=0.51)
    assert sheets[0].blocks[0].rows == ["1", "", "0"]
    bent = cells(coding(3), num=3, spherical=True)[..., 0, :3]
    np.testing.assert_allclose(bent[[2, 2, 0], [0, 2, 0]], [a, b, c], atol=0.51)
    assert (bent[1, 1] != shown[1, 1]).any()


def test_a_plane_goes_through_pictures_of_the_user(cells, coding, images, tmp_path):
    (tmp_path / "mine").mkdir()
    for index in range(4):
        Image.fromarray(images[index, :, :, 0]).save(tmp_path / "mine" / f"{index}.png")
    shown = cells(coding(), num=2, input=tmp_path / "mine")
    np.testing.assert_array_equal(shown[[1, 1, 0], [0, 1, 0], 0, :2], images[:3, 0, :2, 0])
    with pytest.raises(Refusal, match="--axes=0,1 is a map of quantiles"):
        cells(coding(), input=tmp_path / "mine", axes="0,1")
    with pytest.raises(Refusal, match="goes through three pictures, and there are no more than"):
        cells(coding(), input=tmp_path / "mine" / "0.png")
    with pytest.raises(Refusal, match="cannot encode, so it has no latents of pictures"):
        cells(coding(draws=np.eye(2), encodes=False), input=tmp_path / "mine")


def test_a_model_of_two_domains_shows_a_plane_through_draws_in_both(looked, sheets, coding, images):
    plain = coding(3, draws=np.eye(3) / 2, encodes=False)

    def decode(key, variables, latents, condition=None):
        return plain.decode(key, variables, latents, {"label": condition["domain"]})

    model = plain._replace(decode=decode, conditions={"domain": Condition(classes=2)})
    looked("manifold", model, images, num=2)
    first, second = (block.cells.reshape(2, 2, 4, 4) for block in sheets[0].blocks)
    assert [block.title for block in sheets[0].blocks] == ["a", "b"]
    assert (first[:, :, 1, 0] == 0).all()
    assert (second[:, :, 1, 0] == 1).all()
    np.testing.assert_array_equal(first[:, :, 0], second[:, :, 0])


def test_all_cells_are_told_one_class_where_the_decoder_looks_at_it(cells, coding, capsys):
    labels = np.arange(400, dtype=np.int32) % 3
    model = coding(classes=3, draws=np.eye(2))
    assert (cells(model, labels, num=2)[:, :, 1, 0] == 0).all()
    assert "step 7: class a, to the right" in capsys.readouterr().out
    assert (cells(model, labels, num=2, label="c")[:, :, 1, 0] == 2).all()
    with pytest.raises(Refusal, match="--label=z is no class"):
        cells(model, labels, label="z")
    with pytest.raises(Refusal, match="--label=a: samples of this run cannot be told their class"):
        cells(coding(draws=np.eye(2)), labels, label="a")


def test_a_prior_with_a_part_for_each_class_is_shown_whole_unless_a_class_is_named(cells, coding, capsys):
    labels, plain = np.arange(400, dtype=np.int32) % 3, coding(classes=3, draws=np.eye(2))

    def prior(key, variables, n, condition=None):
        return jnp.eye(3)[:, :2][condition["label"]] / 2

    def decode(key, variables, latents, condition=None):
        return plain.decode(key, variables, latents)

    model = plain._replace(prior=prior, decode=decode)
    codes = cells(model, labels, num=3)[:, :, 0, 0]
    assert len(np.unique(codes)) == 2
    assert "class" not in capsys.readouterr().out
    assert len(np.unique(cells(model, labels, num=3, label="b")[:, :, 0, 0])) == 1


def test_what_cannot_be_laid_out_is_refused(cells, coding):
    with pytest.raises(Refusal, match="cannot encode; what it can do: decode"):
        cells(coding(encodes=False))
    with pytest.raises(Refusal, match="cannot decode; what it can do: encode"):
        cells(coding()._replace(decode=None))
    with pytest.raises(Refusal, match="one number, and a map needs two"):
        cells(coding(1))
    with pytest.raises(Refusal, match="--spherical is for a plane"):
        cells(coding(), spherical=True)
    whole = coding()._replace(encode=lambda key, variables, data, condition=None: data[:, 0, :2, 0].astype(np.int32))
    with pytest.raises(Refusal, match="are whole numbers"):
        cells(whole)
