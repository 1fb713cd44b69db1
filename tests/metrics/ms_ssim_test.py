"""Structural similarity against its formula and other implementations, and the similarity within classes."""

import json
import pathlib
import runpy

import numpy as np
import pytest

from gengen.metrics.ms_ssim import WEIGHTS, class_similarity, ms_ssim, scales_and_window

REFERENCE = pathlib.Path(__file__).parent.parent / "reference" / "ms_ssim.json"
FOUND = json.loads(REFERENCE.read_text(encoding="utf-8"))
SCRIPT = runpy.run_path(str(REFERENCE.with_suffix(".py")))


@pytest.mark.parametrize("name", FOUND)
def test_it_is_that_of_other_implementations(name):
    pair = SCRIPT["draw"](SCRIPT["SHAPES"][name])
    assert [int(side.sum()) for side in pair] == FOUND[name]["sum of pixels"]
    np.testing.assert_allclose(ms_ssim(*pair, weights=(1.0,)), FOUND[name]["one scale"], rtol=1e-5)
    if "five scales" in FOUND[name]:
        np.testing.assert_allclose(ms_ssim(*pair), FOUND[name]["five scales"], rtol=1e-5)


def by_definition(a, b, weights, window):
    """Multi-scale similarity of two pictures [H, W] in [0, 1], place by place."""
    indices = np.arange(window) - (window - 1) / 2
    taps = np.exp(-(indices**2) / (2 * (1.5 * window / 11) ** 2))
    kernel = np.outer(taps, taps) / taps.sum() ** 2
    result = 1.0
    for scale, weight in enumerate(weights):
        if scale:
            height, width = (side // 2 * 2 for side in a.shape)
            a, b = (x[:height, :width].reshape(height // 2, 2, width // 2, 2).mean((1, 3)) for x in (a, b))
        luminance, structure = [], []
        for row in range(a.shape[0] - window + 1):
            for column in range(a.shape[1] - window + 1):
                x, y = (side[row : row + window, column : column + window] for side in (a, b))
                mean_x, mean_y = (kernel * x).sum(), (kernel * y).sum()
                var_x, var_y = (kernel * (x - mean_x) ** 2).sum(), (kernel * (y - mean_y) ** 2).sum()
                covariance = (kernel * (x - mean_x) * (y - mean_y)).sum()
                structure.append((2 * covariance + 0.0009) / (var_x + var_y + 0.0009))
                luminance.append((2 * mean_x * mean_y + 0.0001) / (mean_x**2 + mean_y**2 + 0.0001))
        last = scale == len(weights) - 1
        result *= max(np.mean(np.multiply(structure, luminance) if last else structure), 0) ** weight
    return result


@pytest.mark.parametrize(
    ("shape", "scales", "window"), [((28, 28), 2, 11), ((27, 23), 2, 11), ((8, 8), 1, 7), ((9, 12), 1, 9)]
)
def test_small_and_odd_pictures_follow_the_formula(shape, scales, window):
    assert scales_and_window(*shape) == (scales, window)
    a, b = (side / 255 for side in SCRIPT["draw"]((3, *shape, 2), seed=1))
    weights = np.array(WEIGHTS[:scales]) / sum(WEIGHTS[:scales]) * sum(WEIGHTS)
    expected = [
        np.mean([by_definition(x[..., channel], y[..., channel], weights, window) for channel in range(2)])
        for x, y in zip(a, b, strict=True)
    ]
    np.testing.assert_allclose(ms_ssim(a.astype(np.float32), b.astype(np.float32), peak=1.0), expected, rtol=1e-4)


def test_scales_are_as_many_as_the_window_fits():
    found = {side: scales_and_window(side, 300) for side in (4, 8, 11, 21, 22, 32, 43, 44, 64, 88, 175, 176, 256)}
    assert [window for _, window in found.values()] == [3, 7] + 11 * [11]
    assert [scales for scales, _ in found.values()] == [1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 5]


def test_a_picture_is_like_itself_and_the_order_of_a_pair_does_not_matter():
    a, b = SCRIPT["draw"]((5, 64, 48, 3))
    np.testing.assert_allclose(ms_ssim(a, a), 1, rtol=1e-5)
    np.testing.assert_allclose(ms_ssim(a, b), ms_ssim(b, a), rtol=1e-5)
    np.testing.assert_allclose(ms_ssim(a / np.float32(255), b / np.float32(255), peak=1.0), ms_ssim(a, b), rtol=1e-5)
    assert (np.diff(ms_ssim(a, b)) < 0).all()  # noise grows from pair to pair


def test_a_negative_counts_as_nothing_in_common():
    a, _ = SCRIPT["draw"]((2, 32, 32, 1))
    np.testing.assert_array_equal(ms_ssim(a, 255 - a), 0)


@pytest.mark.parametrize("number", [1, 3, 1030, 2500])
def test_pairs_are_compared_each_for_itself(number):
    pair = SCRIPT["draw"]((number, 28, 28, 1))
    some = [0, number // 2, number - 1]
    np.testing.assert_allclose(ms_ssim(*pair)[np.array(some)], ms_ssim(*(side[some] for side in pair)), rtol=1e-4)


def test_pictures_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match="two equal"):
        ms_ssim(np.zeros((2, 8, 8, 1)), np.zeros((3, 8, 8, 1)))


def pictures(random, size, collapsed=0.0, classes=3):
    """Draws uint8 pictures [N, 8, 8, 1] of flat classes with noise; a share of them repeats one of its class."""
    labels = random.integers(classes, size=size)
    images = 40 * labels[:, None, None, None] + random.integers(0, 100, (size, 8, 8, 1))
    templates = 40 * np.arange(classes)[:, None, None, None] + np.random.default_rng(0).integers(0, 100, (8, 8, 1))
    images = np.where(random.random((size, 1, 1, 1)) < collapsed, templates[labels], images)
    return images.astype(np.uint8), labels


@pytest.mark.parametrize("collapsed", [0.0, 0.5])
@pytest.mark.parametrize("size", [30, 300])
def test_the_interval_holds_the_expectation(collapsed, size):
    random = np.random.default_rng(1)
    estimates = [class_similarity(*pictures(random, size, collapsed), 3, seed=seed) for seed in range(200)]
    expectation = np.mean([found.value for found in estimates])
    held = np.mean([found.low <= expectation <= found.high for found in estimates])
    assert 0.90 <= held <= 0.99, held


def test_classes_are_averaged_each_with_the_same_weight_over_pairs_within_them():
    random = np.random.default_rng(2)
    images, _ = pictures(random, 64)
    images[:40] = images[0]  # one class of equal pictures, and a smaller one of others
    labels = np.r_[np.zeros(40, int), np.full(22, 2), [3], [3]]
    images[62:] = images[61]
    found = class_similarity(images, labels, 5)
    other = class_similarity(images[40:62], labels[40:62], 5)
    assert found.value == pytest.approx((1 + other.value + 1) / 3, abs=0.1)
    assert found.low < found.value < found.high
    assert class_similarity(images, labels, 5) == found
    assert class_similarity(images[:42], labels[:42], 5, pairs=4).value < 1
    alone = np.r_[labels[:62], [1, 4]]  # classes of one picture are left out
    assert class_similarity(images, alone, 5).value == pytest.approx((1 + other.value) / 2, abs=0.1)


def test_labels_without_two_pairs_are_refused():
    images, _ = pictures(np.random.default_rng(3), 9)
    with pytest.raises(ValueError, match="no class with four samples"):
        class_similarity(images, np.repeat([0, 1, 2], 3), 3)


def test_every_loss_of_diversity_moves_it_up_by_more_than_its_interval():
    random = np.random.default_rng(4)
    good = class_similarity(*pictures(random, 1000), 3)
    images, labels = pictures(random, 1000)
    faults = {
        "collapse": pictures(random, 1000, collapsed=1.0),
        "half collapse": pictures(random, 1000, collapsed=0.5),
        "duplicates": (np.tile(images[:5], (200, 1, 1, 1)), np.tile(labels[:5], 200)),
        "little contrast": ((100 + images // 20).astype(np.uint8), labels),
    }
    for name, samples in faults.items():
        assert class_similarity(*samples, 3).low > good.high, name
    noisy = np.clip(faults["collapse"][0] + random.normal(0, 30, images.shape), 0, 255).astype(np.uint8)
    assert class_similarity(noisy, faults["collapse"][1], 3).high < class_similarity(*faults["collapse"], 3).low
