"""Normal distributions against SciPy, and their divergence against integrals and samples."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from gengen.losses.divergences import divergence_from_standard, normal_log_density, standard_log_density

MEANS = np.float32([-3.0, 0.0, 0.0, 0.4, 2.0])
LOG_DEVIATIONS = np.float32([0.5, 0.0, -2.0, 0.1, -4.0])


def test_densities_are_those_of_scipy():
    x = np.float32([-1.0, 0.3, 5.0, 0.0, 2.01])
    np.testing.assert_allclose(
        normal_log_density(x, MEANS, LOG_DEVIATIONS), scipy.stats.norm.logpdf(x, MEANS, np.exp(LOG_DEVIATIONS)), 1e-4
    )
    np.testing.assert_allclose(standard_log_density(x), scipy.stats.norm.logpdf(x), rtol=1e-6)


def test_the_divergence_is_the_integral_of_its_definition():
    for mean, log_deviation, found in zip(
        MEANS, LOG_DEVIATIONS, divergence_from_standard(MEANS, LOG_DEVIATIONS), strict=True
    ):
        own = scipy.stats.norm(mean, np.exp(np.float64(log_deviation)))
        ends = own.ppf(1e-14), own.isf(1e-14)
        integral, _ = scipy.integrate.quad(
            lambda x, own=own: own.pdf(x) * (own.logpdf(x) - scipy.stats.norm.logpdf(x)), *ends, limit=200
        )
        assert float(found) == pytest.approx(integral, rel=1e-5, abs=1e-6)


def test_the_divergence_is_the_mean_of_log_ratios_of_samples():
    n = 100_000
    noise = jax.random.normal(jax.random.key(0), (n, len(MEANS)))
    mean, log_deviation = (jnp.broadcast_to(value, noise.shape) for value in (MEANS, LOG_DEVIATIONS))
    x = mean + jnp.exp(log_deviation) * noise
    ratios = np.float64(normal_log_density(x, mean, log_deviation) - standard_log_density(x))
    error = ratios.std(0) / np.sqrt(n)
    assert np.all(np.abs(ratios.mean(0) - divergence_from_standard(MEANS, LOG_DEVIATIONS)) < 4.5 * error + 1e-6)


def test_the_divergence_is_least_and_zero_at_the_standard_normal_distribution():
    zero = jnp.zeros(1)
    assert float(divergence_from_standard(zero, zero)[0]) == 0
    slopes = jax.grad(lambda *of: divergence_from_standard(*of).sum(), argnums=(0, 1))(zero, zero)
    chex.assert_trees_all_close(slopes, (zero, zero))
    rng = np.random.default_rng(0)
    assert np.all(np.asarray(divergence_from_standard(*np.float32(rng.normal(size=(2, 1000))))) > 0)
