"""Importance-weighted bounds on a Gaussian model whose evidence is known, and the gradient that is weighted.

z ~ N(0, 1) and x | z ~ N(z, s^2) give x ~ N(0, 1 + s^2) and z | x ~ N(x / (1 + s^2), s^2 / (1 + s^2)).
"""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from gengen.losses.bounds import importance_weighted, normalised_weights, with_gradient_weighted
from gengen.losses.divergences import normal_log_density, standard_log_density

S = 0.5
X = np.float32([-2.0, 0.3, 1.0])
EVIDENCE = scipy.stats.norm.logpdf(X, 0, np.sqrt(1 + S**2))
POSTERIOR = np.float32(X / (1 + S**2)), np.full(3, np.log(S / np.sqrt(1 + S**2)), np.float32)
GUESS = np.float32(0.5 * X), np.full(3, np.log(0.7), np.float32)


@functools.partial(jax.jit, static_argnums=(2, 3))
def log_weights(key, guess, *shape):
    """log p(x, z) - log q(z) [*shape, 3] of fresh samples of a guess q = (means, log-deviations)."""
    noise = jax.random.normal(key, (*shape, 3))
    mean, log_deviation = (jnp.broadcast_to(value, noise.shape) for value in guess)
    z = mean + jnp.exp(log_deviation) * noise
    likelihood = normal_log_density(jnp.broadcast_to(X, z.shape), z, jnp.full_like(z, np.log(S)))
    return likelihood + standard_log_density(z) - normal_log_density(z, mean, log_deviation)


@functools.cache
def bounds(k, repeats=5000):
    """The bound of k samples [repeats, 3], over and over."""

    @jax.jit
    def found(key):
        return importance_weighted(log_weights(key, GUESS, k, repeats).reshape(k, -1)).reshape(repeats, 3)

    return np.float64(found(jax.random.key(k)))


def test_of_one_sample_it_is_the_sample_itself_and_its_mean_is_the_evidence_lower_bound():
    assert np.all(importance_weighted(jnp.asarray([[1.5, -1e4]])) == jnp.asarray([1.5, -1e4]))
    mean, deviation = GUESS[0], np.exp(GUESS[1])
    # KL(q || posterior) is what the lower bound misses.
    of_true, log_deviation = POSTERIOR
    variance = np.exp(2 * np.float64(log_deviation))
    missed = np.log(np.sqrt(variance) / deviation) + (deviation**2 + (mean - of_true) ** 2) / (2 * variance) - 0.5
    found = bounds(1)
    assert np.all(missed > 0.1)
    assert np.all(np.abs(found.mean(0) - (EVIDENCE - missed)) < 4.5 * found.std(0) / np.sqrt(len(found)))


def test_it_is_the_logarithm_of_the_mean_weight():
    weights = np.float32(np.random.default_rng(0).normal(size=(7, 3)))
    expected = scipy.special.logsumexp(np.float64(weights), axis=0) - np.log(7)
    np.testing.assert_allclose(importance_weighted(weights), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(importance_weighted(weights - 1e4), expected - 1e4, rtol=1e-5)


def test_the_bound_grows_with_the_number_of_samples_and_stays_below_the_evidence():
    before = bounds(1)
    for k in (2, 5, 20):
        after = bounds(k)
        rise = after.mean(0) - before.mean(0)
        error = np.sqrt((after.var(0) + before.var(0)) / len(after))
        assert np.all(rise > 6 * error), k
        assert np.all(after.mean(0) < EVIDENCE + 4.5 * after.std(0) / np.sqrt(len(after)))
        before = after


def test_of_many_samples_it_is_the_evidence():
    found = jax.jit(importance_weighted)(log_weights(jax.random.key(0), GUESS, 50_000))
    np.testing.assert_allclose(found, EVIDENCE, atol=0.02)


@pytest.mark.parametrize("k", [1, 2, 50])
def test_with_the_true_posterior_every_sample_is_the_evidence(k):
    weights = log_weights(jax.random.key(k), POSTERIOR, k)
    np.testing.assert_allclose(weights, np.broadcast_to(EVIDENCE, (k, 3)), atol=2e-5)
    bound, shares = jax.jit(lambda weights: (importance_weighted(weights), normalised_weights(weights)))(weights)
    np.testing.assert_allclose(bound, EVIDENCE, atol=2e-5)
    np.testing.assert_allclose(shares, np.full((k, 3), 1 / k), rtol=1e-4)


def test_shares_add_to_one_are_proportional_to_weights_and_are_the_slope_of_the_bound():
    weights = np.float32(np.random.default_rng(0).normal(size=(7, 3)))
    shares = np.asarray(normalised_weights(weights))
    np.testing.assert_allclose(shares.sum(0), np.ones(3), rtol=1e-6)
    np.testing.assert_allclose(shares[1:] / shares[:1], np.exp(weights[1:] - weights[:1]), rtol=1e-5)
    slope = jax.jit(jax.grad(lambda weights: importance_weighted(weights).sum()))(weights)
    chex.assert_trees_all_close(slope, shares, rtol=1e-5)  # eq. 13 and 14
    chex.assert_tree_all_finite(normalised_weights(jnp.asarray([[-1e5], [0.0]])))


def test_a_weighted_gradient_leaves_values_alone_and_multiplies_what_comes_back():
    rng = np.random.default_rng(0)
    x, weight = (rng.normal(size=shape).astype(np.float32) for shape in ((4, 3, 2), (4, 3)))
    chex.assert_trees_all_equal(jax.jit(with_gradient_weighted)(x, weight), x)

    def function(x, weight):
        return jnp.sin(with_gradient_weighted(x, weight)).sum()

    of_x, of_weight = jax.jit(jax.grad(function, argnums=(0, 1)))(x, weight)
    chex.assert_trees_all_close(np.asarray(of_x), np.cos(x) * weight[..., None], rtol=1e-5)
    chex.assert_trees_all_equal(np.asarray(of_weight), np.zeros_like(weight))
