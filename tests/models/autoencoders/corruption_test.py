"""Corruptions: how much of an image they change, and into what."""

import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import example_keys
from gengen.models.autoencoders.corruption import CORRUPTIONS, gaussian, masking, none, salt_and_pepper

N, SHAPE = 50, (20, 20, 3)
IMAGE = jax.random.uniform(jax.random.key(0), (N, *SHAPE), minval=-0.9, maxval=0.9)
PLACES = N * 20 * 20


def keys(seed=1):
    return example_keys(jax.random.key(seed), N)


def near_share(found, share, of=PLACES):
    return abs(found - share) <= 4.5 * math.sqrt(share * (1 - share) / of)


def test_nothing_changes_nothing():
    chex.assert_trees_all_equal(none()(keys(), IMAGE), IMAGE)
    chex.assert_trees_all_equal(none(amount=0.7)(keys(), IMAGE), IMAGE)


@pytest.mark.parametrize("amount", [0.1, 0.5, 2.0])
def test_gaussian_noise_has_mean_zero_and_the_deviation_asked_for(amount):
    noise = np.float64(gaussian(amount=amount)(keys(), IMAGE) - IMAGE)
    assert abs(noise.mean()) < 4.5 * amount / math.sqrt(noise.size)
    assert abs(noise.std() - amount) < 4.5 * amount / math.sqrt(2 * noise.size)
    assert abs((noise**4).mean() / amount**4 - 3) < 4.5 * math.sqrt(96 / noise.size)
    for one in (noise[:, :-1] * noise[:, 1:], noise[..., :-1] * noise[..., 1:], noise[:-1] * noise[1:]):
        assert abs(one.mean()) < 4.5 * amount**2 / math.sqrt(one.size)  # neighbours, channels, images


@pytest.mark.parametrize("amount", [0.0, 0.25, 0.6, 1.0])
def test_masking_blackens_a_share_of_places_in_all_of_their_channels(amount):
    found = np.asarray(masking(amount=amount)(keys(), IMAGE))
    changed = found != np.asarray(IMAGE)
    assert np.all(changed == changed[..., :1])
    assert np.all(found[changed] == -1)
    assert near_share(changed[..., 0].mean(), amount)


@pytest.mark.parametrize("amount", [0.0, 0.1, 0.6, 1.0])
def test_salt_and_pepper_are_as_frequent(amount):
    found = np.asarray(salt_and_pepper(amount=amount)(keys(), IMAGE))
    changed = found != np.asarray(IMAGE)
    assert np.all(changed == changed[..., :1])
    assert set(np.unique(found[changed])) <= {-1, 1}
    assert near_share(changed[..., 0].mean(), amount)
    for end in (-1, 1):
        assert near_share((found[..., 0] == end).mean(), amount / 2)


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name != "none"])
def test_each_image_is_corrupted_by_its_own_key(name):
    corrupt, image = CORRUPTIONS[name](amount=0.5), jnp.broadcast_to(IMAGE[:1], (N, *SHAPE))
    found = corrupt(keys(), image)
    chex.assert_trees_all_equal(corrupt(keys(), image), found)
    chex.assert_trees_all_equal(corrupt(keys()[3:5], image[3:5]), found[3:5])
    for other in (corrupt(keys(2), image), jnp.roll(found, 1, 0)):
        assert np.all((np.asarray(other) != np.asarray(found)).mean((1, 2, 3)) > 0.3)


@pytest.mark.parametrize("name", ["masking", "salt_and_pepper"])
@pytest.mark.parametrize("amount", [-0.1, 1.1, math.nan])
def test_shares_lie_between_nothing_and_everything(name, amount):
    with pytest.raises(ValueError, match=f"amount={amount} must lie in \\[0, 1\\]"):
        CORRUPTIONS[name](amount=amount)


@pytest.mark.parametrize("amount", [-0.1, math.inf, math.nan])
def test_noise_has_a_finite_deviation(amount):
    with pytest.raises(ValueError, match=f"amount={amount} must be a number of at least 0"):
        gaussian(amount=amount)
