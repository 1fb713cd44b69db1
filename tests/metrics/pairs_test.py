"""Scores of pairs against closed forms and scikit-image, their order under planted faults, and their intervals."""

import math
import pathlib
import runpy

import numpy as np
import pytest

from gengen.metrics import pairs
from gengen.metrics.ms_ssim import ms_ssim
from gengen.metrics.pairs import (
    PSNR_CEILING,
    absolute_error,
    laplacian_energy,
    measure,
    psnr,
    ratio_of_means,
    retrieve,
    ssim,
)

DRAW = runpy.run_path(str(pathlib.Path(__file__).parent.parent / "reference" / "ms_ssim.py"))["draw"]

# scikit-image 0.26.0 on DRAW(shape) in float64: peak_signal_noise_ratio with data_range 255, and structural_similarity
# of the first picture with the second one and with its negative (255 - b), with gaussian_weights, sigma 1.5,
# use_sample_covariance False, data_range 255 and channel_axis -1.
REFERENCE = {
    (6, 28, 28, 1): {
        "psnr": [28.54093758, 22.496885821, 19.124346061, 16.449539624, 14.49734405, 13.173627946],
        "ssim": [0.9601928728, 0.88642720028, 0.81350856171, 0.65333322496, 0.47814078041, 0.44224188117],
        "negative": [-0.70984356494, -0.68728570113, -0.60885115213, -0.52062585423, -0.40291117021, -0.35313710703],
    },
    (3, 32, 40, 3): {
        "psnr": [22.467110088, 16.631244937, 13.541700618],
        "ssim": [0.88108291061, 0.62921089684, 0.46019193441],
        "negative": [-0.69921564116, -0.4857084329, -0.36068339968],
    },
}


@pytest.fixture(scope="module")
def images():
    """Smooth pictures with edges, floats in [0, 1]."""
    random = np.random.default_rng(0)
    blocks = random.uniform(0.2, 0.8, (40, 4, 4, 3)).repeat(4, 1).repeat(4, 2)
    return blocks + random.uniform(-0.05, 0.05, blocks.shape)


@pytest.mark.parametrize("shape", REFERENCE)
def test_psnr_and_ssim_are_those_of_scikit_image(shape):
    first, second = DRAW(shape)
    expected = REFERENCE[shape]
    np.testing.assert_allclose(psnr(second, first), expected["psnr"], rtol=1e-10)
    np.testing.assert_allclose(ssim(second, first), expected["ssim"], rtol=1e-5)
    np.testing.assert_allclose(ssim(255 - second, first), expected["negative"], rtol=1e-5)


def test_ssim_is_the_multi_scale_similarity_of_one_scale_where_it_is_positive():
    first, second = DRAW((5, 8, 9, 1))  # smaller than the window
    np.testing.assert_allclose(ssim(first, second), ms_ssim(first, second, weights=(1.0,)), rtol=1e-6)


def test_errors_of_a_constant_shift_are_the_closed_form():
    target = np.full((2, 5, 6, 3), 100, np.uint8)
    found = target + np.array([51, 0], np.uint8).reshape(2, 1, 1, 1)
    np.testing.assert_allclose(absolute_error(found, target), [0.2, 0], atol=1e-15)
    np.testing.assert_allclose(psnr(found, target), [-20 * math.log10(0.2), math.inf])
    # Means alone differ: (2 x y + C1) / (x^2 + y^2 + C1) with C1 = 0.01^2.
    x, y = 100 / 255, 151 / 255
    np.testing.assert_allclose(ssim(found, target), [(2 * x * y + 1e-4) / (x * x + y * y + 1e-4), 1], rtol=1e-4)


def test_pixels_and_floats_are_scored_alike(images):
    pixels = np.rint(255 * images).astype(np.uint8)
    other = pixels[::-1]
    for score in (absolute_error, psnr, ssim):
        expected = score(pixels, other)
        assert expected.dtype == np.float64
        np.testing.assert_allclose(score(pixels / 255, other / 255), expected, rtol=1e-4)
        np.testing.assert_allclose(score(pixels / 255, other), expected, rtol=1e-4)
        np.testing.assert_allclose(score(other, pixels), expected, rtol=1e-4)
    np.testing.assert_allclose(laplacian_energy(pixels / 255), laplacian_energy(pixels))


def test_no_score_depends_on_how_many_images_are_looked_at_at_a_time(images, monkeypatch):
    whole = [score(images, images[::-1]) for score in (absolute_error, psnr)]
    monkeypatch.setattr(pairs, "_ELEMENTS", 3 * images[0].size)
    np.testing.assert_array_equal([score(images, images[::-1]) for score in (absolute_error, psnr)], whole)


