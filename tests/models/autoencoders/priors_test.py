"""The distributions that codes are held to: their moments, their shapes, and the part of each class."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import example_keys
from gengen.models.autoencoders.priors import PRIORS, gaussian, mixture, swiss_roll

N = 20_000
KEYS = example_keys(jax.random.key(0), N)


def drawn(prior, latent=2):
    return np.asarray(jax.jit(prior.draw, static_argnums=1)(KEYS, latent), np.float64)


def of_class(prior, label, classes):
    return np.asarray(jax.jit(prior.of_class, static_argnums=2)(KEYS, jnp.full(N, label), classes), np.float64)


def test_normal_codes_have_the_deviation_asked_for_in_every_direction():
    codes = drawn(gaussian(deviation=5.0), 3)
    np.testing.assert_allclose(codes.mean(0), 0, atol=5 * 5 / math.sqrt(N))
    np.testing.assert_allclose(np.cov(codes.T), 25 * np.eye(3), atol=25 * 5 * math.sqrt(2 / N))


@pytest.mark.parametrize("name", PRIORS)
def test_a_code_depends_on_its_own_key_alone(name):
    codes = drawn(PRIORS[name]())
    draw = jax.jit(PRIORS[name]().draw, static_argnums=1)
    np.testing.assert_allclose(draw(KEYS[5:9], 2), codes[5:9], rtol=1e-4, atol=1e-6)
    assert len(np.unique(codes[:, 0])) > 0.99 * N


def test_a_component_lies_on_the_circle_and_is_longer_towards_the_centre():
    prior, index, count = mixture(components=5, radius=3.0, along=0.6, across=0.2), 2, 5
    angle = 2 * math.pi * index / count
    outwards, aside = np.array([math.cos(angle), math.sin(angle)]), np.array([-math.sin(angle), math.cos(angle)])
    codes = of_class(prior, index, count)
    np.testing.assert_allclose(codes.mean(0), 3 * outwards, atol=5 * 0.6 / math.sqrt(N))
    spread = np.outer(outwards, outwards) * 0.6**2 + np.outer(aside, aside) * 0.2**2
    np.testing.assert_allclose(np.cov(codes.T), spread, atol=0.6**2 * 5 * math.sqrt(2 / N))


def test_the_mixture_is_all_its_components_alike():
    prior = mixture(components=4, radius=3.0, along=0.1, across=0.1)
    codes = drawn(prior)
    index = np.rint(np.arctan2(codes[:, 1], codes[:, 0]) / (math.pi / 2)).astype(int) % 4
    np.testing.assert_allclose(np.bincount(index, minlength=4) / N, 0.25, atol=5 * math.sqrt(0.25 * 0.75 / N))
    # Var of the mixture: 0.1^2 within, and 3^2 / 2 of the four means in each direction.
    np.testing.assert_allclose(codes.var(0), 0.01 + 4.5, rtol=0.05)


def test_a_component_is_the_one_that_the_label_names():
    labels = jnp.arange(N) % 10
    codes = np.asarray(jax.jit(mixture(components=10).of_class, static_argnums=2)(KEYS, labels, 10))
    angle = np.arctan2(codes[:, 1], codes[:, 0]) - 2 * math.pi * np.asarray(labels) / 10
    assert np.abs((angle + math.pi) % (2 * math.pi) - math.pi).mean() < 0.1


def test_the_roll_is_a_spiral_whose_every_part_is_as_likely_as_it_is_long():
    codes = drawn(swiss_roll(turns=1.5, radius=3.0, thickness=0.0))
    distance = np.hypot(*codes.T)
    angle = 2 * math.pi * 1.5 * distance / 3  # Archimedes: the angle grows with the distance from the centre
    np.testing.assert_allclose(codes, distance[:, None] * np.stack([np.cos(angle), np.sin(angle)], -1), atol=1e-4)
    shares = (distance / 3) ** 2
    assert np.abs(np.sort(shares) - (np.arange(N) + 0.5) / N).max() < 2 / math.sqrt(N)  # Kolmogorov-Smirnov


def test_a_class_has_its_share_of_the_roll_in_the_order_of_the_labels():
    for label in (0, 3, 9):
        shares = (np.hypot(*of_class(swiss_roll(radius=2.0, thickness=0.0), label, 10).T) / 2) ** 2
        assert label / 10 - 1e-5 <= shares.min() < label / 10 + 0.001
        assert (label + 1) / 10 - 0.001 < shares.max() <= (label + 1) / 10 + 1e-5


def test_thickness_is_the_deviation_from_the_line():
    noise = drawn(swiss_roll(thickness=0.2)) - drawn(swiss_roll(thickness=0.0))
    np.testing.assert_allclose(noise.std(0), 0.2, rtol=0.03)


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (lambda: gaussian(deviation=0.0), "deviation=0.0 must be positive"),
        (lambda: mixture(components=1), "components=1 must be at least 2"),
        (lambda: mixture(across=-1.0), "across=-1.0 must be positive"),
        (lambda: swiss_roll(turns=math.inf), "turns=inf must be positive and finite"),
        (lambda: swiss_roll(thickness=-0.1), "thickness=-0.1 must be a number of at least 0"),
        (lambda: gaussian().of_class(KEYS, jnp.zeros(N, jnp.int32), 10), "no parts that could belong to classes"),
        (lambda: gaussian().check(2, 10), "no parts that could belong to classes"),
        (lambda: mixture().draw(KEYS, 3), "latent=3 must be 2"),
        (lambda: swiss_roll().draw(KEYS, 8), "latent=8 must be 2"),
        (lambda: mixture(components=5).of_class(KEYS, jnp.zeros(N, jnp.int32), 10), "5 parts, and there are 10"),
    ],
)
def test_what_cannot_be_is_refused(build, complaint):
    with pytest.raises(ValueError, match=complaint):
        build()
