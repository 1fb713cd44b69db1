"""Pairs of images: what each transform keeps of an image, and whose key it draws from."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import example_keys
from gengen.models.translation.pairings import PAIRINGS, luma, steepness
from tests.units import scaled

KEYS = example_keys(jax.random.key(0), 6)
RNG = np.random.default_rng(0)


def photographs(number=6, height=8, width=12, channels=3):
    return scaled(RNG.integers(0, 256, (number, height, width, channels), np.uint8))


def pairs(pairing, batch, keys=KEYS):
    return jax.tree.map(np.asarray, jax.jit(pairing.of)(keys, batch))


def of(name, image, keys=KEYS, **arguments):
    """What a transform makes of images [B, H, W, C] in [-1, 1]."""
    return np.asarray(jax.jit(PAIRINGS[name](**arguments).transform)(keys, jnp.asarray(image, jnp.float32)))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", [name for name in PAIRINGS if name != "given"])
def test_a_transform_leaves_b_as_it_is_and_makes_an_a_of_the_shape_it_promises_from_its_own_key(name, channels):
    image = photographs(channels=channels)
    pairing = PAIRINGS[name]()
    a, b = pairs(pairing, {"data": image})
    np.testing.assert_allclose(b, image, atol=1e-6)
    assert {"a": a.shape[1:], "b": b.shape[1:]} == pairing.shapes(image.shape[1:], 0)
    assert a.dtype == b.dtype == np.float32
    alone, _ = pairs(pairing, {"data": image[4:]}, KEYS[4:])
    np.testing.assert_allclose(alone, a[4:], atol=1e-6)
    if name != "noisy":
        assert np.abs(a).max() <= 1 + 1e-6


# What the data hold.


@pytest.mark.parametrize("reverse", [False, True])
def test_given_pairs_go_from_the_second_picture_to_the_first_or_back(reverse):
    batch = {"data": photographs(), "paired": photographs(channels=1)}
    pairing = PAIRINGS["given"](reverse=reverse)
    a, b = pairs(pairing, batch)
    first, second = batch["data"], batch["paired"]
    np.testing.assert_allclose(a, first if reverse else second, atol=1e-6)
    np.testing.assert_allclose(b, second if reverse else first, atol=1e-6)
    assert pairing.shapes((8, 12, 3), 1) == {"a": a.shape[1:], "b": b.shape[1:]}


def test_data_without_pairs_have_none_to_give():
    with pytest.raises(ValueError, match="needs data that hold pairs"):
        PAIRINGS["given"]().shapes((8, 12, 3), 0)


# Grey.


def test_grey_is_the_luma_of_bt_601():
    image = photographs()
    expected = 0.299 * image[..., :1] + 0.587 * image[..., 1:2] + 0.114 * image[..., 2:]
    np.testing.assert_allclose(of("grey", image), expected, atol=1e-6)
    for value in (-1.0, 0.25, 1.0):
        np.testing.assert_allclose(luma(jnp.full((1, 2, 2, 3), value)), np.full((1, 2, 2, 1), value), atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_the_luma_of_anything_but_rgb_is_the_mean_of_its_channels(channels):
    image = photographs(channels=channels)
    np.testing.assert_allclose(luma(jnp.asarray(image)), image.mean(-1, keepdims=True), atol=1e-6)


# Low resolution.


def test_a_flat_picture_looks_the_same_at_low_resolution():
    flat = np.full((6, 8, 12, 3), 0.3, np.float32)
    np.testing.assert_allclose(of("low_resolution", flat), flat, atol=1e-6)


def test_only_the_means_of_squares_are_seen_at_low_resolution():
    """Whatever has no mean in any square of 4 x 4 does not show."""
    image = 0.3 * photographs()
    means = image.reshape(6, 2, 4, 3, 4, 3).mean((2, 4))
    fine = np.repeat(np.repeat(means, 4, 1), 4, 2)
    np.testing.assert_allclose(of("low_resolution", image, factor=4), of("low_resolution", fine, factor=4), atol=1e-5)
    assert np.abs(image - fine).max() > 0.1


def test_bicubic_enlargement_keeps_ramps_and_nearly_keeps_the_means_of_squares():
    ramp = np.broadcast_to(np.linspace(-0.8, 0.8, 32, dtype=np.float32)[None, None, :, None], (6, 32, 32, 1))
    made = of("low_resolution", ramp, factor=4)
    np.testing.assert_allclose(made[:, :, 8:-8], ramp[:, :, 8:-8], atol=1e-5)
    y, x = np.mgrid[:32, :32] / 32
    smooth = np.broadcast_to((0.7 * np.sin(3 * x + 1) * np.cos(4 * y))[None, :, :, None], (6, 32, 32, 1))
    means = [image.reshape(6, 8, 4, 8, 4).mean((2, 4)) for image in (smooth, of("low_resolution", smooth, factor=4))]
    np.testing.assert_allclose(means[1], means[0], atol=0.03)


def test_a_factor_that_does_not_divide_the_sides_is_refused():
    with pytest.raises(ValueError, match=r"factor=5 must divide .* 8 x 12"):
        of("low_resolution", photographs(), factor=5)


# Holes.


def holes(share, number=3000, height=6, width=9, **arguments):
    """Rows and columns of the hole in each of many pictures."""
    keys = example_keys(jax.random.key(1), number)
    image = np.random.default_rng(1).uniform(-1, 1, (1, height, width, 1)).repeat(number, 0).astype(np.float32)
    made = of("masked", image, keys, share=share, **arguments)
    hidden = (made[..., :-1] != image)[..., 0]
    np.testing.assert_array_equal(made[..., -1], np.where(hidden, -1, 1))
    return hidden.any(2), hidden.any(1), hidden


def test_a_hole_is_a_rectangle_of_its_share_of_both_sides():
    rows, columns, hidden = holes(1 / 3)
    assert (rows.sum(1) == 2).all()
    assert (columns.sum(1) == 3).all()
    np.testing.assert_array_equal(hidden, rows[:, :, None] & columns[:, None])
    for span, length in ((rows, 2), (columns, 3)):
        assert (span.argmax(1) + length - 1 == span.shape[1] - 1 - span[:, ::-1].argmax(1)).all()  # in one piece


def test_a_hole_is_anywhere_inside_with_the_same_probability():
    rows, columns, hidden = holes(1 / 3)
    firsts = rows.argmax(1), columns.argmax(1)
    for first, indices in zip(firsts, (5, 7), strict=True):
        shares = np.bincount(first, minlength=indices) / len(hidden)
        assert len(shares) == indices
        np.testing.assert_allclose(shares, 1 / indices, atol=4 * (1 / indices / len(hidden)) ** 0.5)
    assert abs(np.corrcoef(*firsts)[0, 1]) < 4 / len(hidden) ** 0.5


def test_a_hole_in_the_middle_is_always_there():
    rows, columns, _ = holes(1 / 3, number=6, centred=True)
    np.testing.assert_array_equal(rows, np.tile([0, 0, 1, 1, 0, 0], (6, 1)))
    np.testing.assert_array_equal(columns, np.tile([0, 0, 0, 1, 1, 1, 0, 0, 0], (6, 1)))


def test_a_hole_has_the_mean_colour_of_the_rest_and_the_rest_is_as_it_was():
    image = photographs()
    made = of("masked", image, share=0.5)[..., :-1]
    for before, after in zip(image, made, strict=True):
        hidden = (before != after).any(-1)
        assert hidden.sum() == 4 * 6
        mean = before[~hidden].mean(0)
        np.testing.assert_allclose(after[hidden], np.broadcast_to(mean, (24, 3)), atol=1e-5)
        np.testing.assert_array_equal(after[~hidden], before[~hidden])


def test_a_hole_never_takes_everything():
    made = of("masked", photographs(height=4, width=4), share=0.99)
    assert np.isfinite(made).all()


@pytest.mark.parametrize("share", [0.0, 1.0, float("nan")])
def test_a_share_outside_of_0_and_1_is_refused(share):
    with pytest.raises(ValueError, match="share="):
        PAIRINGS["masked"](share=share)


# Edges.


def step_down():
    """Black above, white below."""
    image = np.full((6, 8, 8, 1), -1.0, np.float32)
    image[:, 4:] = 1
    return image


def test_nothing_in_a_flat_picture_is_an_edge():
    np.testing.assert_allclose(of("edges", np.full((6, 8, 8, 3), 0.4)), np.full((6, 8, 8, 1), -1.0), atol=1e-6)


@pytest.mark.parametrize(("gain", "at"), [(0.5, 2 * 0.5 / 2**0.5 - 1), (1.0, 2 / 2**0.5 - 1), (2.0, 1.0)])
def test_a_step_from_black_to_white_is_one_over_the_root_of_two_of_the_steepest(gain, at):
    expected = np.full((6, 8, 8, 1), -1.0)
    expected[:, 3:5] = at
    np.testing.assert_allclose(of("edges", step_down(), gain=gain), expected, atol=1e-6)
    turned = of("edges", step_down().swapaxes(1, 2), gain=gain)
    np.testing.assert_allclose(turned, expected.swapaxes(1, 2), atol=1e-6)


def test_edges_do_not_ask_how_bright_a_picture_is_nor_which_side_is_brighter():
    image = 0.5 * photographs()
    expected = np.asarray(steepness(jnp.asarray(image)))
    assert expected.max() > 0.1
    for other in (image + 0.3, -image):
        np.testing.assert_allclose(steepness(jnp.asarray(other)), expected, atol=1e-5)
    np.testing.assert_allclose(steepness(jnp.asarray(image / 2)), expected / 2, atol=1e-5)
    assert float(steepness(jnp.asarray(np.sign(image))).max()) <= 1


def test_a_gain_of_nothing_is_refused():
    with pytest.raises(ValueError, match="gain=0"):
        PAIRINGS["edges"](gain=0.0)


# Noise.


def test_noise_has_its_standard_deviation():
    image = np.zeros((6, 30, 30, 3), np.float32)
    made = of("noisy", image, amount=0.2)
    np.testing.assert_allclose([made.mean(), made.std()], [0, 0.2], atol=0.01)
    assert not np.allclose(made[0], made[1])
