"""Random changes of pairs: alike in both pictures of a pair, different from pair to pair, uniform over the margin."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import example_keys
from gengen.models.translation.jitter import jittered

KEYS = example_keys(jax.random.key(0), 64)


def pictures(dtype=np.uint8, height=8, width=6, channels=1):
    values = np.random.default_rng(0).integers(0, 256, (len(KEYS), height, width, channels))
    return values.astype(np.uint8) if dtype == np.uint8 else (values / 127.5 - 1).astype(dtype)


def changed(images, keys=KEYS, **arguments):
    return jax.tree.map(np.asarray, jax.jit(lambda keys, images: jittered(keys, images, **arguments))(keys, images))


def test_no_margin_and_no_mirror_leave_everything_as_it_is():
    images = {"image": pictures(), "paired": pictures(np.float32)}
    for name, image in changed(images, margin=0, mirror=False).items():
        np.testing.assert_array_equal(image, images[name])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pictures_of_an_example_are_changed_alike_and_keep_shape_and_dtype(dtype):
    image = pictures(dtype)
    made = changed({"image": image, "paired": np.repeat(image, 3, -1)}, margin=3)
    assert made["image"].dtype == made["paired"].dtype == dtype
    assert (made["image"].shape, made["paired"].shape) == ((64, 8, 6, 1), (64, 8, 6, 3))
    np.testing.assert_array_equal(made["paired"], np.repeat(made["image"], 3, -1))
    assert not np.array_equal(made["image"], image)


def test_a_mirror_alone_turns_half_of_the_pictures_and_nothing_else():
    image = pictures()
    made = changed({"image": image}, margin=0, mirror=True)["image"]
    same, turned = ((made == other).all((1, 2, 3)) for other in (image, image[:, :, ::-1]))
    assert (same ^ turned).all()
    assert abs(turned.mean() - 0.5) < 4 * 0.5 / 64**0.5


def test_what_happens_to_a_picture_follows_from_its_own_key():
    image = pictures()
    whole = changed({"image": image}, margin=3)["image"]
    part = changed({"image": image[5:9]}, KEYS[5:9], margin=3)["image"]
    np.testing.assert_array_equal(part, whole[5:9])


def test_values_stay_within_those_of_the_picture_and_a_flat_picture_stays_flat():
    flat = np.full((64, 8, 6, 1), 77, np.uint8)
    made = changed({"flat": flat, "image": pictures(np.float32)}, margin=3)
    np.testing.assert_array_equal(made["flat"], flat)
    assert np.abs(made["image"]).max() <= 1


def test_every_part_of_the_enlarged_picture_is_cut_out_equally_often():
    """A ramp says where each part was cut out: bilinear enlargement keeps ramps, away from the border."""
    margin, side, number = 4, 16, 2000
    ramp = np.arange(side, dtype=np.float32)
    image = np.stack(np.meshgrid(ramp, ramp, indexing="ij"), -1)
    keys = example_keys(jax.random.key(1), number)
    images = jnp.broadcast_to(jnp.asarray(image)[None], (number, side, side, 2))
    made = changed({"image": images}, keys, margin=margin, mirror=False)["image"]
    middle = side // 2
    first = (made[:, middle, middle] + 0.5) * (side + margin) / side - 0.5 - middle  # down and right
    np.testing.assert_allclose(first, np.rint(first), atol=1e-3)
    for axis in (0, 1):
        shares = np.bincount(np.rint(first[:, axis]).astype(int), minlength=margin + 1) / number
        assert len(shares) == margin + 1
        np.testing.assert_allclose(shares, 1 / (margin + 1), atol=4 * (0.2 * 0.8 / number) ** 0.5)
    assert abs(np.corrcoef(first.T)[0, 1]) < 4 / number**0.5


def test_the_wider_side_grows_in_proportion():
    """A ramp along the wider side is as steep as one along the other: pictures keep their aspect."""
    image = np.broadcast_to(np.arange(16, dtype=np.float32)[None, None, :, None], (64, 8, 16, 1))
    made = changed({"image": image}, margin=4, mirror=False)["image"]
    np.testing.assert_allclose(np.diff(made[:, 0, 5:11, 0]), 8 / 12, atol=1e-4)
