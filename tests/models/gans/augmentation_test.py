"""Augmentations: their closed forms, loops in NumPy, and gradients that are the adjoints of what is kept."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from gengen.core.parallel import example_keys
from gengen.models.gans.augmentation import KINDS, augmented, brightness, contrast, cutout, saturation, translation

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(-1, 1, (64, 18, 25, 3)).astype(np.float32)
DRAWS = RNG.uniform(0, 1, (64, 2)).astype(np.float32)
ALMOST_ONE = np.nextafter(np.float32(1), np.float32(0))
CORNERS = np.asarray([[0, 0], [0, ALMOST_ONE], [ALMOST_ONE, 0], [ALMOST_ONE, ALMOST_ONE]], np.float32)
DRAWS[:4] = CORNERS
"""The extreme draws come first."""

apply = jax.jit(augmented, static_argnames="kinds")


def run(kind, images=IMAGES, draws=DRAWS):
    return np.asarray(jax.jit(kind)(images, draws))


def keys(number, seed=0):
    return example_keys(jax.random.key(seed), number)


def test_brightness_adds_up_to_a_half_to_all_pixels():
    np.testing.assert_allclose(run(brightness), IMAGES + (DRAWS[:, :1, None, None] - 0.5), atol=1e-6)


def test_contrast_scales_around_the_mean_of_the_image():
    after, mean = run(contrast), IMAGES.mean((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(after, mean + (0.5 + DRAWS[:, :1, None, None]) * (IMAGES - mean), atol=1e-5)
    np.testing.assert_allclose(after.mean((1, 2, 3)), mean[:, 0, 0, 0], atol=1e-6)


def test_saturation_scales_around_the_mean_of_the_pixel():
    after, mean = run(saturation), IMAGES.mean(3, keepdims=True)
    np.testing.assert_allclose(after, mean + 2 * DRAWS[:, :1, None, None] * (IMAGES - mean), atol=1e-5)
    np.testing.assert_allclose(after[0], np.broadcast_to(mean[0], after[0].shape), atol=1e-6)


def test_saturation_leaves_grey_images_as_they_are():
    np.testing.assert_allclose(run(saturation, IMAGES[..., :1]), IMAGES[..., :1], atol=1e-6)


def moved(image, down, right):
    """Pixel (row, column) goes to (row + down, column + right); the rest is grey."""
    after = np.zeros_like(image)
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            if 0 <= row + down < image.shape[0] and 0 <= column + right < image.shape[1]:
                after[row + down, column + right] = image[row, column]
    return after


def test_translation_moves_whole_pixels_and_lays_grey_bare():
    down, right = 2 - np.floor(DRAWS[:, 0] * 5).astype(int), 3 - np.floor(DRAWS[:, 1] * 7).astype(int)
    expected = [moved(*arguments) for arguments in zip(IMAGES, down, right, strict=True)]
    np.testing.assert_array_equal(run(translation), np.stack(expected))
    assert set(down) == set(range(-2, 3))  # 18 / 8 rounded towards 0
    assert set(right) == set(range(-3, 4))


def test_every_translation_is_as_likely_as_any_other():
    image = np.ones((1, 16, 16, 1), np.float32)
    grid = (np.arange(100, dtype=np.float32) + 0.5) / 100
    draws = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2)
    after = jax.jit(jax.vmap(lambda draws: translation(image, draws[None])[0]))(draws)
    column = np.asarray(after[:, 8, :, 0])  # the middle row is always inside
    right = np.argmax(column, axis=1) - np.argmax(column[:, ::-1], axis=1)  # left margin minus right margin
    _, counts = np.unique(right, return_counts=True)
    assert counts.sum() == 10_000
    np.testing.assert_array_equal(counts, [2000] * 5)


@pytest.mark.parametrize("shape", [(18, 25), (16, 16), (13, 14)])
def test_cutout_blanks_exactly_one_rectangle_clipped_at_the_border(shape):
    images = IMAGES[:, : shape[0], : shape[1]]
    after = run(cutout, images)
    for before, image, draws in zip(images, after, DRAWS, strict=True):
        spans = []
        for length, draw in zip(shape, draws, strict=True):
            side = length // 2
            first = int(np.floor(draw * np.float32(length + 1 - side % 2))) - side // 2
            spans.append(slice(max(first, 0), min(first + side, length)))
        expected = before.copy()
        expected[spans[0], spans[1]] = 0
        np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize("length", [12, 13, 14, 15, 16])
def test_cutout_treats_both_borders_alike(length):
    draws = (np.arange(1000, dtype=np.float32) + 0.5) / 1000
    ones = np.ones((1000, length, 4, 1), np.float32)
    kept = run(cutout, ones, np.stack([draws, np.full_like(draws, 0.5)], -1))[:, :, 2, 0]
    assert kept.min(0).max() == 0  # every place is blanked at times
    blanked = (1 - kept).mean(0)
    np.testing.assert_allclose(blanked, blanked[::-1], atol=0.005)
    shares = (1 - kept).sum(1) / (length // 2)
    assert shares.max() == 1
    assert 0.5 <= shares.min() <= 0.7


def test_probability_0_leaves_images_as_they_are():
    after = apply(keys(64), IMAGES, kinds=tuple(KINDS), probability=0.0)
    np.testing.assert_array_equal(after, IMAGES)


@pytest.mark.parametrize("kind", KINDS)
def test_probability_1_applies_a_kind_to_every_image(kind):
    draws = jax.vmap(lambda key: jax.random.uniform(key, (1, 3)))(keys(64))
    after = apply(keys(64), IMAGES, kinds=(kind,), probability=1.0)
    np.testing.assert_allclose(after, run(KINDS[kind], IMAGES, draws[:, 0, :2]), atol=1e-6)
    touched = np.any(np.asarray(after) != IMAGES, axis=(1, 2, 3))
    assert touched.mean() > 0.9  # one translation in 35 moves nothing


def test_each_kind_touches_the_share_of_images_that_was_asked_for_and_independently():
    number, probability = 4000, 0.3
    images = np.ones((number, 4, 4, 1), np.float32)
    after = np.asarray(apply(keys(number), images, kinds=("brightness", "cutout"), probability=probability))
    brightened, cut = np.all(after != 1, axis=(1, 2, 3)), np.any(after == 0, axis=(1, 2, 3))
    brightened |= np.max(after, axis=(1, 2, 3)) != 1
    for touched, share in ((brightened, 0.3), (cut, 0.3), (brightened & cut, 0.09)):
        low, high = scipy.stats.binom.interval(0.999, number, share)
        assert low <= touched.sum() <= high


def test_an_image_is_changed_by_its_own_key_alone():
    def view(keys, images):
        return apply(keys, images, kinds=tuple(KINDS), probability=0.7)

    whole = view(keys(64), IMAGES)
    np.testing.assert_array_equal(view(keys(64), IMAGES), whole)
    chex.assert_trees_all_close(view(keys(64)[20:30], IMAGES[20:30]), whole[20:30], atol=1e-6)
    assert np.any(np.asarray(view(keys(64, seed=1), IMAGES)) != whole)


@pytest.mark.parametrize("kind", ["translation", "cutout"])
def test_the_gradient_is_the_adjoint_of_what_is_kept(kind):
    def view(images):
        return apply(keys(64), images, kinds=(kind,), probability=0.8)

    cotangent = np.random.default_rng(1).normal(size=IMAGES.shape).astype(np.float32)
    gradient = np.asarray(jax.jit(lambda c: jax.vjp(view, IMAGES)[1](c)[0])(cotangent))
    # Each pixel is given its number, so that the view itself tells where each one went; 0 is grey.
    numbers = np.broadcast_to(np.arange(1, 18 * 25 * 3 + 1, dtype=np.float32).reshape(1, 18, 25, 3), IMAGES.shape)
    went = np.asarray(view(numbers)).astype(int).reshape(64, -1)
    expected = np.zeros((64, 18 * 25 * 3 + 1), np.float32)
    for image in range(64):
        np.add.at(expected[image], went[image], cotangent[image].reshape(-1))
    np.testing.assert_allclose(gradient.reshape(64, -1), expected[:, 1:], atol=1e-6)
    assert (went == 0).any()


@pytest.mark.parametrize("probability", [0.5, 1.0])
def test_the_gradient_pairs_with_any_direction_as_the_change_of_the_view_does(probability):
    def view(images):
        return apply(few, images, kinds=tuple(KINDS), probability=probability)

    def pairs(left, right):
        return np.sum(np.asarray(left, np.float64) * np.asarray(right, np.float64), axis=(1, 2, 3))

    few, images = keys(8), IMAGES[:8]
    direction, cotangent = np.random.default_rng(1).normal(size=(2, *images.shape)).astype(np.float32)
    back = jax.jit(lambda images, cotangent: jax.vjp(view, images)[1](cotangent)[0])(images, cotangent)
    change = np.asarray(view(images + direction)) - np.asarray(view(images))  # exact, for every kind is affine
    np.testing.assert_allclose(pairs(back, direction), pairs(cotangent, change), atol=1e-3)
    assert np.abs(pairs(back, direction)).max() > 1


def test_the_order_of_kinds_is_the_order_of_application():
    ones = np.ones((8, 16, 16, 1), np.float32)

    def last_cut(kinds):
        return np.asarray(apply(keys(8), ones, kinds=kinds, probability=1.0) == 0).any((1, 2, 3))

    assert last_cut(("brightness", "cutout")).all()
    assert not last_cut(("cutout", "brightness")).any()


def test_the_dtype_of_images_is_kept():
    for kind in KINDS.values():
        assert jax.eval_shape(kind, jnp.asarray(IMAGES[:4], jnp.bfloat16), DRAWS[:4]).dtype == jnp.bfloat16
