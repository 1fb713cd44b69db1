"""The pool of earlier translations, against a list that is played with the same draws, on any number of replicas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS, example_keys
from gengen.models.translation.pool import Pool

SHAPE = (1, 2, 1)


def listed(key, size, kept, images):
    """What is shown of images, one after the other; `kept` is the pool, which changes."""
    shown = []
    for index, image in enumerate(images):
        coin, choice = jax.random.split(jax.random.fold_in(key, index))
        if len(kept) < size:
            kept.append(image)
            shown.append(image)
        elif size and jax.random.bernoulli(coin):
            at = int(jax.random.randint(choice, (), 0, size))
            shown.append(kept[at])
            kept[at] = image
        else:
            shown.append(image)
    return np.stack(shown)


def played(pool, replicas):
    """`(key, mutable, images [global batch, ...]) -> (shown, the pool of every replica)`."""
    replica = jax.vmap(pool.shown, in_axes=(None, None, 0), axis_name=AXIS)

    def step(key, mutable, images):
        shown, after = replica(key, mutable, images.reshape(replicas, -1, *images.shape[1:]))
        return shown.reshape(images.shape), jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, leaf.shape), after)

    return jax.jit(step)


def numbered(start, count):
    """Images that no other image equals."""
    return np.arange(start, start + count, dtype=np.float32)[:, None, None, None] * np.ones((1, *SHAPE), np.float32)


@pytest.mark.parametrize("replicas", [1, 2, 4])
@pytest.mark.parametrize("size", [0, 1, 3, 10, 50])
def test_the_pool_is_a_list_played_with_the_same_draws_and_equal_on_every_replica(size, replicas):
    pool, kept, batch = Pool(size), [], 8
    step, mutable = played(pool, replicas), pool.empty(SHAPE)
    for index in range(4):
        key, images = jax.random.fold_in(jax.random.key(7), index), numbered(1 + index * batch, batch)
        shown, after = step(key, mutable, images)
        for leaf in jax.tree.leaves(after):
            for replica in leaf[1:]:
                np.testing.assert_array_equal(replica, leaf[0])
        mutable = jax.tree.map(lambda leaf: leaf[0], after)
        np.testing.assert_array_equal(shown, listed(key, size, kept, images))
        np.testing.assert_array_equal(mutable["images"][: len(kept)], np.reshape(kept, (len(kept), *SHAPE)))
        assert mutable["count"] == len(kept) == min(size, batch * (index + 1))


def test_until_the_pool_is_full_every_image_goes_in_and_is_shown():
    images = numbered(1, 6)
    shown, after = played(Pool(6), 1)(jax.random.key(0), Pool(6).empty(SHAPE), images)
    np.testing.assert_array_equal(shown, images)
    np.testing.assert_array_equal(after["images"][0], images)


def test_an_image_is_never_lost_it_is_shown_or_kept():
    pool, mutable, given, shown = Pool(5), Pool(5).empty(SHAPE), [], []
    step = played(pool, 1)
    for index in range(20):
        images = numbered(1 + 4 * index, 4)
        seen, after = step(jax.random.key(index), mutable, images)
        mutable = jax.tree.map(lambda leaf: leaf[0], after)
        given += list(images[:, 0, 0, 0])
        shown += list(np.asarray(seen)[:, 0, 0, 0])
    assert set(shown) | set(np.asarray(mutable["images"])[:, 0, 0, 0]) == set(given)


def test_a_full_pool_swaps_half_of_all_images_at_places_that_are_equally_likely():
    size, number = 4, 4000
    full = {"images": numbered(-size, size), "count": jnp.asarray(size, jnp.int32)}
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(jax.random.key(3), jnp.arange(number))
    one = jax.vmap(Pool(size).shown, in_axes=(None, None, 0), axis_name=AXIS)
    image = jnp.ones((1, 1, *SHAPE))
    shown = np.asarray(jax.jit(jax.vmap(lambda key: one(key, full, image)[0]))(keys)).reshape(number, -1)[:, 0]
    assert abs(np.mean(shown < 0) - 0.5) < 4 * 0.5 / number**0.5
    swapped = shown[shown < 0]
    for old in range(-size, 0):
        assert abs(np.mean(swapped == old) - 1 / size) < 4 * (0.25 * 0.75 / len(swapped)) ** 0.5


def test_what_a_replica_is_shown_is_its_part_of_what_one_replica_would_be_shown():
    pool, images = Pool(3), numbered(1, 16)
    one, four = (played(pool, replicas)(jax.random.key(1), pool.empty(SHAPE), images) for replicas in (1, 4))
    np.testing.assert_array_equal(one[0], four[0])
    np.testing.assert_array_equal(one[1]["images"][0], four[1]["images"][3])
    assert not np.array_equal(one[0], images)  # or the test would say nothing


def test_the_draws_are_those_of_the_global_places():
    keys = example_keys(jax.random.key(1), 2)
    assert jnp.array_equal(keys[1], jax.random.fold_in(jax.random.key(1), 1))
