"""Affine maps of images: exact where bilinear interpolation is, and nothing at all with zeros."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import example_keys
from gengen.models.translation.affine import Affine, interpolated

NUMBER = 200
KEYS = example_keys(jax.random.key(0), NUMBER)
SIDE = 9


def grid(height, width):
    indices = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1)
    return indices.astype(np.float32)


def ramps(number=NUMBER):
    """Images whose channels are the row and the column."""
    return jnp.broadcast_to(jnp.asarray(grid(SIDE, SIDE))[None], (number, SIDE, SIDE, 2))


def moved(affine, images=None, keys=KEYS):
    return np.asarray(jax.jit(affine.of)(keys, ramps(len(keys)) if images is None else images))


def noise(number=NUMBER, height=7, width=5):
    return np.random.default_rng(0).uniform(-1, 1, (number, height, width, 3)).astype(np.float32)


def test_zeros_leave_images_as_they_are():
    np.testing.assert_array_equal(moved(Affine(), noise()), noise())


@pytest.mark.parametrize("shift", [(0, 0), (1, 0), (0, -2), (3, 2), (-20, 20)])
def test_a_shift_by_whole_pixels_repeats_the_border(shift):
    image = noise(1)[0]
    rows, columns = (np.clip(np.arange(side) + step, 0, side - 1) for side, step in zip((7, 5), shift, strict=True))
    indices = grid(7, 5) + np.asarray(shift, np.float32)[None, None]
    np.testing.assert_array_equal(jax.jit(interpolated)(image, indices), image[rows][:, columns])


def test_interpolation_is_exact_on_products_of_ramps():
    """Bilinear functions a + b y + c x + d x y are what bilinear interpolation keeps."""
    y, x = np.moveaxis(grid(7, 5), -1, 0)
    image = np.stack([2 + 0.5 * y - x + 0.25 * x * y], -1)
    indices = np.random.default_rng(1).uniform((0, 0), (6, 4), (50, 2)).astype(np.float32)
    down, right = indices.T
    expected = 2 + 0.5 * down - right + 0.25 * down * right
    np.testing.assert_allclose(jax.jit(interpolated)(image, indices)[:, 0], expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 4, 2), (4, 1, 1)])
def test_images_of_a_single_row_or_column_have_no_neighbours_there(shape):
    image = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    height, width, _ = shape
    np.testing.assert_array_equal(interpolated(jnp.asarray(image), jnp.asarray(grid(height, width))), image)
    beyond = interpolated(jnp.asarray(image), jnp.asarray([[9.0, 9.0], [-9.0, -9.0]]))
    np.testing.assert_array_equal(beyond, [image[-1, -1], image[0, 0]])


def test_shifts_are_uniform_up_to_the_largest_along_both_axes_and_differ_from_image_to_image():
    made = moved(Affine(translation=2.0))
    inside = made[:, 3:-3, 3:-3] - grid(SIDE, SIDE)[None, 3:-3, 3:-3]
    np.testing.assert_allclose(inside, np.broadcast_to(inside[:, :1, :1], inside.shape), atol=1e-5)
    shifts = inside[:, 0, 0]
    assert np.abs(shifts).max() <= 2
    assert np.all(np.abs(shifts.mean(0)) < 4 * 2 / (3 * NUMBER) ** 0.5)
    np.testing.assert_allclose(shifts.std(0), 2 / 3**0.5, rtol=0.15)
    assert len(np.unique(shifts[:, 0])) == NUMBER
    assert abs(np.corrcoef(shifts.T)[0, 1]) < 4 / NUMBER**0.5


def test_matrices_are_the_identity_plus_normal_numbers_around_the_middle():
    """Slopes of the ramps in a mapped image are the entries of its matrix, and the middle stays."""
    made = moved(Affine(deviation=0.1))
    middle = SIDE // 2
    np.testing.assert_allclose(made[:, middle, middle], middle, atol=1e-5)
    down, right = (
        made[:, middle + 1, middle] - made[:, middle, middle],
        made[:, middle, middle + 1] - made[:, middle, middle],
    )
    entries = np.stack([down, right], 1) - np.eye(2)[None]
    assert np.all(np.abs(entries.mean(0)) < 4 * 0.1 / NUMBER**0.5)
    np.testing.assert_allclose(entries.std(0), 0.1, rtol=0.25)
    second = np.diff(made[:, 2:-2, 2:-2], 2, axis=1), np.diff(made[:, 2:-2, 2:-2], 2, axis=2)
    assert max(np.abs(difference).max() for difference in second) < 1e-4


def test_noise_has_its_deviation_and_is_of_each_image_alone():
    made = moved(Affine(noise=0.3), noise())
    np.testing.assert_allclose((made - noise()).std(), 0.3, rtol=0.05)
    assert not np.allclose(made[0] - noise()[0], made[1] - noise()[1])


def test_what_happens_to_an_image_follows_from_its_own_key():
    affine = Affine(0.1, 2.0, 0.1)
    np.testing.assert_allclose(moved(affine, noise()[3:5], KEYS[3:5]), moved(affine, noise())[3:5], atol=1e-6)


@pytest.mark.parametrize("wrong", [{"deviation": -1.0}, {"translation": float("inf")}, {"noise": float("nan")}])
def test_what_is_out_of_range_is_named(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=rf"{name}=.* at least 0"):
        Affine(**wrong).check()
