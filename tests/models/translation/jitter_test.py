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
    images = {"data": pictures(), "paired": pictures(np.float32)}
    for name, image in changed(images, margin=0, mirror=False).items():
        np.testing.assert_array_equal(image, images[name])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pictures_of_an_example_are_changed_alike_and_keep_shape_and_dtype(dtype):
    image = pictures(dtype)
    made = changed({"data": image, "paired": np.repeat(image, 3, -1)}, margin=3)
    assert made["data"].dtype == made["paired"].dtype == dtype
    assert (made["data"].shape, made["paired"].shape) == ((64, 8, 6, 1), (64, 8, 6, 3))
    np.testing.assert_array_equal(made["paired"], np.repeat(made["data"], 3, -1))
    assert not np.array_equal(made["data"], image)


def test_a_mirror_alone_turns_half_of_the_pictures_and_nothing_else():
    image = pictures()
    made = changed({"data": image}, margin=0, mirror=True)["data"]
    same, turned = ((made == other).all((1, 2, 3)) for other in (image, image[:, :, ::-1]))
    assert (same ^ turned).all()
    assert abs(turned.mean() - 0.5) < 4 * 0.5 / 64**0.5


def test_what_happens_to_a_picture_follows_from_its_own_key():
    image = pictures()
    whole = changed({"data": image}, margin=3)["data"]
    part = changed({"data": image[5:9]}, KEYS[5:9], margin=3)["data"]
    np.testing.assert_array_equal(part, whole[5:9])


def test_values_stay_within_those_of_the_picture_and_a_flat_picture_stays_flat():
    flat = np.full((64, 8, 6, 1), 77, np.uint8)
    made = changed({"flat": flat, "data": pictures(np.float32)}, margin=3)
    np.testing.assert_array_equal(made["flat"], flat)
    assert np.abs(made["data"]).max() <= 1


def test_pictures_are_moved_by_whole_pixels_all_shifts_alike_and_what_comes_in_is_mirrored():
    """Numbered pixels say by how much each picture was moved."""
    margin, number = 2, 2000
    image = np.arange(8 * 6, dtype=np.float32).reshape(8, 6)
    keys = example_keys(jax.random.key(1), number)
    images = jnp.broadcast_to(jnp.asarray(image)[None, :, :, None], (number, 8, 6, 1))
    made = changed({"data": images}, keys, margin=margin, mirror=False)["data"][..., 0]
    shifts = np.stack(np.divmod(made[:, 4, 3] - image[4 - margin, 3 - margin], 6), 1).astype(int)
    around = np.pad(image, margin, mode="reflect")
    for one, (down, right) in zip(made, shifts, strict=True):
        np.testing.assert_array_equal(one, around[down : down + 8, right : right + 6])
    for axis in (0, 1):
        shares = np.bincount(shifts[:, axis], minlength=2 * margin + 1) / number
        np.testing.assert_allclose(shares, np.full(5, 0.2), atol=4 * (0.2 * 0.8 / number) ** 0.5)
    assert abs(np.corrcoef(shifts.T)[0, 1]) < 4 / number**0.5


def test_a_margin_as_large_as_a_picture_is_refused():
    with pytest.raises(ValueError, match=r"jitter=6 must be below .* 8 x 6"):
        changed({"data": pictures()}, margin=6)
