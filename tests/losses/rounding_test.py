"""What a whole number costs that is seen through noise, beside SciPy's integrals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import simpson
from scipy.special import logsumexp

from gengen.losses.rounding import expected_costs, log_prob_of_levels


def costs(noise, k, gamma, levels):
    """-log p(x_k | alpha x_k + sigma noise) in float64, as the paper writes it: normal densities, normalised."""
    alpha, sigma = np.sqrt(1 / (1 + np.exp(gamma))), np.sqrt(1 / (1 + np.exp(-gamma)))
    centres = alpha * np.linspace(-1, 1, levels)
    log = stats.norm.logpdf(centres[k] + sigma * np.asarray(noise)[:, None], centres, sigma)
    return logsumexp(log, -1) - log[:, k]


@pytest.mark.parametrize(("gamma", "levels"), [(-13.3, 256), (-10.0, 256), (-4.0, 5), (0.0, 5), (3.0, 2)])
def test_the_expected_cost_of_a_level_is_the_integral_of_its_cost_over_the_noise(gamma, levels):
    found = np.asarray(expected_costs(jnp.asarray(gamma), levels))
    assert found.shape == (levels,)
    noise = np.linspace(-8, 8, 2_001)
    for k in (0, 1, levels - 1):
        truth = simpson(costs(noise, k, gamma, levels) * stats.norm.pdf(noise), x=noise)
        assert found[k] == pytest.approx(truth, abs=2e-6, rel=1e-5)


def test_the_probability_of_a_level_is_that_of_normal_densities_normalised_over_all_levels():
    gamma, levels, noise = -3.0, 7, np.random.default_rng(0).normal(size=(5, 1)).astype(np.float32)
    for k in (0, 3, 6):
        found = log_prob_of_levels(noise, np.full((5, 1), k, np.float32), jnp.asarray(gamma), levels)
        np.testing.assert_allclose(-found[:, 0], costs(noise[:, 0], k, gamma, levels), atol=1e-5)


def test_less_noise_costs_less_and_the_slope_is_that_of_finite_differences():
    def cost(gamma):
        return expected_costs(gamma, 256).mean()

    gammas = jnp.array([-14.0, -12.0, -10.0, -5.0])
    assert (np.diff(jax.vmap(cost)(gammas)) > 0).all()
    slope = jax.grad(cost)(jnp.asarray(-11.0))
    assert slope == pytest.approx(float(cost(jnp.asarray(-10.9)) - cost(jnp.asarray(-11.1))) / 0.2, rel=1e-2)
