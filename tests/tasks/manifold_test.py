"""The map of decoded latents, cell by cell."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gengen.core.refusal import Refusal
from gengen.tasks.manifold import chosen_axes, laid_out


def cells(path, num):
    """The 4 x 4 images of a picture of enlarged ones, [num, num, 4, 4]."""
    with Image.open(path) as shown:
        return np.asarray(shown).reshape(num, 48, num, 48).swapaxes(1, 2)[:, :, 6::12, 6::12]


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (400, 4, 4, 1), np.uint8)


def test_cells_lie_on_quantiles_to_the_right_and_upwards_and_other_numbers_at_their_medians():
    draws = np.random.default_rng(0).normal(size=(200_000, 4)) * [1, 2, 3, 4] + [0, 0, 5, 0]
    found = laid_out(draws, 3, 1, 4).reshape(4, 4, 4)
    normal = np.array([-1.1503, -0.3186, 0.3186, 1.1503])  # quantiles 1/8, 3/8, 5/8 and 7/8 of N(0, 1)
    np.testing.assert_allclose(found[..., 3], np.tile(4 * normal, (4, 1)), atol=0.05)
    np.testing.assert_allclose(found[..., 1], np.tile(2 * normal[::-1, None], 4), atol=0.05)
    np.testing.assert_allclose(found[..., 0], 0, atol=0.02)
    np.testing.assert_allclose(found[..., 2], 5, atol=0.05)


def test_a_single_cell_is_the_median():
    draws = np.random.default_rng(0).normal(size=(1001, 2))
    np.testing.assert_allclose(laid_out(draws, 0, 1, 1), np.median(draws, axis=0)[None], rtol=1e-6)


def test_quantiles_are_those_of_the_prior_whatever_it_is(looked, coding, images, tmp_path, capsys):
    draws = np.array([[-1.0, 0.5], [1.0, 1.0], [1.0, -1.0], [1.0, 0.5]])
    path = looked("manifold", coding(draws=draws), images, num=4)
    assert path == tmp_path / "run" / "manifold.png"
    shown = cells(path, 4)
    level = {value: round((value / 2 + 1) * 127.5) for value in (-1.0, 0.5, 1.0)}
    np.testing.assert_array_equal(shown[:, :, 0, 0], np.tile([level[-1.0], *[level[1.0]] * 3], (4, 1)))
    rising = [level[1.0], level[0.5], level[0.5], level[-1.0]]
    np.testing.assert_array_equal(shown[:, :, 0, 1], np.tile(np.array(rising)[:, None], 4))
    assert (shown[:, :, 1, 1] == shown[0, 0, 1, 1]).all(), "one noise for all cells"
    said = capsys.readouterr().out
    assert said.startswith("4 x 4 decoded latents, step 7: to the right quantiles of number 0, upwards of number 1")
    assert "10,000 draws of the prior" in said


def test_a_model_without_prior_has_the_quantiles_of_the_codes_of_held_out_images(looked, coding, images, capsys):
    shown = cells(looked("manifold", coding(), images, num=3), 3)
    expected = np.quantile(images[:, 0, :2, 0], np.array([1, 3, 5]) / 6, axis=0)
    np.testing.assert_allclose(shown[0, :, 0, 0], expected[:, 0], atol=0.51)
    np.testing.assert_allclose(shown[::-1, 0, 0, 1], expected[:, 1], atol=0.51)
    assert "in the codes of 400 held-out images of few" in capsys.readouterr().out


def test_of_wide_latents_two_numbers_have_to_be_named(looked, coding, images):
    with pytest.raises(Refusal, match="3 numbers; name two of them for the map, as in --axes=0,1"):
        looked("manifold", coding(3), images, num=3)
    shown = cells(looked("manifold", coding(3), images, num=3, axes="2,0"), 3)
    expected = np.quantile(images[:, 0, :3, 0], np.array([1, 3, 5]) / 6, axis=0)
    np.testing.assert_allclose(shown[0, :, 0, 2], expected[:, 2], atol=0.51)
    np.testing.assert_allclose(shown[::-1, 0, 0, 0], expected[:, 0], atol=0.51)
    np.testing.assert_allclose(shown[:, :, 0, 1], expected[1, 1], atol=0.51)


def test_wide_latents_are_refused_before_any_is_drawn(looked, coding, images):
    drawn = []

    def prior(key, variables, n, condition=None):
        jax.debug.callback(lambda: drawn.append(n))
        return jnp.zeros((n, 2, 3))

    with pytest.raises(Refusal, match="a latent of this run is 6 numbers"):
        looked("manifold", coding()._replace(prior=prior), images, num=3)
    jax.effects_barrier()
    assert not drawn


def test_axes_are_two_different_numbers_of_the_latents():
    assert chosen_axes(None, 2) == (0, 1)
    assert chosen_axes("1, 0", 2) == (1, 0)
    for asked in ("0", "0,0", "0,2", "-1,0", "a,b", "", "0,1,1"):
        with pytest.raises(Refusal, match=r"two different numbers from 0 to 1, as in --axes=0,1"):
            chosen_axes(asked, 2)
    with pytest.raises(Refusal, match="one number, and a map needs two"):
        chosen_axes(None, 1)


def test_all_cells_are_told_one_class(looked, coding, images, capsys):
    labels = np.arange(400, dtype=np.int32) % 3
    model = coding(classes=3, draws=np.eye(2))
    assert (cells(looked("manifold", model, images, labels, num=2), 2)[:, :, 1, 0] == 0).all()
    assert "of class a, step 7" in capsys.readouterr().out
    assert (cells(looked("manifold", model, images, labels, num=2, label="c"), 2)[:, :, 1, 0] == 2).all()
    with pytest.raises(Refusal, match="--label=z is no class"):
        looked("manifold", model, images, labels, label="z")
    with pytest.raises(Refusal, match="--label=a: samples of this run cannot be told their class"):
        looked("manifold", coding(draws=np.eye(2)), images, labels, label="a")


def test_what_cannot_be_laid_out_is_refused(looked, coding, images):
    with pytest.raises(Refusal, match="cannot encode; what it can do: decode"):
        looked("manifold", coding(encodes=False), images)
    with pytest.raises(Refusal, match="cannot decode; what it can do: encode"):
        looked("manifold", coding()._replace(decode=None), images)