def test_the_energy_of_a_wave_is_that_of_its_frequency():
    # The Laplacian multiplies sin(k x) by 2 cos k - 2, so its energy is that squared, times a half.
    wave = 2 * np.pi / 8
    image = np.sin(wave * np.arange(34))[None, None, :, None] * np.ones((1, 6, 1, 1))  # 32 columns have a response
    assert laplacian_energy(image)[0] == pytest.approx((2 * math.cos(wave) - 2) ** 2 / 2)
    assert laplacian_energy(image.swapaxes(1, 2))[0] == pytest.approx((2 * math.cos(wave) - 2) ** 2 / 2)
    slope = np.add.outer(np.arange(5), 2 * np.arange(7))[None, :, :, None] / 20
    assert laplacian_energy(slope)[0] == pytest.approx(0, abs=1e-20)


def test_the_energy_is_that_of_the_brightness():
    dot = np.zeros((3, 3, 3, 3))
    dot[range(3), 1, 1, range(3)] = 1  # one place has a response, -4 times its luma
    np.testing.assert_allclose(laplacian_energy(dot), (4 * np.array([0.299, 0.587, 0.114])) ** 2)
    with pytest.raises(ValueError, match="at least 3 x 3"):
        laplacian_energy(np.zeros((1, 2, 5, 1)))


def test_a_blurred_image_beats_a_sharp_one_that_is_wrong_and_its_sharpness_tells(images):
    blurred = images.mean((1, 2), keepdims=True) * np.ones_like(images)
    wrong = np.roll(images, 1, axis=0)
    blur, other = measure(blurred, images), measure(wrong, images)
    assert blur["absolute_error"].high < other["absolute_error"].low
    assert blur["psnr"].low > other["psnr"].high
    assert blur["sharpness"].value == pytest.approx(0, abs=1e-12)
    assert other["sharpness"].value == pytest.approx(1)


def test_more_noise_is_worse_by_every_score_and_sharper(images):
    noise = np.random.default_rng(1).normal(size=images.shape)
    scores = [measure(np.clip(images + amount * noise, 0, 1), images) for amount in (0.02, 0.05, 0.1)]
    for name, sign in {"absolute_error": 1, "psnr": -1, "ssim": -1, "sharpness": 1}.items():
        assert (np.diff([sign * score[name].value for score in scores]) > 0).all(), name


def test_equal_images_have_a_mean_psnr_of_the_ceiling(images):
    found = measure(images, images)
    assert found["psnr"] == (PSNR_CEILING,) * 3
    assert found["absolute_error"] == (0, 0, 0)
    np.testing.assert_allclose(found["ssim"], 1, rtol=1e-6)
    assert found["ssim"].high <= 1
    np.testing.assert_allclose(found["sharpness"], 1)
    rounded = np.rint(255 * images) / 255
    assert psnr(rounded, images).mean() == pytest.approx(PSNR_CEILING, abs=0.1)


def test_flat_targets_have_no_sharpness_to_compare_with():
    assert sorted(measure(np.ones((3, 4, 4, 1)), np.zeros((3, 4, 4, 1)))) == ["absolute_error", "psnr", "ssim"]


def test_intervals_hold_the_mean_over_fresh_pairs():
    random = np.random.default_rng(2)
    hits = {"absolute_error": 0, "sharpness": 0}
    repeats, number = 400, 40
    scale = random.uniform(0.05, 0.15, (repeats, number, 1, 1, 1))  # some images are worse than others
    target = random.uniform(0, 1, (repeats, number, 5, 5, 1))
    found = target + scale * random.choice([-1.0, 1.0], target.shape)
    # E|error| = E scale; the Laplacian of independent pixels has 20 times their variance: 1/12 and E scale^2.
    truth = {"absolute_error": 0.1, "sharpness": 1 + 12 * (0.1**2 + 0.1**2 / 12)}
    for one, wanted in zip(found, target, strict=True):
        estimates = {
            "absolute_error": pairs.mean_error(absolute_error(one, wanted)),
            "sharpness": ratio_of_means(laplacian_energy(one), laplacian_energy(wanted)),
        }
        for name, estimate in estimates.items():
            hits[name] += estimate.low <= truth[name] <= estimate.high
    for name, count in hits.items():
        assert 0.92 < count / repeats < 0.98, (name, count / repeats)


def test_retrieval_finds_the_pair_whose_input_is_nearest():
    random = np.random.default_rng(3)
    training = random.integers(0, 256, (50, 6, 6, 3), np.uint8)
    order = random.permutation(50)[:20]
    inputs = np.clip(training[order].astype(int) + random.integers(-40, 41, (20, 6, 6, 3)), 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(retrieve(inputs, training), order)
    np.testing.assert_array_equal(retrieve(inputs / 255, training), order)
    np.testing.assert_array_equal(retrieve(inputs, training[:1]), 0)


def test_images_of_another_shape_are_no_pairs():
    for score in (absolute_error, psnr, ssim):
        with pytest.raises(ValueError, match="two equal"):
            score(np.zeros((2, 4, 4, 1)), np.zeros((2, 4, 4, 3)))
